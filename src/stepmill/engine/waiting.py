"""Waiting for an execution by looking at it, whoever drives it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol, TypeVar

# How often a wait looks at an execution that another process drives. A look costs some ten microseconds.
LOOK_INTERVAL_S = 0.05
_PAUSE_S = 0.01


class _Status(Protocol):
    @property
    def is_final(self) -> bool: ...


class _Summary(Protocol):
    @property
    def status(self) -> _Status: ...

    @property
    def is_interrupted(self) -> bool: ...

    @property
    def position(self) -> int: ...


_Found = TypeVar("_Found", bound=_Summary)


def wait_for(
    look: Callable[[], _Found],
    timeout: timedelta | None,
    after_position: int | None = None,
    *,
    rest: Callable[[float | None], object] | None = None,
) -> _Found:
    """Wait until an execution is at its end, or nobody drives it, or the time is over.

    Args:
        look: Returns how it stands.
        timeout: The longest wait; ``None``: no limit.
        after_position: Wait no longer than until its history goes beyond this.
        rest: Waits for a change at most so many seconds, if there is a better way than to look again.
    """
    deadline = None if timeout is None else time.monotonic() + timeout.total_seconds()
    while True:
        if rest is not None:
            rest(_left_s(deadline))
        summary = look()
        left_s = _left_s(deadline)
        if (
            summary.status.is_final
            or summary.is_interrupted
            or (after_position is not None and summary.position > after_position)
            or left_s == 0.0
        ):
            return summary
        time.sleep(LOOK_INTERVAL_S if left_s is None else min(LOOK_INTERVAL_S, left_s))


def wait_until(is_done: Callable[[], bool], go_on: Callable[[], object]) -> None:
    """Call ``go_on``, which sees to it that somebody works, until the work is done."""
    while not is_done():
        go_on()
        time.sleep(_PAUSE_S)


def _left_s(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())
