"""What the events of an execution's history say of its states. Pure.

States of iterations that run side by side share a line: it counts how often the state was entered and left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from stepmill.core.json import Json, JsonObject

_ENTERED, _EXITED, _ABORTED = "StateEntered", "StateExited", "StateAborted"
_ENDS = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}
# Events of a Task that ended badly; the state may be retried, caught, or the end of all.
_FAILURES = ("Failed", "TimedOut", "ScheduleFailed", "StartFailed", "SubmitFailed")
_MOST_SHOWN = 160


class Standing(StrEnum):
    """How a state stands."""

    AHEAD = "ahead"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"
    NOT_TAKEN = "not taken"


@dataclass
class StateLine:
    """A state, as far as its events have told.

    Args:
        entered: How often it was entered.
        exited: How often it was left.
        failed: How often its work failed.
        aborted: How often it was cut off, since something beside it failed.
        began_at: When it was entered first; ``None`` before.
        ended_at: When something last happened in it.
        error: Of its last failure: name and cause.
    """

    entered: int = 0
    exited: int = 0
    failed: int = 0
    aborted: int = 0
    began_at: datetime | None = None
    ended_at: datetime | None = None
    error: str = ""

    @property
    def running(self) -> int:
        """How often it is entered now."""
        return max(self.entered - self.exited - self.aborted, 0)

    def took(self, now: datetime | None) -> timedelta | None:
        """Return for how long it has run until now; ``None`` for now: until the last that is known of it."""
        if self.began_at is None:
            return None
        until = now if now is not None and self.running else self.ended_at
        return None if until is None else until - self.began_at


@dataclass
class MachineProgress:
    """An execution, as far as its history has told.

    Args:
        status: Of the execution.
        reason: Why it did not succeed.
        lines: State -> what is known of it.
    """

    status: str = "RUNNING"
    reason: str = ""
    lines: dict[str, StateLine] = field(default_factory=dict)

    def apply(self, type_: str, state: str, at: datetime, body: JsonObject) -> None:
        """Take in one event.

        Args:
            type_: ``TaskStateEntered``.
            state: Name of the state; empty: the execution, or the state is not told.
            at: When.
            body: The event's details, by the name that they have on the wire.
        """
        if type_ == "ExecutionRedriven":
            self.status, self.reason = "RUNNING", ""
            return
        if type_ in _ENDS:
            self.status = _ENDS[type_]
            self.reason = reason_in(body)
            return
        if not state:
            return
        line = self.lines.setdefault(state, StateLine())
        line.ended_at = at
        if type_.endswith(_ENTERED):
            line.entered += 1
            line.began_at = line.began_at or at
        elif type_.endswith(_EXITED):
            line.exited += 1
        elif type_.endswith(_ABORTED):
            line.aborted += 1
        elif type_.endswith(_FAILURES):
            line.failed += 1
            line.error = reason_in(body)

    def standing(self, state: str) -> Standing:
        """Return how a state stands."""
        line = self.lines.get(state)
        is_over = self.status != "RUNNING"
        if line is None or not line.entered:
            return Standing.NOT_TAKEN if is_over else Standing.AHEAD
        if line.running and not is_over:
            return Standing.RUNNING
        if line.aborted and not line.exited:
            return Standing.ABORTED
        if line.running:
            return Standing.ABORTED if self.status == "ABORTED" else Standing.FAILED
        return Standing.DONE


def reason_in(body: JsonObject) -> str:
    """Return error and cause that the details of an event tell of; empty if none."""
    for details in body.values():
        if isinstance(details, Mapping):
            parts = [_text(details.get("error")), _text(details.get("cause"))]
            if any(parts):
                return ": ".join(part for part in parts if part)
    return ""


def brief(reason: str) -> str:
    """Return a reason as one short line."""
    line = " ".join(reason.split())
    return line if len(line) <= _MOST_SHOWN else f"{line[: _MOST_SHOWN - 1]}…"


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
