"""What keeps an object from being transformed, and what ends the whole job."""

from __future__ import annotations

from typing import NamedTuple


class ObjectError(Exception):
    """An object cannot be transformed; others are.

    Args:
        message: What is wrong with it.
        is_ours: Whether the data is to blame, and not the model: ``ClientError`` and not ``AlgorithmError``.
    """

    def __init__(self, message: str, *, is_ours: bool = True) -> None:
        super().__init__(message)
        self.is_ours = is_ours

    @property
    def blame(self) -> str:
        """What the failure file of the job begins with: without a word it is the algorithm's fault."""
        return "ClientError: " if self.is_ours else ""


class JobError(Exception):
    """The job cannot go on: its model server does not answer any more, or never did."""


class PathError(ValueError):
    """A filter cannot be read, or selects nothing."""


class Lines(NamedTuple):
    """Which records of an object were sent: the first and the last, counted from one.

    Args:
        first: Of the first.
        last: Of the last.
        word: What they are called: ``line`` or ``record``.
    """

    first: int
    last: int
    word: str = "line"

    @property
    def at_most(self) -> int:
        """How many were sent at most: empty ones are left out."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        """Return ``line 3`` or ``lines 3 to 9``."""
        if self.first == self.last:
            return f"{self.word} {self.first}"
        return f"{self.word}s {self.first} to {self.last}"
