"""What an engine, and whoever stands for one of another process, does for executions of every language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from stepmill.storage.executions import NewExecution


class ExecutionHands(Protocol):
    """Safe to share between threads."""

    def begin(self, prepare: Callable[[str], NewExecution]) -> None:
        """Have an execution written and driven.

        Args:
            prepare: Given the id of the engine that will drive it, returns what is to be written.

        Raises:
            ConflictError: If its id is taken.
            StorageError: If the store fails. Nothing was written.
        """
        ...

    def have_driven(self, execution: str) -> None:
        """See to it that somebody alive drives an execution that has something in its inbox."""
        ...

    def rest(self, execution: str, left_s: float | None, after_position: int | None = None) -> None:
        """Wait for a change, at most so many seconds, where that is better than to look again."""
        ...
