"""The step cache: which result was made from what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import msgspec
from sqlalchemy import Row, bindparam, select

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, write_json
from stepmill.storage.database import Database, from_micros, to_micros
from stepmill.storage.tables import cache

# A SHA-256 in hexadecimal.
LONGEST_KEY = 64


@dataclass(frozen=True)
class CacheEntry:
    """A result, and what it was made from.

    Args:
        scope: Who made it: ``<pipeline>/<step>``.
        key: Digest over all that the result depends on, 1 to 64 characters.
        created_at: When it was made. Aware, UTC, in whole microseconds.
        source: ARN of the execution that made it.
        output: What the step gave.
        metadata: What the step's listing showed.
        parts: Digests of the things that the key was made from, by name: two keys differ where these do.
    """

    scope: str
    key: str
    created_at: datetime
    source: str
    output: Json = None
    metadata: JsonObject = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)


class CacheStore(Protocol):
    """Keeps results by what they were made from. Safe to share between threads and processes."""

    def put(self, entry: CacheEntry) -> None:
        """Remember a result, in place of an older one of the same scope and key.

        Raises:
            InvalidInputError: If the key is empty or longer than 64 characters.
        """
        ...

    def newest(
        self, key: str, *, scope: str | None = None, not_before: datetime | None = None
    ) -> CacheEntry | None:
        """Return the newest result with that key.

        Args:
            key: Made from what.
            scope: Made by whom; ``None`` for anyone.
            not_before: Made at this moment or later; ``None`` for any time.
        """
        ...

    def latest_of(self, scope: str) -> CacheEntry | None:
        """Return the newest result of a scope, whatever its key: to tell what changed since."""
        ...

    def remove(self, scope: str, key: str) -> None:
        """Forget a result; unknown: do nothing."""
        ...


class _Body(msgspec.Struct, frozen=True):
    output: Any
    metadata: dict[str, Any]
    parts: dict[str, str]


_THIS = (cache.c.scope == bindparam("scope_"), cache.c.key == bindparam("key_"))
_DELETE = cache.delete().where(*_THIS)
_INSERT = cache.insert()
_LATEST = (
    select(cache)
    .where(cache.c.scope == bindparam("scope_"))
    .order_by(cache.c.created_at.desc(), cache.c.key)
    .limit(1)
)


_BODY = msgspec.json.Decoder(_Body)


class SqlCacheStore:
    """The step cache in the metadata database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, entry: CacheEntry) -> None:
        """See ``CacheStore``."""
        if not 1 <= len(entry.key) <= LONGEST_KEY:
            raise InvalidInputError(
                f"A cache key of {len(entry.key)} characters is not possible.", where=entry.scope
            )
        row = {
            "scope": entry.scope,
            "key": entry.key,
            "created_at": to_micros(entry.created_at),
            "source": entry.source,
            "body": write_json(_Body(entry.output, dict(entry.metadata), dict(entry.parts))),
        }
        with self._database.write() as connection:
            connection.execute(_DELETE, {"scope_": entry.scope, "key_": entry.key})
            connection.execute(_INSERT, row)

    def newest(
        self, key: str, *, scope: str | None = None, not_before: datetime | None = None
    ) -> CacheEntry | None:
        """See ``CacheStore``."""
        query = select(cache).where(cache.c.key == key)
        if scope is not None:
            query = query.where(cache.c.scope == scope)
        if not_before is not None:
            query = query.where(cache.c.created_at >= to_micros(not_before))
        with self._database.read() as connection:
            row = connection.execute(
                query.order_by(cache.c.created_at.desc(), cache.c.scope).limit(1)
            ).first()
        return None if row is None else _from_row(row)

    def latest_of(self, scope: str) -> CacheEntry | None:
        """See ``CacheStore``."""
        with self._database.read() as connection:
            row = connection.execute(_LATEST, {"scope_": scope}).first()
        return None if row is None else _from_row(row)

    def remove(self, scope: str, key: str) -> None:
        """See ``CacheStore``."""
        with self._database.write() as connection:
            connection.execute(_DELETE, {"scope_": scope, "key_": key})


def _from_row(row: Row[Any]) -> CacheEntry:
    body = _BODY.decode(row.body)
    return CacheEntry(
        scope=row.scope,
        key=row.key,
        created_at=from_micros(row.created_at),
        source=row.source,
        output=body.output,
        metadata=body.metadata,
        parts=body.parts,
    )
