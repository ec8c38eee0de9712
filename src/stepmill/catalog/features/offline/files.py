"""Writes records of a group as Parquet objects, and finds the files that there are."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.offline.layout import file_name, hour_folder, label_of
from stepmill.core.errors import WrongStateError
from stepmill.storage.failures import translated_disk_errors
from stepmill.storage.locks import NamedLocks
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri
from stepmill.storage.scratch import scratch_folder

if TYPE_CHECKING:
    import pyarrow as pa

_SUFFIX = ".parquet"
_PREFIX = "files-"


@dataclass(frozen=True, slots=True)
class OfflineFile:
    """A file of a group.

    Args:
        uri: Its address.
        path: Where it lies on this machine; see ``ObjectStore.path``.
        size_bytes: Its length.
    """

    uri: S3Uri
    path: Path
    size_bytes: int


class OfflineFiles:
    """The files of offline stores. Safe to share between threads and processes.

    Args:
        objects: Where they are kept.
        folder: Where they are made; best on the same file system, so that no byte is copied.
    """

    def __init__(self, objects: ObjectStore, folder: Path) -> None:
        self._objects = objects
        self._folder = folder
        self._locks = NamedLocks(folder)

    def exclusive(self, group: FeatureGroup) -> AbstractContextManager[None]:
        """Keep others of this home from moving records of a group into files, or from file to file.

        Whoever flushes, compacts or replaces holds it; readers, and whoever only adds files, need not. It
        cannot be held twice by one thread.
        """
        return self._locks.hold(group.id)

    def write(
        self,
        group: FeatureGroup,
        table: pa.Table,
        event_times: pa.Array,
        *,
        seed: str = "",
        instead_of: Sequence[S3Uri] = (),
    ) -> list[S3Uri]:
        """Write records as files, by the hours of their event times; all of them appear at once.

        Args:
            group: Whose.
            table: Columns as ``layout.arrow_schema`` says, in any order of rows.
            event_times: 64-bit integers, of each row the microseconds since 1970-01-01T00:00Z.
            seed: The same one gives the files the same names, in place of what is there; empty: new ones.
            instead_of: Files that go away in the same moment.

        Returns:
            The addresses, by hour.

        Raises:
            WrongStateError: If the group has no offline store.
            NotFoundError: If its bucket is gone.
            StorageError: If the disk fails; nothing was written.
        """
        data = data_of(group)
        seed = seed or secrets.token_hex()
        with scratch_folder(self._folder, _PREFIX) as scratch:
            written: list[tuple[S3Uri, Path]] = []
            for part, latest in by_hours(table, event_times):
                hour = hour_folder(latest)
                label = label_of(f"{group.id}/{seed}/{hour}")
                path = scratch / f"{len(written)}{_SUFFIX}"
                write_parquet(part, path)
                # Its name is of the last event in it, and its label tells it from others of that moment.
                written.append((S3Uri(data.bucket, f"{data.key}/{hour}/{file_name(latest, label)}"), path))
            self._objects.put_files(written, move=True, instead_of=instead_of)
        return [uri for uri, _ in written]

    def list(self, group: FeatureGroup) -> list[OfflineFile]:
        """Return the files of a group as they are at one moment, by hour.

        Records that were acknowledged may still be on their way: ``Flushing.settle`` waits for them.

        Raises:
            WrongStateError: If the group has no offline store.
            NotFoundError: If its bucket is gone.
        """
        data = data_of(group)
        # At one moment: a page that was read later could miss what moved meanwhile.
        found = self._objects.locate_all(S3Uri(data.bucket, f"{data.key}/"))
        return [
            OfflineFile(info.uri, path, info.size_bytes) for info, path in found if info.key.endswith(_SUFFIX)
        ]


def by_hours(table: pa.Table, event_times: pa.Array) -> Iterator[tuple[pa.Table, int]]:
    """Yield the rows of each hour, in the order of their event times, with the latest of these."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(event_times):
        return
    order = pc.sort_indices(event_times)
    table, times = table.take(order), event_times.take(order)
    hours = pc.floor_temporal(times.cast(pa.timestamp("us")), unit="hour").cast(pa.int64())
    runs = pc.run_end_encode(hours, run_end_type=pa.int64())
    start = 0
    for end in runs.run_ends.to_pylist():
        yield table.slice(start, end - start), int(times[end - 1].as_py())
        start = end


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table as a file.

    Raises:
        StorageError: If the disk fails.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Numbers seldom repeat: a dictionary of them costs more than it saves.
    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    with translated_disk_errors():
        pq.write_table(table, path, compression="snappy", use_dictionary=texts)


def data_of(group: FeatureGroup) -> S3Uri:
    """Return where the files of a group lie.

    Raises:
        WrongStateError: If the group has no offline store.
    """
    if group.offline is None:
        raise WrongStateError(
            f"The feature group {group.name!r} has no offline store.",
            mend="It can only have one from the beginning: make a group with an OfflineStoreConfig.",
        )
    return group.offline.data
