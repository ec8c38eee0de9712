"""The metadata database: SQLite by default, through SQLAlchemy Core.

Writers take the write lock at once (``BEGIN IMMEDIATE``): a transaction that reads first and
upgrades later could fail half-way with "database is locked". ``synchronous=FULL`` makes a commit
survive a power cut, not only a killed process; the engine groups its commits, which pays for it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import event, pool
from sqlalchemy.engine import Connection

from stepmill.core.errors import StorageError, StorageFullError
from stepmill.storage import migrations

# SQLite's lock is unfair: a writer may wait for several others in a row.
LONGEST_LOCK_WAIT_S = 60.0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Return an aware moment as microseconds since 1970-01-01T00:00Z."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the aware UTC moment of so many microseconds since 1970-01-01T00:00Z."""
    return _EPOCH + timedelta(microseconds=micros)


class Database:
    """Opens transactions. Safe to share between threads."""

    def __init__(self, engine: sqlalchemy.Engine) -> None:
        self.engine = engine

    @classmethod
    def open_sqlite(cls, path: Path) -> Database:
        """Open, and where needed make or migrate, the database in that file.

        Raises:
            StorageError: If the file cannot be opened, or a newer Stepmill wrote it.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = sqlalchemy.create_engine(
            f"sqlite:///{path}",
            poolclass=pool.QueuePool,
            pool_size=8,
            max_overflow=64,
            connect_args={"timeout": LONGEST_LOCK_WAIT_S, "check_same_thread": False},
        )
        event.listen(engine, "connect", _prepare_connection)
        event.listen(engine, "begin", _begin)
        with _translated_errors(str(path)):
            migrations.bring_up_to_date(engine)
        return cls(engine)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one consistent state and changes nothing."""
        with _translated_errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection that holds the write lock; commit at the end, roll back on an error.

        Raises:
            StorageFullError: If the disk is full. Nothing was written.
            StorageError: If the database fails otherwise. Nothing was written.
        """
        with _translated_errors(), self.engine.connect() as connection:
            connection = connection.execution_options(stepmill_write=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _prepare_connection(connection: Any, _record: object) -> None:
    # Autocommit mode of the driver: transactions are begun by _begin alone.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-32768"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("stepmill_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def _translated_errors(where: str = "") -> Iterator[None]:
    try:
        yield
    except sqlalchemy.exc.DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_FULL or (code is not None and code & 0xFF == sqlite3.SQLITE_FULL):
            raise StorageFullError(
                "The disk is full; nothing was written.",
                where=where,
                mend="Free some room (`stepmill gc` removes what no execution needs) and try again.",
            ) from error
        if code is not None and code & 0xFF == sqlite3.SQLITE_BUSY:
            raise StorageError(
                f"The database was locked by another process for {LONGEST_LOCK_WAIT_S:.0f} s.",
                where=where,
                mend="Try again; if it stays so, look for a hanging stepmill process.",
            ) from error
        raise StorageError(f"The database failed: {error.orig}.", where=where) from error
