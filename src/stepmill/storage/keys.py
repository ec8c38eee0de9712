"""The keys that requests are signed with, in the database that only its owner can read."""

from __future__ import annotations

import re
import secrets
import string
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from stepmill.core.clock import Clock, as_text
from stepmill.core.endpoint import AccessKey
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.core.json import Json
from stepmill.storage.records import Record, RecordStore

KEY_KIND = "access-key"
# The key of whoever owns this installation, and the one that its links are signed with.
DEFAULT_KEY = "default"
LINKS_KEY = "links"

# IAM user guide, "Unique identifiers": long-term keys begin so, and those of sessions.
_LASTING, _SESSION = "AKIA", "ASIA"
_ID_LETTERS = string.ascii_uppercase + "234567"
_ID_LENGTH = 16
_SECRET_LENGTH = 40
# No sign among them: a command would take a value that begins with a dash for an option.
_SECRET_LETTERS = string.ascii_letters + string.digits
_TOKEN_BYTES = 60
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
# What another process revokes is noticed within so long.
_KNOWN_FOR_S = 1.0


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What may be shown of a key.

    Args:
        id: Its public half.
        name: What its owner calls it.
        created_at: Aware, UTC.
        expires_at: Of a session: when it is over.
    """

    id: str
    name: str
    created_at: datetime
    expires_at: datetime | None


class KeyStore:
    """Makes, finds and revokes keys. Safe to share between threads; several processes may use the same.

    Args:
        records: Where they are kept.
        clock: Tells the time.
    """

    def __init__(self, records: RecordStore, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, AccessKey]] = {}

    def ensure(self, name: str) -> AccessKey:
        """Return the key of a name; make it if there is none.

        Raises:
            InvalidInputError: If that cannot be a name.
        """
        try:
            return self.create(name)
        except ConflictError:
            return self.get(name)

    def create(self, name: str) -> AccessKey:
        """Make a key that holds until it is revoked.

        Raises:
            InvalidInputError: If that cannot be its name.
            ConflictError: If there is one of that name.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInputError(
                f"{name[:80]!r} cannot be the name of a key.",
                where="NAME",
                mend="Use up to 64 letters, digits and . _ @ -, and begin with a letter or digit.",
            )
        key = AccessKey(_new_id(_LASTING), _new_secret(), name)
        # The name is claimed first: two processes that start at once must agree on one key.
        self._records.create(f"{KEY_KIND}-name", name, {"id": key.id, "secret": key.secret})
        self._records.create(KEY_KIND, key.id, _body(key), parent=name)
        return key

    def create_session(self, name: str, lasts: timedelta) -> AccessKey:
        """Make a key for a while, that is used with a token.

        Args:
            name: Whose session it is.
            lasts: For how long.
        """
        key = AccessKey(
            _new_id(_SESSION),
            _new_secret(),
            name,
            secrets.token_urlsafe(_TOKEN_BYTES),
            self._clock.now() + lasts,
        )
        self._remove_sessions_that_are_over()
        self._records.create(KEY_KIND, key.id, _body(key), parent="session")
        return key

    def get(self, name: str) -> AccessKey:
        """Return the key of a name.

        Raises:
            NotFoundError: If there is none.
        """
        record = self._records.find(f"{KEY_KIND}-name", name) if name else None
        if record is None:
            raise NotFoundError(f"There is no key {name[:80]!r}.", mend="`stepmill keys list` shows all.")
        key = AccessKey(str(record.body["id"]), str(record.body["secret"]), name)
        if self._records.find(KEY_KIND, key.id) is None:
            # Killed between the two: what was begun is finished.
            with suppress(ConflictError):
                self._records.create(KEY_KIND, key.id, _body(key), parent=name)
        return key

    def find(self, access_key: str) -> AccessKey | None:
        """Return the key of an id, or ``None``. One that was revoked elsewhere is known for a second more."""
        now = time.monotonic()
        with self._lock:
            known = self._known.get(access_key)
        if known is not None and now - known[0] < _KNOWN_FOR_S:
            return known[1]
        record = self._records.find(KEY_KIND, access_key) if _is_id(access_key) else None
        with self._lock:
            if record is None:
                self._known.pop(access_key, None)
                return None
            key = _key(record)
            self._known[access_key] = (now, key)
        return key

    def list(self) -> list[KeyInfo]:
        """Return all keys, sessions too, the oldest first."""
        found: list[KeyInfo] = []
        token: str | None = None
        while True:
            page = self._records.list(KEY_KIND, limit=1000, after=token)
            for record in page.records:
                key = _key(record)
                found.append(KeyInfo(key.id, key.name, record.created_at, key.expires_at))
            token = page.next_token
            if token is None:
                return found

    def revoke(self, name_or_id: str) -> KeyInfo:
        """Remove a key; from then on nothing that it signs is taken.

        Raises:
            NotFoundError: If there is none of that name or id.
        """
        found = next((k for k in self.list() if name_or_id in (k.id, k.name)), None)
        if found is None:
            raise NotFoundError(
                f"There is no key {name_or_id[:80]!r}.", mend="`stepmill keys list` shows all."
            )
        self._forget(found.id, found.name if found.expires_at is None else "")
        return found

    def _forget(self, access_key: str, name: str) -> None:
        if name and self._records.find(f"{KEY_KIND}-name", name) is not None:
            self._records.delete(f"{KEY_KIND}-name", name)
        self._records.delete(KEY_KIND, access_key)
        with self._lock:
            self._known.pop(access_key, None)

    def _remove_sessions_that_are_over(self) -> None:
        now = self._clock.now()
        for record in self._records.list(KEY_KIND, parent="session", limit=1000).records:
            key = _key(record)
            if key.expires_at is not None and key.expires_at < now:
                with suppress(NotFoundError):  # another process was faster
                    self._forget(key.id, "")


def _is_id(text: str) -> bool:
    return text.isascii() and text.isalnum() and len(text) == len(_LASTING) + _ID_LENGTH


def _new_id(start: str) -> str:
    return start + "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))


def _new_secret() -> str:
    return "".join(secrets.choice(_SECRET_LETTERS) for _ in range(_SECRET_LENGTH))


def _body(key: AccessKey) -> Mapping[str, Json]:
    expires = as_text(key.expires_at) if key.expires_at else ""
    return {"name": key.name, "secret": key.secret, "token": key.token, "expires_at": expires}


def _key(record: Record) -> AccessKey:
    body = record.body
    expires = str(body["expires_at"])
    return AccessKey(
        record.name,
        str(body["secret"]),
        str(body["name"]),
        str(body["token"]),
        datetime.fromisoformat(expires) if expires else None,
    )
