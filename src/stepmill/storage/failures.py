"""Foreign errors of the database driver and of the disk, translated once, at the edge that met them."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy

from stepmill.core.errors import StorageError, StorageFullError

_FREE_ROOM = "Free some room (`stepmill gc` removes what no execution needs) and try again."
_NO_ROOM_LEFT = (errno.ENOSPC, errno.EDQUOT)
# The primary code is the low byte of SQLite's extended ones.
_PRIMARY = 0xFF

_MENDS = {
    sqlite3.SQLITE_CORRUPT: "Restore it from a backup, or save what can be read with "
    "`sqlite3 FILE .recover`; to begin anew, move the file away with its -wal and -shm.",
    sqlite3.SQLITE_NOTADB: "If it holds nothing you need, move it away and begin anew.",
    sqlite3.SQLITE_READONLY: "Make the file and its folder writable for this user.",
    sqlite3.SQLITE_PERM: "Make the file and its folder writable for this user.",
    sqlite3.SQLITE_CANTOPEN: "Look whether the folder is there and writable, and the limit of open files.",
    sqlite3.SQLITE_IOERR: "Look at the disk: the system's log may say more.",
}


@contextmanager
def translated_database_errors(where: str) -> Iterator[None]:
    """Translate what the database's driver raises; everything else passes.

    Args:
        where: The database's file.

    Raises:
        StorageFullError: If the disk is full.
        StorageError: If the database is locked, damaged, not to be reached, or fails otherwise.
    """
    try:
        yield
    except sqlalchemy.exc.DBAPIError as error:
        raise _translated(error.orig, where) from error
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise StorageError(f"The database failed: {error}.", where=where) from error
    except sqlite3.Error as error:
        raise _translated(error, where) from error


@contextmanager
def translated_disk_errors() -> Iterator[None]:
    """Translate ``OSError``; everything else passes.

    Raises:
        StorageFullError: If the disk, or this user's part of it, is full.
        StorageError: If the disk fails otherwise.
    """
    try:
        yield
    except OSError as error:
        where = str(error.filename or "")
        if error.errno in _NO_ROOM_LEFT:
            raise StorageFullError(
                "The disk is full; nothing was stored.", where=where, mend=_FREE_ROOM
            ) from error
        raise StorageError(f"The disk refused: {error.strerror or error}.", where=where) from error


def is_busy(error: BaseException | None) -> bool:
    """Return whether SQLite failed because another connection holds a lock."""
    return _code(error) & _PRIMARY == sqlite3.SQLITE_BUSY


def _translated(error: BaseException | None, where: str) -> StorageError:
    code = _code(error) & _PRIMARY
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(where)):
        return StorageFullError("The disk is full; nothing was written.", where=where, mend=_FREE_ROOM)
    if code == sqlite3.SQLITE_BUSY:
        return busy_error(where)
    return StorageError(f"The database failed: {error}.", where=where, mend=_MENDS.get(code, ""))


def busy_error(where: str) -> StorageError:
    """Return the error of a writer that waited in vain for the others."""
    return StorageError(
        "The database stayed locked by another writer for too long.",
        where=where,
        mend="Try again; if it stays so, look for a hanging stepmill process.",
    )


def _code(error: BaseException | None) -> int:
    code = getattr(error, "sqlite_errorcode", None)
    return code if isinstance(code, int) else 0


def _is_full(where: str) -> bool:
    """SQLite says "I/O error", not "full", when it cannot make its shared memory file longer."""
    try:
        return os.statvfs(Path(where).parent).f_bavail == 0
    except OSError:
        return False
