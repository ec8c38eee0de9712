"""Names of timers: what they are for, whose they are, and since which event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stepmill.core.errors import InvalidInputError
from stepmill.engine.interpreters.commands import DropTimer, SetTimer
from stepmill.engine.interpreters.states.draft import Draft
from stepmill.engine.interpreters.states.frames import BranchFrame

WAIT, RETRY, TIMEOUT, HEARTBEAT = "wait", "retry", "timeout", "heartbeat"
MACHINE, TURN = "machine", "turn"

# Farther moments are no moments for Python; nobody will see their difference.
LATEST = datetime.max.replace(tzinfo=UTC)


def timer_of(purpose: str, branch: str, since: int) -> str:
    """Return the name of a timer.

    Example:
        >>> parse_timer(timer_of(WAIT, "0.1", 7))
        ('wait', '0.1', 7)
    """
    return f"{purpose}/{branch}/{since}"


def parse_timer(timer_id: str) -> tuple[str, str, int]:
    """Return (purpose, branch, event since when) of a timer's name.

    Raises:
        InvalidInputError: If it is no such name.
    """
    purpose, _, rest = timer_id.partition("/")
    branch, _, since = rest.partition("/")
    if not since.isdecimal():
        raise InvalidInputError(f"{timer_id!r} is no timer of a state machine.")
    return purpose, branch, int(since)


def moment_after(at: datetime, seconds: float) -> datetime:
    """Return a later moment, the last one that there is if it would be beyond."""
    try:
        return at + timedelta(seconds=seconds)
    except OverflowError:
        return LATEST


def set_timer(draft: Draft, purpose: str, name: str, since: int, due_at: datetime) -> None:
    """Ask for a timer."""
    draft.commands.append(SetTimer(timer_of(purpose, name, since), due_at))


def drop_timers(draft: Draft, name: str, branch: BranchFrame, *purposes: str) -> None:
    """Forget timers of what a branch was busy with."""
    draft.commands.extend(DropTimer(timer_of(purpose, name, branch.scheduled)) for purpose in purposes)
