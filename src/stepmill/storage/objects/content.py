"""What comes in as files, and the digests of what is there."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from stepmill.storage.failures import translated_disk_errors
from stepmill.storage.objects import files, index
from stepmill.storage.objects.blobs import Batch, inode_hint
from stepmill.storage.objects.digests import sha256_of
from stepmill.storage.objects.index import Entry, with_blob_of
from stepmill.storage.objects.shelf import Shelf


def take_in(shelf: Shelf, batch: Batch, about: Entry, path: Path, *, move: bool) -> Entry:
    """Stage a file, by reference where that is safe.

    Args:
        shelf: Whose own blobs are recognized.
        batch: Takes it.
        about: Where it goes to.
        path: The file.
        move: The file may be taken away.

    Returns:
        The entry to be indexed.

    Raises:
        NotFoundError: If the file is not there.
        InvalidInputError: If it is no regular file.
    """
    with translated_disk_errors(), files.open_regular(path) as descriptor:
        status = os.fstat(descriptor)
        if status.st_nlink > 1:
            own = _own_blob(shelf, status)
            shared = batch.share(path, status) if own is not None else None
            if own is not None and shared is not None:
                return replace(with_blob_of(about, shared), sha256=own.sha256, etag=own.shown_etag)
        elif move:
            adopted = batch.adopt(path, status)
            if adopted is not None:
                return with_blob_of(about, adopted)
        return with_blob_of(about, batch.copy(descriptor))


def digests(
    shelf: Shelf, entries: Sequence[Entry], passed: Callable[[int], None] | None = None
) -> Sequence[str]:
    """Return the SHA-256 of the entries' bytes; compute and remember those that are missing."""

    def compute(blob: Path, entry: Entry) -> tuple[str, str]:
        with blob.open("rb") as file:
            return entry.blob, sha256_of(file, passed)

    known = {entry.blob: entry.sha256 for entry in entries if entry.sha256}
    computed: dict[str, str] = {}
    found = []
    for entry in entries:
        digest = known.get(entry.blob)
        if digest is None:
            blob, digest = shelf.with_blob(entry, compute)
            known[blob] = computed[blob] = digest
        found.append(digest)
    if computed:
        # After a power cut they are computed again.
        with shelf.database.write(durable=False) as connection:
            index.remember_digests(connection, computed)
    return found


def _own_blob(shelf: Shelf, status: os.stat_result) -> Entry | None:
    """Return an entry whose blob is that very file."""
    if status.st_mode & files.ANY_WRITE:
        return None  # somebody made it writable: who knows what is in it
    with shelf.database.read() as connection:
        candidates = index.by_inode(connection, inode_hint(status))
    for entry in candidates:
        with suppress(FileNotFoundError):
            if files.is_same_file(shelf.blobs.path(entry.blob).stat(), status):
                return entry
    return None
