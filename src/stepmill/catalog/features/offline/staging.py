"""Rows of an ingest in files that nobody sees yet."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.offline.copying import Copying, CopyWriter
from stepmill.catalog.features.offline.door import Rows
from stepmill.catalog.features.offline.event_times import micros_of
from stepmill.catalog.features.offline.files import by_hours, data_of, write_parquet
from stepmill.catalog.features.offline.layout import arrow_schema, file_name, hour_folder, label_of
from stepmill.catalog.features.schema import API_INVOCATION_TIME, IS_DELETED, WRITE_TIME
from stepmill.storage.objects.uri import S3Uri

_WRITERS = min(4, os.cpu_count() or 1)
# So many rows are read again at a time.
_ROWS_AT_ONCE = 500_000


@dataclass(frozen=True, slots=True)
class _File:
    hour: str
    latest: int
    part: int
    path: Path


class Staging:
    """Writes the parts of an ingest. Close it when what it has written is in place.

    Args:
        group: Whose.
        scratch: A folder for the files.
        started_at: When the ingest began, in microseconds since 1970-01-01T00:00Z.
    """

    def __init__(self, group: FeatureGroup, scratch: Path, started_at: int) -> None:
        self.rows = 0
        self._group = group
        self._scratch = scratch
        self._started_at = started_at
        self._parts = 0
        self._held: list[Rows] = []
        self._files: list[_File] = []
        self._hash = hashlib.blake2b(digest_size=16)
        self._copying = Copying(scratch, group.schema)

    def add(self, rows: Rows, now: int) -> None:
        """Write a part to files."""
        self._hash_in(rows.table)
        count = rows.table.num_rows
        # Those of a later part came later: what decides between rows of one identifier and event time.
        extra = {
            WRITE_TIME: pa.repeat(pa.scalar(now, pa.timestamp("us")), count),
            API_INVOCATION_TIME: pa.repeat(
                pa.scalar(self._started_at + self._parts, pa.timestamp("us")), count
            ),
            IS_DELETED: pa.repeat(pa.scalar(False), count),
        }
        table = pa.table([*rows.table.columns, *extra.values()], schema=arrow_schema(self._group.schema))
        folder = self._scratch / str(self._parts)
        folder.mkdir()
        with ThreadPoolExecutor(_WRITERS) as writers:
            writing: list[Future[None]] = []
            hours: list[pa.Table] = []
            for part, latest in by_hours(table, rows.event_times):
                path = folder / f"{len(writing)}.parquet"
                writing.append(writers.submit(write_parquet, part, path))
                hours.append(part)
                self._files.append(_File(hour_folder(latest), latest, self._parts, path))
            self._copying.add(hours, rows.event_times)
            for each in writing:
                each.result()
        self._parts += 1
        self.rows += count
        # A single part need not be read again.
        self._held = [rows] if self._parts == 1 else []

    @property
    def digest(self) -> str:
        """What stands for all rows, in their order."""
        return self._hash.hexdigest()

    def files(self, ingest: str) -> list[tuple[S3Uri, Path]]:
        """Return where each file goes, in the order of the rows."""
        data = data_of(self._group)
        found = []
        for file in self._files:
            label = label_of(f"{self._group.id}/ingest/{ingest}/{file.part}/{file.hour}")
            name = file_name(file.latest, label)
            found.append((S3Uri(data.bucket, f"{data.key}/{file.hour}/{name}"), file.path))
        return found

    def paths(self) -> list[Path]:
        """Return the files, in the order of the rows."""
        return [file.path for file in self._files]

    def copy(self) -> CopyWriter | None:
        """Return a copy of all files, if they are so many that one has been made. No rows come after that."""
        return self._copying.done()

    def close(self) -> None:
        """Close what is open."""
        self._copying.close()

    @property
    def held(self) -> Rows | None:
        """All rows, if they are few enough to be kept in memory."""
        return self._held[0] if self._held else None

    def _hash_in(self, table: pa.Table) -> None:
        with pa.ipc.new_stream(pa.PythonFile(_Hashing(self._hash), mode="w"), table.schema) as stream:
            stream.write_table(table)


class _Hashing:
    """A file that only hashes what is written to it."""

    closed = False

    def __init__(self, hashed: Any) -> None:
        self._hashed = hashed

    def write(self, data: bytes) -> int:
        self._hashed.update(data)
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


def rows_of(group: FeatureGroup, paths: Sequence[Path]) -> Iterator[Rows]:
    """Yield the rows of files of a group, some hundred thousand at a time, in the order of the files."""
    held: list[pa.Table] = []
    count = 0
    for path in paths:
        held.append(_features_of(group, path))
        count += held[-1].num_rows
        if count >= _ROWS_AT_ONCE:
            yield _joined(group, held)
            held, count = [], 0
    if held:
        yield _joined(group, held)


def _joined(group: FeatureGroup, tables: Sequence[pa.Table]) -> Rows:
    table = pa.concat_tables(tables)
    return Rows(table, micros_of(table.column(group.schema.event_time).combine_chunks()))


def _features_of(group: FeatureGroup, path: Path) -> pa.Table:
    schema = arrow_schema(group.schema)
    with pq.ParquetFile(path) as file:
        here = set(file.schema_arrow.names)
        names = [feature.name for feature in group.schema.features]
        table = file.read(columns=[name for name in names if name in here])
    for name in names:
        if name not in here:  # added since
            table = table.append_column(name, pa.nulls(table.num_rows, schema.field(name).type))
    return table.select(names)
