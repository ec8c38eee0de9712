"""All of the feature store over one database and one object store."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from stepmill.catalog.features.group import GROUP_KIND, FeatureGroup
from stepmill.catalog.features.groups import FeatureGroups
from stepmill.catalog.features.offline.files import OfflineFile, OfflineFiles
from stepmill.catalog.features.offline.flushing import Flushing
from stepmill.catalog.features.offline.layout import hive_columns
from stepmill.catalog.features.reading import Reading
from stepmill.catalog.features.writing import Writing
from stepmill.catalog.tags import Tags
from stepmill.core.arns import Arns
from stepmill.core.clock import Clock
from stepmill.core.errors import NotFoundError, StepmillError
from stepmill.core.made_once import made_once
from stepmill.storage.database import Database
from stepmill.storage.features import FeatureRows
from stepmill.storage.grouped import GroupedWrites
from stepmill.storage.objects.info import BucketNotFoundError
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.records import RecordStore

if TYPE_CHECKING:
    # They load Arrow and numpy, which most of those who ask for groups or records need not wait for.
    from stepmill.catalog.features.offline.compaction import Compaction
    from stepmill.catalog.features.offline.copies import Copies
    from stepmill.catalog.features.offline.ingest import Ingests
    from stepmill.catalog.features.offline.reading import OfflineReading

_log = logging.getLogger(__name__)

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
            self.rows,
            self.files,
            clock,
            self._with_files,
            lambda groups: self.writing.expire(groups),
            tidy=self.tidy,
        )
        self.writing = Writing(
            self.groups, self.rows, GroupedWrites(database), clock, self.flushing.on_journal
        )
        self.reading = Reading(self.groups, self.rows, clock)
        self._clock = clock
        self._objects = objects
        self._folder = folder
        self._copies = folder / "copies"
        self._sizes: dict[str, tuple[datetime, int]] = {}

    @made_once
    def ingests(self) -> Ingests:
        """Writes tables to groups."""
        from stepmill.catalog.features.offline.ingest import Ingests

        return Ingests(self.rows, self.files, self.copies, self._objects, self._folder, self._clock)

    @made_once
    def offline(self) -> OfflineReading:
        """Reads groups' files: the newest records, those of a moment, joins."""
        from stepmill.catalog.features.offline.reading import OfflineReading

        return OfflineReading(self.files, self.copies, self.flushing)

    @made_once
    def copies(self) -> Copies:
        """Copies of small files, which joins read instead of these."""
        from stepmill.catalog.features.offline.copies import Copies

        copies = Copies(self._copies, self._is_current)
        copies.sweep(lambda: (group.id for group in self.groups.all()))
        return copies

    @made_once
    def compaction(self) -> Compaction:
        """Joins small files."""
        from stepmill.catalog.features.offline.compaction import Compaction

        return Compaction(self.files, self.ingests)

    def tidy(self, group: FeatureGroup) -> None:
        """Finish what a killed ingest left, and join small files; what fails is told in the log."""
        if group.offline is None:
            return
        try:
            if self.groups.find(group.name) == group:
                self.ingests.resume(group)
            self.compaction.compact(group)
        except StepmillError as error:
            _log.warning("The files of the feature group %r cannot be joined: %s", group.name, error)

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
        if (self._copies / group.id).is_dir():
            self.copies.drop(group)
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

    def _is_current(self, group: FeatureGroup) -> bool:
        version = self.rows.version(GROUP_KIND, group.name.lower())
        return version is not None and version[0] == group.id

    def _with_files(self) -> Mapping[str, FeatureGroup]:
        return {group.id: group for group in self.groups.with_files()}
