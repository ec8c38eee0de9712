"""Which keys a door takes: those of jobs, and those of whoever owns the home, or but one of them."""

from __future__ import annotations

from stepmill.core.endpoint import AccessKey
from stepmill.jobs.sessions import JobSessions
from stepmill.storage.keys import KeyStore


class DoorKeys:
    """The keys that a door takes. See ``aws.auth.signatures.Keys``.

    Args:
        own: Those that the owner has made, and sessions of them.
        sessions: Those of jobs.
        only: Name of the one of the owner's that is taken; empty: all are.
    """

    def __init__(self, own: KeyStore, sessions: JobSessions, *, only: str = "") -> None:
        self._own = own
        self._sessions = sessions
        self._only = only

    def find(self, access_key: str, token: str) -> AccessKey | None:
        """Return the key of that id, if it is taken here."""
        key = self._sessions.find(access_key, token) or self._own.find(access_key)
        if key is None or key.job is not None or not self._only:
            return key
        return key if key.name == self._only and not key.token else None
