"""Chance, made of an execution's secret seed: the same event draws the same, whoever replays it."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from hashlib import sha256
from hmac import new as hmac

_MAC_BYTES = 18
_DRAW_BITS = 53


class Chance:
    """Draws for one event of one execution.

    Args:
        seed: Of the execution.
        event: What tells these draws from all others of the execution.
    """

    __slots__ = ("_count", "_event", "_seed")

    def __init__(self, seed: str, event: str) -> None:
        self._seed = seed
        self._event = event
        self._count = 0

    def _bytes(self) -> bytes:
        self._count += 1
        return hmac(self._seed.encode(), f"{self._event}#{self._count}".encode(), sha256).digest()

    def random(self) -> float:
        """Return a number that is at least 0 and below 1."""
        return (int.from_bytes(self._bytes()[:8]) >> (64 - _DRAW_BITS)) / (1 << _DRAW_BITS)

    def uuid(self) -> str:
        """Return a random UUID (version 4, RFC 9562) as text."""
        drawn = bytearray(self._bytes()[:16])
        drawn[6] = drawn[6] & 0x0F | 0x40
        drawn[8] = drawn[8] & 0x3F | 0x80
        text = drawn.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def token_of(seed: str, execution_id: str, task_id: str) -> str:
    """Return the task token of a task: it names the execution and the task, and nobody can guess it.

    Example:
        >>> parse_token(token_of("secret", "e1", "e1/0/5"))
        ('e1', 'e1/0/5')
    """
    named = f"{execution_id}\n{task_id}".encode()
    mac = hmac(seed.encode(), b"token\n" + named, sha256).digest()[:_MAC_BYTES]
    return urlsafe_b64encode(mac + named).decode().rstrip("=")


def parse_token(token: str) -> tuple[str, str] | None:
    """Return (execution id, task id) that a token names; ``None`` if it is no token.

    Whether the token is a true one, only the execution can tell: compare it with the task's.
    """
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        execution, task = raw[_MAC_BYTES:].decode().split("\n")
    except (Base64Error, ValueError):
        return None
    return execution, task
