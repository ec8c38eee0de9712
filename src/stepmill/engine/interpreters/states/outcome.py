"""What one event leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stepmill.core.json import JsonObject
from stepmill.core.statuses import StateMachineExecutionStatus
from stepmill.engine.interpreters.commands import Command
from stepmill.engine.interpreters.states.frames import Frame


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """A fact for the history of an execution. Its id is its position, from 1.

    Args:
        type: As in ``GetExecutionHistory``: ``TaskStateEntered``.
        step: Name of the state; empty for what concerns no single one.
        body: ``previousEventId``, and the details under the name that they have on the wire.
    """

    type: str
    step: str = ""
    body: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Advance:
    """What the engine must record, in one transaction, and then do.

    Args:
        frames: The changed frames by key; ``None``: to be deleted.
        history: What happened, in order.
        commands: What is to be done, in order.
        status: The execution's new status, if it changed.
        output: With ``SUCCEEDED``: JSON text; else ``None``.
        error: With another end: the name of the error, if there is one.
        cause: The same: for a human.
    """

    frames: Mapping[str, Frame | None] = field(default_factory=dict)
    history: tuple[HistoryEvent, ...] = ()
    commands: tuple[Command, ...] = ()
    status: StateMachineExecutionStatus | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed: the event was a duplicate, or too late."""
        return not (self.frames or self.history or self.commands)
