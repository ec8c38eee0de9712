"""Joins the small files of an hour, with every record as it is, duplicates too.

The new file appears in the moment in which the old ones go. Who has begun to read has the old ones' bytes:
the collection of garbage frees them. A killed process has replaced them or has not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.offline.event_times import micros_of
from stepmill.catalog.features.offline.files import OfflineFile, OfflineFiles
from stepmill.catalog.features.offline.ingest import Ingests
from stepmill.catalog.features.offline.layout import arrow_schema

# Files of one hour are joined when there are so many of them, or on request.
MANY = 8
# A file that is as large as this stays as it is: what is gained is little, and what is moved much.
LARGE_BYTES = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Compacted:
    """What was joined.

    Args:
        before: How many files were replaced.
        after: By how many.
    """

    before: int
    after: int


class Compaction:
    """Joins files. Safe to share between threads and processes.

    Args:
        files: The files of offline stores.
        ingests: Tell whether an ingest still needs its own.
    """

    def __init__(self, files: OfflineFiles, ingests: Ingests) -> None:
        self._files = files
        self._ingests = ingests

    def compact(self, group: FeatureGroup, *, least: int = MANY) -> Compacted:
        """Join the files of each hour that has many.

        Args:
            group: Whose.
            least: How many an hour has at least for that.

        Raises:
            WrongStateError: If the group has no offline store.
            StorageError: If the disk fails; the hour that was being joined is as before.
        """
        before = after = 0
        for hour in self._crowded(group, least):
            joined = self._compact_hour(group, hour, least)
            before, after = before + joined, after + (joined > 0)
        return Compacted(before, after)

    def _crowded(self, group: FeatureGroup, least: int) -> list[str]:
        return [hour for hour, files in self._by_hour(group).items() if len(files) >= max(least, 2)]

    def _by_hour(self, group: FeatureGroup) -> dict[str, list[OfflineFile]]:
        found: dict[str, list[OfflineFile]] = defaultdict(list)
        for file in self._files.list(group):
            if file.size_bytes < LARGE_BYTES:
                found[file.uri.key.rpartition("/")[0]].append(file)
        return found

    def _compact_hour(self, group: FeatureGroup, hour: str, least: int) -> int:
        # One hour at a time: whoever flushes waits for no longer than that.
        with self._files.exclusive(group):
            files = self._by_hour(group).get(hour, [])
            if len(files) < max(least, 2) or self._ingests.is_pending(group):
                return 0
            table = _read(group, files)
            times = micros_of(table.column(group.schema.event_time).combine_chunks())
            self._files.write(group, table, times, instead_of=[file.uri for file in files])
        return len(files)


def _read(group: FeatureGroup, files: Sequence[OfflineFile]) -> pa.Table:
    schema = arrow_schema(group.schema)
    tables = []
    for file in files:
        table = pq.read_table(file.path, partitioning=None)
        for field in schema:
            if field.name not in table.column_names:  # added since
                table = table.append_column(field, pa.nulls(table.num_rows, field.type))
        tables.append(table.select(schema.names))
    return pa.concat_tables(tables)
