"""Blobs and index together: what arrives is published and indexed, or neither; what is indexed is found."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from sqlalchemy.engine import Connection

from stepmill.core.errors import InvalidInputError, StorageError
from stepmill.storage.database import Database
from stepmill.storage.failures import translated_disk_errors
from stepmill.storage.objects import index
from stepmill.storage.objects.blobs import Batch, BlobFolder
from stepmill.storage.objects.index import Entry
from stepmill.storage.objects.uri import S3Uri

_Result = TypeVar("_Result")


class Shelf:
    """Where a store's objects are.

    Args:
        database: Holds the index.
        folder: Holds the bytes.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.blobs = BlobFolder(folder)

    def commit(self, batch: Batch, change: Callable[[Connection], _Result]) -> _Result:
        """Publish what the batch brought, and let the index speak of it.

        Args:
            batch: With blobs that are complete.
            change: Changes the index, in one transaction. If it raises, the blobs are gone.
        """
        try:
            batch.publish()
            with self.database.write() as connection:
                return change(connection)
        except BaseException:
            self._withdraw(batch)
            raise

    def entry(self, uri: S3Uri) -> Entry:
        """Return what is at an address.

        Raises:
            NotFoundError: If nothing is.
        """
        require_key(uri)
        with self.database.read() as connection:
            return index.get(connection, uri)

    def with_blob(self, entry: Entry, use: Callable[[Path, Entry], _Result]) -> _Result:
        """Use the blob; if it was replaced and swept away meanwhile, the one that replaced it."""
        uri = S3Uri(entry.bucket, entry.key)
        while True:
            with translated_disk_errors():
                try:
                    return use(self.blobs.path(entry.blob), entry)
                except FileNotFoundError as error:
                    missing = error
            again = self.entry(uri)
            if again.blob == entry.blob:
                raise StorageError(
                    "The bytes of this object are missing in the store.",
                    where=f"{uri}, {self.blobs.path(entry.blob)}",
                    mend="Put it again, or restore the home folder from a backup.",
                ) from missing
            entry = again

    def _withdraw(self, batch: Batch) -> None:
        """Remove a batch's blobs, unless the failure came after all was done; else the sweep will."""
        with suppress(StorageError), self.database.read() as connection:
            kept = index.referenced(connection, batch.staged)
            self.blobs.remove(set(batch.staged) - kept)


def require_key(uri: S3Uri) -> None:
    """Hold that this is the address of an object.

    Raises:
        InvalidInputError: If its key is empty.
    """
    if not uri.key:
        raise InvalidInputError(
            "This is the address of a bucket, not of an object.",
            where=str(uri),
            mend="Add a key: s3://bucket/key.",
        )
