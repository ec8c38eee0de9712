"""Copies of many small files of a group in one, which joins and snapshots read instead of these.

A group has a file for each hour of event times, and opening a file costs more than the bytes in it. So the
rows of small files are kept a second time, gathered in one Arrow file that is mapped into memory, with the
event times as numbers::

    copies/<group's id>/<name>.arrow    columns, not compressed
    copies/<group's id>/<name>.json     whose rows these are, in their order, and how long the other file is

A copy is never believed for what a group has. The files that a group has now are looked up, and rows are
taken from a copy only for files that are among these; the others are read themselves. That is right whatever
else happened, because a blob never changes and its name is never used again. So a copy may go at any moment,
and a process may be killed at any moment: a copy counts from the moment in which its ``.json`` appears, and
what has none is swept away.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa

from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.offline.copying import MANY, MOMENT, CopyWriter, Index, has_room
from stepmill.catalog.features.offline.event_times import micros_of
from stepmill.catalog.features.offline.layout import arrow_schema
from stepmill.catalog.features.offline.loading import in_threads, load, one_array
from stepmill.catalog.features.schema import GroupSchema
from stepmill.core.errors import StorageError
from stepmill.storage.locks import NamedLocks

# A larger file is read as fast from where it is.
SMALL_BYTES = 8 * 1024 * 1024
# In memory at a time, as Parquet.
_BYTES_AT_ONCE = 32 * 1024 * 1024
# How much longer columns usually are than in Parquet.
_USUAL_COMPRESSION = 4

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that is complete.

    Args:
        data: Its Arrow file.
        sources: Whose rows it has, in their order: (name of a blob, number of rows).
    """

    data: Path
    sources: tuple[tuple[str, int], ...]

    @property
    def index(self) -> Path:
        """The file that makes it count."""
        return self.data.with_suffix(".json")


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows that are taken from a copy.

    Args:
        copy: Which.
        ranges: Of its rows: (first, number).
    """

    copy: Copy
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Cover:
    """How a group's files are read.

    Args:
        pieces: From copies.
        rest: From the files themselves.
    """

    pieces: Sequence[Piece] = ()
    rest: Sequence[Path] = ()

    def load(self, schema: GroupSchema, names: Sequence[str]) -> tuple[pa.Table, pa.Array]:
        """Read columns, and the event times in microseconds since 1970-01-01T00:00Z.

        Args:
            schema: Of the group.
            names: Which columns.

        Raises:
            FileNotFoundError: If a file or a copy is gone.
        """
        whole = arrow_schema(schema)
        wanted = pa.schema([whole.field(name) for name in names])
        tables = [_read(piece, wanted) for piece in self.pieces]
        if self.rest or not tables:
            table = load(self.rest, schema, list(dict.fromkeys([*names, schema.event_time])))
            moments = micros_of(one_array(table.column(schema.event_time)))
            tables.append(table.select(names).append_column(MOMENT, moments))
        found = pa.concat_tables(tables)
        return found.select(names), one_array(found.column(MOMENT))


_INDEX = msgspec.json.Decoder(Index)


class Copies:
    """Makes and finds copies. Safe to share between threads and processes.

    Args:
        folder: Where they are; it is made when needed.
        is_current: Whether there is still that group.
    """

    def __init__(self, folder: Path, is_current: Callable[[FeatureGroup], bool]) -> None:
        self._folder = folder
        self._locks = NamedLocks(folder)
        self._is_current = is_current

    def cover(self, group: FeatureGroup, paths: Sequence[Path]) -> Cover:
        """Return how these files are read, with the copies that there are."""
        return _cover(self._find(group), paths)

    def gather(self, group: FeatureGroup, paths: Sequence[Path]) -> Cover:
        """Return how these files are read; if many are small and have no copy, one is made first.

        A copy that cannot be made is told in the log, and done without.

        Raises:
            FileNotFoundError: If a file is gone.
        """
        cover = self.cover(group, paths)
        if len(cover.rest) < MANY or not _small(cover.rest):
            return cover
        try:
            with self._locks.hold(group.id):
                # Who waited here finds what the other one has made.
                self._make(group, paths)
        except FileNotFoundError:
            raise
        except (OSError, StorageError, pa.ArrowException) as error:
            _log.info("No copy is made of the files of the feature group %r: %s", group.name, error)
        return self.cover(group, paths)

    def adopt(self, group: FeatureGroup, writer: CopyWriter, paths: Sequence[Path]) -> None:
        """Let a copy count that was made elsewhere on this file system; what fails is told in the log.

        Args:
            group: Whose.
            writer: What it was made with.
            paths: The files whose rows were given to it, in their order.
        """
        try:
            with self._locks.hold(group.id):
                self._of(group).mkdir(mode=0o700, parents=True, exist_ok=True)
                self._publish(group, writer, [path.name for path in paths])
        except (OSError, StorageError) as error:
            _log.info("No copy is kept of the files of the feature group %r: %s", group.name, error)

    def sweep(self, groups: Callable[[], Iterable[str]]) -> None:
        """Remove the copies of groups that are no more, which a killed process left.

        Args:
            groups: Gives the ids of all groups.
        """
        there = [path for path in self._folder.iterdir() if path.is_dir()] if self._folder.is_dir() else []
        known = set(groups()) if there else set()
        for path in there:
            if path.name not in known:
                shutil.rmtree(path, ignore_errors=True)

    def drop(self, group: FeatureGroup) -> None:
        """Remove all copies of a group."""
        with self._locks.hold(group.id):
            shutil.rmtree(self._of(group), ignore_errors=True)

    def _make(self, group: FeatureGroup, paths: Sequence[Path]) -> None:
        copies = self._find(group)
        cover = _cover(copies, paths)
        wanted = _small(cover.rest)
        if not wanted:
            return
        # A copy that is not much larger is made anew together with these, and so is one half of whose files
        # have gone: so there are never many, they hold little of no use, and no row is copied often.
        here = {path.name: path for path in paths}
        kept = []
        for piece in sorted(cover.pieces, key=lambda piece: len(piece.copy.sources)):
            mine = [here[name] for name, _ in piece.copy.sources if name in here]
            if len(mine) <= 2 * len(wanted) or 2 * len(mine) <= len(piece.copy.sources):
                wanted += mine
            else:
                kept.append(piece.copy)
        order = {path: place for place, path in enumerate(paths)}
        wanted = sorted(set(wanted), key=order.__getitem__)
        folder = self._of(group)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sweep(folder, copies)
        if not has_room(folder, _USUAL_COMPRESSION * sum(path.stat().st_size for path in wanted)):
            return
        writer = CopyWriter(folder, group.schema)
        with closing(writer):
            for some in _portions(wanted):
                writer.add(*_read_files(some, group.schema))
            writer.finish()
            self._publish(group, writer, [path.name for path in wanted])
        for copy in copies:
            if copy not in kept:
                _remove(copy)

    def _publish(self, group: FeatureGroup, writer: CopyWriter, names: Sequence[str]) -> None:
        # Its lock is held: a deletion that comes later removes it.
        if not self._is_current(group):
            shutil.rmtree(self._of(group), ignore_errors=True)
            return
        writer.publish(self._of(group), names)

    def _of(self, group: FeatureGroup) -> Path:
        return self._folder / group.id

    def _find(self, group: FeatureGroup) -> list[Copy]:
        """Return the copies of a group, the largest first."""
        found = []
        for index in sorted(self._of(group).glob("*.json")):
            # Another process may have removed it meanwhile.
            with suppress(OSError, msgspec.MsgspecError):
                about = _INDEX.decode(index.read_bytes())
                data = index.with_suffix(".arrow")
                if data.stat().st_size == about.size_bytes:
                    found.append(Copy(data, about.sources))
        return sorted(found, key=lambda copy: -len(copy.sources))

    def _sweep(self, folder: Path, copies: Sequence[Copy]) -> None:
        """Remove what killed processes left: only who holds the lock makes files here."""
        known = {path for copy in copies for path in (copy.data, copy.index)}
        for path in folder.iterdir():
            if path not in known:
                path.unlink(missing_ok=True)


def _cover(copies: Sequence[Copy], paths: Sequence[Path]) -> Cover:
    missing = {path.name for path in paths}
    pieces = []
    for copy in copies:
        ranges: list[tuple[int, int]] = []
        first = 0
        for name, rows in copy.sources:
            if name in missing:
                missing.remove(name)
                if ranges and sum(ranges[-1]) == first:
                    ranges[-1] = (ranges[-1][0], ranges[-1][1] + rows)
                else:
                    ranges.append((first, rows))
            first += rows
        if ranges:
            pieces.append(Piece(copy, tuple(ranges)))
    return Cover(pieces, [path for path in paths if path.name in missing])


def _read(piece: Piece, wanted: pa.Schema) -> pa.Table:
    with pa.memory_map(str(piece.copy.data)) as file:
        table = pa.ipc.open_file(file).read_all()
    for column in wanted:
        if column.name not in table.column_names:  # added since
            table = table.append_column(column, pa.nulls(table.num_rows, column.type))
    table = table.select([*wanted.names, MOMENT])
    if piece.ranges == ((0, table.num_rows),):
        return table
    return pa.concat_tables([table.slice(first, rows) for first, rows in piece.ranges])


def _read_files(paths: Sequence[Path], schema: GroupSchema) -> tuple[list[pa.Table], pa.Array]:
    whole = arrow_schema(schema)
    tables = in_threads(lambda path: load([path], schema, whole.names), paths)
    moments = micros_of(one_array(pa.concat_tables(tables).column(schema.event_time)))
    return tables, moments


def _small(paths: Sequence[Path]) -> list[Path]:
    """Return those of some files that a copy is made of; none if they are few."""
    small = [path for path in paths if path.stat().st_size < SMALL_BYTES]
    return small if len(small) >= MANY else []


def _portions(paths: Sequence[Path]) -> Iterator[list[Path]]:
    some: list[Path] = []
    size = 0
    for path in paths:
        some.append(path)
        size += path.stat().st_size
        if size >= _BYTES_AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some


def _remove(copy: Copy) -> None:
    # First what makes it count.
    copy.index.unlink(missing_ok=True)
    copy.data.unlink(missing_ok=True)
