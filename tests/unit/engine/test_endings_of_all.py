"""Whoever listens to all ends hears of each, whoever else does."""

from __future__ import annotations

from datetime import UTC, datetime

from stepmill.engine.endings import Ending, Endings
from stepmill.storage.executions import ExecutionChange

AT = datetime(2026, 1, 1, tzinfo=UTC)


def change(execution: str) -> ExecutionChange:
    return ExecutionChange(execution, "owner", 1, 2, "SUCCEEDED", AT, ends=True)


def test_all_ends_are_told_beside_the_one_that_somebody_waits_for() -> None:
    endings = Endings()
    every: list[str] = []
    one: list[str] = []

    def broken(_ending: Ending) -> None:
        raise RuntimeError("a bug")

    endings.listen_to_all(broken)
    endings.listen_to_all(lambda ending: every.append(ending.execution))
    endings.listen("a", lambda ending: one.append(ending.execution))
    for execution in ("a", "b", "a"):
        endings.tell(change(execution))
    assert (one, every) == (["a"], ["a", "b", "a"])
