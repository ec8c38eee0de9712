"""Waiting out a store that fails: a full disk, a lock that somebody holds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from stepmill.core.errors import StorageError

FIRST_BACKOFF_S = 0.05
LONGEST_BACKOFF_S = 5.0

_Result = TypeVar("_Result")

_log = logging.getLogger(__name__)


class ClosedError(Exception):
    """The engine was closed while the store failed; what was not written is done again by the next."""


class Patience:
    """Calls the store until it answers.

    Args:
        closing: Set when nobody wants the answer any more.
        on_trouble: Called with each error, before the wait.
        first_backoff_s: How long the first wait is; each further one is twice as long.
    """

    def __init__(
        self,
        closing: threading.Event,
        on_trouble: Callable[[StorageError], None] | None = None,
        *,
        first_backoff_s: float = FIRST_BACKOFF_S,
    ) -> None:
        self._closing = closing
        self._on_trouble = on_trouble or _warn
        self._first_backoff_s = first_backoff_s

    def call(self, call: Callable[[], _Result]) -> _Result:
        """Return what ``call`` returns, however often it raises ``StorageError`` before.

        Raises:
            ClosedError: If the engine is closed before that.
        """
        backoff_s = self._first_backoff_s
        while True:
            try:
                return call()
            except StorageError as error:
                self._on_trouble(error)
            if self._closing.wait(backoff_s):
                raise ClosedError
            backoff_s = min(2 * backoff_s, LONGEST_BACKOFF_S)


def _warn(error: StorageError) -> None:
    _log.warning("The engine waits for its store: %s", error)
