"""Keys of jobs: made of a secret of the home, and of what their token says. Nothing is kept of any of them.

A token says which job it is of, its role, and when it ends at the latest, and carries a code that only this
home can make. Key and secret are made of it, too. So a key costs a job no write, outlives the server as its
job does, and whoever has a part of it has nothing: the token does not tell the secret, nor the secret the
token. Whether the job still runs, its record tells; see ``jobs/sessions.py``.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from base64 import b32encode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from datetime import UTC, datetime

import msgspec

from stepmill.core.endpoint import AccessKey, JobIdentity
from stepmill.core.errors import ConflictError
from stepmill.storage.records import RecordStore

SECRET_KIND = "job-key-secret"  # noqa: S105 - the kind of a record

_ONLY = "1"
_SECRET_BYTES = 32
_START = "SMJ1"
_CODE_LENGTH = 24
# Longer ones are of nobody here: names have 63 letters at most, roles 128.
_LONGEST_TOKEN = 2048
_ID_LENGTH = 16
_SECRET_LENGTH = 40


class _Said(msgspec.Struct, frozen=True, array_like=True):
    """What a token says."""

    kind: str
    name: str
    task: str
    role: str
    session: str
    ends_s: int


_SAID = msgspec.json.Decoder(_Said)


class SessionKeys:
    """Makes keys of jobs, and knows them again. Safe to share between threads and processes.

    Args:
        records: Where the secret of the home is kept.
    """

    def __init__(self, records: RecordStore) -> None:
        self._records = records
        self._lock = threading.Lock()
        self._secret = b""

    def make(self, job: JobIdentity, role: str, session: str, ends_at: datetime | None) -> AccessKey:
        """Return the key of a job.

        Args:
            job: Whose.
            role: Name of its role.
            session: What its session of the role is called.
            ends_at: When it ends, if its job has not ended before. ``None``: with its job.
        """
        ends_s = 0 if ends_at is None else int(ends_at.timestamp())
        return self._key(_Said(job.kind, job.name, job.task, role, session, ends_s))

    def find(self, access_key: str, token: str) -> AccessKey | None:
        """Return the key of that id and token, if this home has made it; else ``None``."""
        if not token.startswith(_START) or len(token) > _LONGEST_TOKEN:
            return None
        code, payload = token[len(_START) :][:_CODE_LENGTH], token[len(_START) + _CODE_LENGTH :]
        if not token.isascii() or not hmac.compare_digest(code, self._code(payload)):
            return None
        try:
            said = _SAID.decode(urlsafe_b64decode(payload))
        except (Base64Error, ValueError, msgspec.DecodeError):
            return None
        key = self._key(said)
        return key if hmac.compare_digest(key.id.encode(), access_key.encode()) else None

    def _key(self, said: _Said) -> AccessKey:
        payload = urlsafe_b64encode(msgspec.json.encode(said)).decode()
        letters = b32encode(self._digest("id", payload)).decode()
        # No sign is among them: a command would take a value that begins with a dash for an option.
        secret = b64encode(self._digest("secret", payload), altchars=b"aZ").decode()
        return AccessKey(
            f"ASIA{letters[:_ID_LENGTH]}",
            secret[:_SECRET_LENGTH],
            f"{said.role}/{said.session}",
            f"{_START}{self._code(payload)}{payload}",
            datetime.fromtimestamp(said.ends_s, UTC) if said.ends_s else None,
            JobIdentity(said.kind, said.name, said.task),
        )

    def _code(self, payload: str) -> str:
        return urlsafe_b64encode(self._digest("token", payload)).decode()[:_CODE_LENGTH]

    def _digest(self, purpose: str, payload: str) -> bytes:
        return hmac.digest(self._home_secret(), f"{purpose}:{payload}".encode(), "sha256")

    def _home_secret(self) -> bytes:
        if not self._secret:
            with self._lock:
                self._secret = self._secret or self._kept_secret()
        return self._secret

    def _kept_secret(self) -> bytes:
        record = self._records.find(SECRET_KIND, _ONLY)
        if record is None:
            try:
                secret = secrets.token_hex(_SECRET_BYTES)
                record = self._records.create(SECRET_KIND, _ONLY, {"secret": secret})
            except ConflictError:  # another process was faster
                record = self._records.get(SECRET_KIND, _ONLY)
        return bytes.fromhex(str(record.body["secret"]))
