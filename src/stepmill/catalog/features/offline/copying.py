"""Writes copies: rows of many files in one Arrow file. See ``copies``."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import msgspec
import pyarrow as pa

from stepmill.catalog.features.offline.layout import arrow_schema
from stepmill.catalog.features.schema import GroupSchema

# The column of event times in microseconds since 1970-01-01T00:00Z. No feature has a space in its name.
MOMENT = "event time in microseconds"
# So many small files are worth a copy.
MANY = 64
# A copy takes at most one in so many bytes that are free.
SHARE_OF_FREE = 4

_log = logging.getLogger(__name__)


class Index(msgspec.Struct, frozen=True):
    """What makes a copy count.

    Args:
        size_bytes: The length of its Arrow file.
        sources: Whose rows it has, in their order: (name of a blob, number of rows).
    """

    size_bytes: int
    sources: tuple[tuple[str, int], ...]


class CopyWriter:
    """A copy that is being made. Close it: what has not been published then is gone.

    Args:
        folder: Where its file is made.
        schema: Of the group.

    Raises:
        OSError: If the file cannot be made.
    """

    def __init__(self, folder: Path, schema: GroupSchema) -> None:
        self._schema = arrow_schema(schema).append(pa.field(MOMENT, pa.int64()))
        self._path = folder / f"{uuid4().hex}.making"
        self._file = self._path.open("xb")
        self._writer = pa.ipc.new_file(self._file, self._schema)
        self._rows: list[int] = []

    def add(self, tables: Sequence[pa.Table], moments: pa.Array) -> None:
        """Write rows.

        Args:
            tables: Those of each file.
            moments: The event times of all of them, in their order.
        """
        whole = pa.concat_tables(tables).append_column(self._schema.field(MOMENT), moments)
        self._writer.write_table(whole.combine_chunks())
        self._rows.extend(table.num_rows for table in tables)

    def finish(self) -> None:
        """Write the end: no rows come after it."""
        self._writer.close()
        self._file.flush()
        # A copy that counts is whole, also after a failure of power.
        os.fsync(self._file.fileno())
        self._file.close()

    def close(self) -> None:
        """Remove what has been written, unless it was published."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def publish(self, folder: Path, names: Sequence[str]) -> None:
        """Let it count.

        Args:
            folder: Of the group's copies, on the same file system.
            names: Of the blobs whose rows were added, in their order.
        """
        data = folder / f"{uuid4().hex}.arrow"
        self._path.rename(data)
        index = Index(data.stat().st_size, tuple(zip(names, self._rows, strict=True)))
        made = folder / f"{data.stem}.making"
        made.write_bytes(msgspec.json.encode(index))
        made.rename(data.with_suffix(".json"))


def has_room(folder: Path, size_bytes: int) -> bool:
    """Return whether a copy of so many bytes leaves room for what matters more."""
    return size_bytes <= shutil.disk_usage(folder).free // SHARE_OF_FREE


class Copying:
    """A copy of what is ingested, made on the way if there are many files. What fails is told in the log.

    Close it, as a ``CopyWriter``.

    Args:
        scratch: A folder for it.
        schema: Of the group.
    """

    def __init__(self, scratch: Path, schema: GroupSchema) -> None:
        self._scratch = scratch
        self._schema = schema
        self._writer: CopyWriter | None = None
        self._is_wanted = True

    def add(self, hours: Sequence[pa.Table], event_times: pa.Array) -> None:
        """Take the rows of files.

        Args:
            hours: Those of each file, by event time.
            event_times: Of all of them, in any order.
        """
        # A copy has all rows, or there is none.
        self._is_wanted = self._is_wanted and (self._writer is not None or len(hours) >= MANY)
        if not self._is_wanted:
            return
        if not has_room(self._scratch, sum(table.nbytes for table in hours)):
            self.close()
            return
        try:
            self._writer = self._writer or CopyWriter(self._scratch, self._schema)
            self._writer.add(hours, event_times.sort())
        except (OSError, pa.ArrowException) as error:
            self._give_up(error)

    def done(self) -> CopyWriter | None:
        """Return the copy, if there is one."""
        if self._writer is not None:
            try:
                self._writer.finish()
            except (OSError, pa.ArrowException) as error:
                self._give_up(error)
        return self._writer

    def close(self) -> None:
        """Remove the copy, unless it was published."""
        if self._writer is not None:
            self._writer.close()
        self._writer, self._is_wanted = None, False

    def _give_up(self, error: Exception) -> None:
        _log.info("No copy is made of what is ingested: %s", error)
        self.close()
