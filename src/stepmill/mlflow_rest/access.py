"""Who calls: HTTP Basic with a key's id and secret, or a bearer token made of them.

MLflow's client sends what ``MLFLOW_TRACKING_USERNAME`` and ``_PASSWORD`` say, else what
``MLFLOW_TRACKING_TOKEN`` does.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, urlsafe_b64decode
from typing import Protocol

from stepmill.core.clock import Clock
from stepmill.core.endpoint import AccessKey
from stepmill.core.http import Request
from stepmill.mlflow_rest.errors import UNAUTHENTICATED, MlflowError

# A session's token has some hundred letters.
_LONGEST = 4096


class Keys(Protocol):
    """Knows the keys of this installation."""

    def find(self, access_key: str, token: str) -> AccessKey | None:
        """Return the key of that id, with the token of its session, if there is one that holds."""
        ...


class Credentials:
    """Tells whose a request is. Safe to share between threads.

    Args:
        keys: Knows the keys.
        clock: Tells the time.
    """

    def __init__(self, keys: Keys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def caller(self, head: Request) -> AccessKey:
        """Return the key that a request was sent with.

        Raises:
            MlflowError: If it was sent with none, or with one that does not hold.
        """
        access_key, secret, token = _given(head.headers.get("authorization", ""))
        key = self._keys.find(access_key, token)
        # One answer for all: nobody is to learn which ids there are.
        expected = (key.secret, key.token) if key is not None else ("", "")
        is_right = hmac.compare_digest(expected[0].encode(), secret.encode())
        # A token beside a key that needs none is left over from another session.
        is_right &= not expected[1] or hmac.compare_digest(expected[1].encode(), token.encode())
        if key is None or not is_right:
            raise _refused("The key is not one of this server's, or its secret is wrong.")
        if key.expires_at is not None and self._clock.now() >= key.expires_at:
            raise _refused("The key's session is over.")
        return key


def _given(header: str) -> tuple[str, str, str]:
    """Return id, secret and session token of an ``Authorization`` header."""
    scheme, _, text = header.partition(" ")
    kind = scheme.lower()
    if kind not in ("basic", "bearer"):
        raise _refused("The request bears no credentials.")
    try:
        decode = b64decode if kind == "basic" else urlsafe_b64decode
        plain = decode(text.strip()[:_LONGEST].encode()).decode()
    except (binascii.Error, ValueError):
        raise _refused("The credentials cannot be read.") from None
    # Neither an id nor a secret has a colon in it.
    access_key, _, rest = plain.partition(":")
    secret, _, token = rest.partition(":")
    return access_key, secret, token


def _refused(what: str) -> MlflowError:
    return MlflowError(
        UNAUTHENTICATED,
        what,
        mend='Set MLFLOW_TRACKING_URI and MLFLOW_TRACKING_TOKEN as `eval "$(stepmill env)"` does.',
    )
