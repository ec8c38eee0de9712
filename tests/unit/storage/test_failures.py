"""Foreign errors become ours, each with the way out; ours and the caller's pass untouched."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy

from stepmill.core.errors import (
    InvalidInputError,
    NotFoundError,
    StepmillError,
    StorageError,
    StorageFullError,
)
from stepmill.storage.failures import is_busy, translated_database_errors, translated_disk_errors
from stepmill.storage.texts import check_text


def _sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("something")
    error.sqlite_errorcode = code
    return error


def _translated(error: Exception, where: str = "/home/stepmill.db") -> StepmillError:
    with pytest.raises(StepmillError) as caught, translated_database_errors(where):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        (sqlite3.SQLITE_FULL, StorageFullError, "stepmill gc"),
        (sqlite3.SQLITE_BUSY, StorageError, "hanging stepmill process"),
        (sqlite3.SQLITE_BUSY | 2 << 8, StorageError, "hanging stepmill process"),
        (sqlite3.SQLITE_CORRUPT, StorageError, "backup"),
        (sqlite3.SQLITE_CORRUPT | 1 << 8, StorageError, "backup"),
        (sqlite3.SQLITE_NOTADB, StorageError, "move it away"),
        (sqlite3.SQLITE_READONLY | 1 << 8, StorageError, "writable"),
        (sqlite3.SQLITE_CANTOPEN, StorageError, "folder"),
        (sqlite3.SQLITE_IOERR | 3 << 8, StorageError, "disk"),
        (sqlite3.SQLITE_ERROR, StorageError, "something"),
    ],
)
def test_each_failure_of_sqlite_has_its_way_out(code: int, kind: type[StorageError], text: str) -> None:
    error = _sqlite_error(code)
    wrapped = sqlalchemy.exc.OperationalError("SELECT", {}, error)
    for raised in (error, wrapped):
        found = _translated(raised)
        assert type(found) is kind
        assert text in str(found)
        assert found.where == "/home/stepmill.db"


def test_an_error_of_sqlalchemy_itself_is_one_of_the_store() -> None:
    assert "too many clients" in str(_translated(sqlalchemy.exc.TimeoutError("too many clients")))


def test_an_io_error_on_a_full_disk_is_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        f_bavail = 0

    monkeypatch.setattr(os, "statvfs", lambda _: Full)
    assert isinstance(_translated(_sqlite_error(sqlite3.SQLITE_IOERR)), StorageFullError)


def test_an_io_error_in_no_place_is_an_io_error() -> None:
    assert type(_translated(_sqlite_error(sqlite3.SQLITE_IOERR), "/no/such/place")) is StorageError


def test_what_is_not_the_databases_passes() -> None:
    with pytest.raises(KeyError), translated_database_errors(""):
        raise KeyError("mine")
    with pytest.raises(NotFoundError), translated_database_errors(""):
        raise NotFoundError("mine")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_room_is_a_full_disk(number: int) -> None:
    with pytest.raises(StorageFullError, match=r"/data/x.*stepmill gc"), translated_disk_errors():
        raise OSError(number, os.strerror(number), "/data/x")


def test_another_error_of_the_disk_says_where() -> None:
    with pytest.raises(StorageError, match=r"Permission denied.*/data/x") as caught, translated_disk_errors():
        raise PermissionError(errno.EACCES, "Permission denied", "/data/x")
    assert not isinstance(caught.value, StorageFullError)


def test_an_error_without_a_place_or_a_number_is_said_too() -> None:
    with pytest.raises(StorageError, match="odd"), translated_disk_errors():
        raise OSError("odd")


def test_what_is_not_the_disks_passes() -> None:
    with pytest.raises(KeyError), translated_disk_errors():
        raise KeyError("mine")


def test_busy_is_told_from_the_rest() -> None:
    assert is_busy(_sqlite_error(sqlite3.SQLITE_BUSY))
    assert is_busy(_sqlite_error(sqlite3.SQLITE_BUSY | 1 << 8))
    assert not is_busy(_sqlite_error(sqlite3.SQLITE_LOCKED))
    assert not is_busy(sqlite3.OperationalError("no code"))
    assert not is_busy(None)


def test_texts_must_be_unicode() -> None:
    check_text("", "ä\x00\U0010ffff")
    for half in ("\ud800", "a\udcffb"):
        with pytest.raises(InvalidInputError, match="surrogate"):
            check_text("fine", half)
