"""The metadata database: SQLite by default, through SQLAlchemy Core.

Writers take the write lock at once (``BEGIN IMMEDIATE``): a transaction that reads first and
upgrades later could fail half-way with "database is locked". Every commit survives a killed process;
``synchronous=FULL`` makes it survive a power cut, too, and with it all commits before.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import event, pool
from sqlalchemy.engine import URL, Connection

from stepmill.core.errors import IllegalTransitionError
from stepmill.storage import migrations
from stepmill.storage.failures import busy_error, is_busy, translated_database_errors, translated_disk_errors

# SQLite's lock is unfair: a writer may wait for several others in a row.
LONGEST_LOCK_WAIT_S = 60.0

_RETRY_PAUSE_S = 0.01
_WRITE = {"stepmill_write": "FULL"}
_WRITE_FAST = {"stepmill_write": "NORMAL"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Return an aware moment as microseconds since 1970-01-01T00:00Z."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the aware UTC moment of so many microseconds since 1970-01-01T00:00Z."""
    return _EPOCH + timedelta(microseconds=micros)


class Database:
    """Opens transactions. Safe to share between threads, and usable in a forked child.

    A statement that is built once, with ``bindparam`` for its values, costs a fifth of one that is
    built anew for each call.
    """

    def __init__(self, engine: sqlalchemy.Engine) -> None:
        self.engine = engine
        self._where = engine.url.database or ""
        self._turn = threading.Lock()
        self._local = threading.local()
        _open_databases.add(self)

    @classmethod
    def open_sqlite(cls, path: Path) -> Database:
        """Open, and where needed make or migrate, the database in that file.

        Raises:
            StorageError: If the file cannot be opened or is no database, or a newer Stepmill wrote it.
        """
        with translated_disk_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
        # SQLite would make it readable for all, and gives its journals the rights of this one. Where that
        # cannot be done, SQLite says why.
        with suppress(OSError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        with translated_database_errors(str(path)):
            engine = sqlite_engine(path)
            try:
                migrations.bring_up_to_date(engine)
            except BaseException:
                engine.dispose()
                raise
        return cls(engine)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one consistent state; what it changes is not kept.

        Inside this thread's ``write`` it is the writer's own connection: it sees what is not yet committed.
        """
        if (writing := self._writer()) is not None:
            yield writing
            return
        if (held := getattr(self._local, "reader", None)) is not None:
            yield from self._read_by(held)
            return
        with translated_database_errors(self._where), self.engine.connect() as connection:
            yield connection

    def _read_by(self, held: Connection) -> Iterator[Connection]:
        if getattr(self._local, "is_reading", False):  # inside another read: one state for both
            yield held
            return
        self._local.is_reading = True
        try:
            with translated_database_errors(self._where):
                yield held
        finally:
            self._local.is_reading = False
            held.rollback()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keep one connection for all that this thread reads inside.

        To get one and give it back costs three times what a small statement does. Each ``read`` still
        sees what is there at its time, also what this thread has written in between.
        """
        if getattr(self._local, "reader", None) is not None:
            yield
            return
        with translated_database_errors(self._where), self.engine.connect() as connection:
            self._local.reader = connection
            try:
                yield
            finally:
                self._local.reader = None

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """Give a connection that holds the write lock; commit at the end, roll back on an error.

        A commit always survives the death of this process. One that is not ``durable`` may be undone by a
        power cut, together with all that came after it and before the next durable one; it costs a
        twentieth. It is for what can be found out or done again: progress, not results.

        The threads of a process queue for it on a lock of their own: SQLite's waiting is a poll with
        pauses of up to 100 ms.

        Raises:
            StorageFullError: If the disk is full. Nothing was written.
            StorageError: If the database fails otherwise. Nothing was written.
            IllegalTransitionError: If this thread is writing already: what the inner one believes to be
                committed could still be rolled back by the outer one.
        """
        if self._writer() is not None:
            raise IllegalTransitionError("A write transaction began inside another one.", where=self._where)
        if not self._turn.acquire(timeout=LONGEST_LOCK_WAIT_S):
            raise busy_error(self._where)
        try:
            with translated_database_errors(self._where), self.engine.connect() as connection:
                connection = connection.execution_options(**(_WRITE if durable else _WRITE_FAST))
                with connection.begin():
                    self._local.writer = connection
                    yield connection
        finally:
            self._local.writer = None
            self._turn.release()

    @contextmanager
    def joined_write(self, *, durable: bool = True) -> Iterator[Connection]:
        """Give the connection of this thread's ``write`` if there is one, else that of a new one.

        Inside another what it changes is kept or rolled back with that one: whoever asks for it must know.
        """
        writing = self._writer()
        with nullcontext(writing) if writing is not None else self.write(durable=durable) as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _writer(self) -> Connection | None:
        return getattr(self._local, "writer", None)

    def leave_to_parent(self) -> None:
        """Begin afresh in a forked child: the connections, and who holds a lock, are the parent's affair."""
        # Closing one here, even by dropping the last reference, would make SQLite tidy up files that
        # the parent is using.
        _connections_of_parents.append(self.engine.pool)
        self.engine.dispose(close=False)
        self._turn = threading.Lock()
        self._local = threading.local()


_open_databases: weakref.WeakSet[Database] = weakref.WeakSet()
_connections_of_parents: list[object] = []


def _after_fork() -> None:
    for database in list(_open_databases):
        database.leave_to_parent()


os.register_at_fork(after_in_child=_after_fork)


def sqlite_engine(path: Path) -> sqlalchemy.Engine:
    """Return SQLAlchemy's engine for that file, without looking at what is in it."""
    engine = sqlalchemy.create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=pool.QueuePool,
        pool_size=16,
        pool_use_lifo=True,  # the connection used last has the warmest cache
        # Without end: a reader that waits for a connection while it holds another would never get it.
        max_overflow=-1,
        connect_args={"timeout": LONGEST_LOCK_WAIT_S, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_connection(connection: sqlite3.Connection, _record: object) -> None:
    # Autocommit mode of the driver: transactions are begun by _begin alone.
    connection.isolation_level = None
    try:
        _switch_to_wal(connection)
        # The cache is per connection, in KiB. The log of a huge transaction does not stay huge.
        for pragma in (
            "foreign_keys=ON",
            "cache_size=-8192",
            "journal_size_limit=67108864",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
    except BaseException:
        connection.close()  # SQLAlchemy forgets a connection that fails here
        raise


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait here when two processes open a new database at once: it fails; so try again."""
    deadline = time.monotonic() + LONGEST_LOCK_WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_PAUSE_S)
        else:
            return


def _begin(connection: Connection) -> None:
    synchronous = connection.get_execution_options().get("stepmill_write")
    # Straight to the driver: SQLAlchemy's way costs as much as a small insert.
    driver: Any = connection.connection.driver_connection
    if synchronous:
        driver.execute(f"PRAGMA synchronous={synchronous}").close()
    driver.execute("BEGIN IMMEDIATE" if synchronous else "BEGIN").close()
