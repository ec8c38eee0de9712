"""How an execution of a state machine stands, for whoever looks from outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stepmill.core.statuses import StateMachineExecutionStatus
from stepmill.engine.machines.kept import machine_of
from stepmill.storage.executions import MachineDetails, StoredExecution


@dataclass(frozen=True, slots=True)
class MachineExecution:
    """An execution as a whole, without its input and output, which may be long.

    Args:
        id: As it is kept.
        arn: Its Amazon resource name.
        machine: Name of the machine.
        status: How it stands.
        started_at: Aware, UTC.
        role: ARN of the role that it runs under.
        definition: Digest of the document that it runs.
        details: What else is kept of it.
        owner: Id of the engine that drives it; empty if none does.
        is_interrupted: Whether it is not at its end and nobody drives it.
        position: Id of the last event of its history.
    """

    id: str
    arn: str
    machine: str
    status: StateMachineExecutionStatus
    started_at: datetime
    role: str
    definition: str
    details: MachineDetails
    owner: str
    is_interrupted: bool
    position: int


@dataclass(frozen=True, slots=True)
class MachineExecutionPage:
    """Part of a listing; ``next_token`` is ``None`` on the last page."""

    executions: tuple[MachineExecution, ...]
    next_token: str | None


def summarize_machine(stored: StoredExecution, *, is_owner_alive: bool) -> MachineExecution:
    """Return the summary of an execution as it is stored."""
    status = StateMachineExecutionStatus(stored.status)
    return MachineExecution(
        id=stored.id,
        arn=stored.details.arn,
        machine=stored.pipeline,
        status=status,
        started_at=stored.created_at,
        role=stored.details.role,
        definition=stored.details.definition,
        details=machine_of(stored.details),
        owner=stored.owner if is_owner_alive else "",
        is_interrupted=not status.is_final and not is_owner_alive,
        position=stored.position,
    )
