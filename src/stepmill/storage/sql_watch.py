"""Watches over the inbox: whether anything was written since the last look."""

from __future__ import annotations

from contextlib import suppress

import sqlalchemy

from stepmill.storage.database import Database
from stepmill.storage.executions import InboxWatch


def open_watch(database: Database) -> InboxWatch:
    """Return a new watch over a database."""
    return _SqliteWatch(database) if database.engine.dialect.name == "sqlite" else _AlwaysWatch()


class _SqliteWatch:
    """Asks SQLite's own counter of commits by others, which costs a few microseconds."""

    def __init__(self, database: Database) -> None:
        # A connection of the driver itself: the counter stands still within a transaction, and
        # SQLAlchemy's connections are always in one.
        self._connection = database.engine.raw_connection()
        self._last: object = None

    def has_changed(self) -> bool:
        cursor = self._connection.cursor()
        try:
            version = cursor.execute("PRAGMA data_version").fetchone()
        finally:
            cursor.close()
        changed = bool(version != self._last)
        self._last = version
        return changed

    def close(self) -> None:
        with suppress(sqlalchemy.exc.SQLAlchemyError):
            self._connection.close()


class _AlwaysWatch:
    """Where the database has no such counter, every look is worth it."""

    def has_changed(self) -> bool:
        return True

    def close(self) -> None:
        return
