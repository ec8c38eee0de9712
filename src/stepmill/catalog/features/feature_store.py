"""All of the feature store over one database and one object store."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.groups import FeatureGroups
from stepmill.catalog.features.offline.files import OfflineFile, OfflineFiles
from stepmill.catalog.features.offline.flushing import Flushing
from stepmill.catalog.features.offline.layout import hive_columns
from stepmill.catalog.features.reading import Reading
from stepmill.catalog.features.writing import Writing
from stepmill.catalog.tags import Tags
from stepmill.core.arns import Arns
from stepmill.core.clock import Clock
from stepmill.core.errors import NotFoundError
from stepmill.storage.database import Database
from stepmill.storage.features import FeatureRows
from stepmill.storage.grouped import GroupedWrites
from stepmill.storage.objects.info import BucketNotFoundError
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.records import RecordStore

_SIZE_HOLDS = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class OfflineTable:
    """A group's files as a table of SQL.

    Args:
        group: Whose; it may have been deleted since.
        columns: (name, type as Glue has it), in lower case.
        files: As they were at one moment; all that was acknowledged before is in them.
    """

    group: FeatureGroup
    columns: list[tuple[str, str]]
    files: list[OfflineFile]


class FeatureStore:
    """Feature groups, and who writes and reads their records.

    Args:
        database: Where records are kept.
        records: Where groups are kept: in the same database.
        objects: Where files are kept.
        folder: Where files are made.
        arns: Of this installation.
        tags: Keeps the groups' tags.
        clock: Tells the time.
    """

    def __init__(
        self,
        database: Database,
        records: RecordStore,
        objects: ObjectStore,
        folder: Path,
        *,
        arns: Arns,
        tags: Tags,
        clock: Clock,
    ) -> None:
        self.rows = FeatureRows(database)
        self.groups = FeatureGroups(records, self.rows, arns, tags, clock, has_bucket=objects.bucket_exists)
        self.files = OfflineFiles(objects, folder)
        self.flushing = Flushing(
            self.rows, self.files, clock, self._with_files, lambda groups: self.writing.expire(groups)
        )
        self.writing = Writing(
            self.groups, self.rows, GroupedWrites(database), clock, self.flushing.on_journal
        )
        self.reading = Reading(self.groups, self.rows, clock)
        self._clock = clock
        self._sizes: dict[str, tuple[datetime, int]] = {}

    def online_size(self, group: FeatureGroup) -> int:
        """Return how many bytes the online store has of a group, or had a minute ago: counting takes long."""
        now = self._clock.now()
        found = self._sizes.get(group.id)
        if found is None or now - found[0] > _SIZE_HOLDS:
            found = self._sizes[group.id] = (now, self.rows.size(group.id)[1])
        return found[1]

    def delete(self, name_or_arn: str) -> FeatureGroup:
        """Remove a group. All records that were acknowledged are in its files then, and these stay.

        Without its bucket they wait for it, as before.

        Raises:
            NotFoundError: If there is none.
        """
        group = self.groups.get(name_or_arn)
        with suppress(BucketNotFoundError):
            self.flushing.settle(group)
        self.groups.delete(name_or_arn)
        with suppress(BucketNotFoundError):
            # What was acknowledged meanwhile.
            self.flushing.settle(group)
        return group

    def table(self, database: str, table: str) -> OfflineTable:
        """Return a group's files as a table of SQL, with all that has been acknowledged.

        Raises:
            NotFoundError: If there is no such table.
        """
        group = self.groups.of_table(database, table)
        if group is None:
            raise NotFoundError(f"There is no table {database}.{table} of the feature store.")
        self.flushing.settle(group)
        return OfflineTable(group, hive_columns(group.schema), self.files.list(group))

    def close(self) -> None:
        """Flush no more; what has been acknowledged stays in the journal."""
        self.flushing.close()

    def _with_files(self) -> Mapping[str, FeatureGroup]:
        return {group.id: group for group in self.groups.with_files()}
