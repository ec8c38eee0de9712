"""Changes of objects, told to whoever listens in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from stepmill.storage.objects.uri import S3Uri


class ChangeKind(StrEnum):
    """What happened to an object."""

    PUT = "put"
    COPIED = "copied"
    ASSEMBLED = "assembled"  # put in parts
    DELETED = "deleted"


@dataclass(frozen=True)
class ObjectChange:
    """An object was put or deleted.

    Args:
        kind: What happened.
        uri: Where.
        at: When. Aware, UTC.
        size_bytes: Its length; 0 of one that was deleted.
        etag: Its ETag; empty of one that was deleted.
    """

    kind: ChangeKind
    uri: S3Uri
    at: datetime
    size_bytes: int = 0
    etag: str = ""


Listener: TypeAlias = Callable[[ObjectChange], None]


class Listeners:
    """Who listens. Each is told of each change after its commit, on the thread that made it.

    What other processes change is not told: jobs and the terminal put objects without a word.
    """

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()

    def add(self, listener: Listener) -> None:
        """Tell this one, too, from now on. It must be quick and raise nothing: the change has happened."""
        self._listeners = (*self._listeners, listener)

    def tell(self, changes: Iterable[ObjectChange]) -> None:
        """Tell of these changes, in order."""
        listeners = self._listeners
        if listeners:
            for change in changes:
                for listener in listeners:
                    listener(change)
