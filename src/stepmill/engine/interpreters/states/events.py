"""What happens to an execution. The moment of each comes beside it; nothing else is needed to replay it."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import msgspec

from stepmill.core.tasks import TaskReport
from stepmill.language.states.definition import ExecutionType


class ExecutionStarted(msgspec.Struct, frozen=True, tag=True):
    """The first event of every execution.

    Args:
        execution_id: Unique for ever; begins the ids of its tasks.
        execution_arn: The execution's ARN.
        name: Its name.
        machine_arn: ARN of the state machine.
        machine_name: Its name.
        role_arn: The role that it runs under.
        input_text: JSON text, kept as the caller wrote it.
        started_at: When it was asked for; what ``$$.Execution.StartTime`` says.
        seed: Secret random text. All chance of the execution is made from it: jitter, UUIDs, task tokens.
        kind: Standard or Express.
        version_arn: ARN of the version that was started; empty: none.
        alias_arn: ARN of the alias that was started; empty: none.
        map_run_arn: ARN of the Map Run that it is an iteration of; empty: of none.
        map_index: Index of its item, or of its batch, in that Map Run.
        map_item: JSON text of the item; empty: of none.
        redrive_count: How often it was redriven before, if it is an iteration that is started anew.
    """

    execution_id: str
    execution_arn: str
    name: str
    machine_arn: str
    machine_name: str
    role_arn: str
    input_text: str
    started_at: datetime
    seed: str
    kind: ExecutionType = ExecutionType.STANDARD
    version_arn: str = ""
    alias_arn: str = ""
    map_run_arn: str = ""
    map_index: int = -1
    map_item: str = ""
    redrive_count: int = 0


class TimerFired(msgspec.Struct, frozen=True, tag=True):
    """A moment that ``SetTimer`` asked for has come."""

    timer_id: str


class StopRequested(msgspec.Struct, frozen=True, tag=True):
    """Somebody wants the execution to end now.

    Args:
        error: What it is to have failed with; ``None``: not said.
        cause: The same.
        by: Name of the key of whoever wants it.
    """

    error: str | None = None
    cause: str | None = None
    by: str = ""


class RedriveRequested(msgspec.Struct, frozen=True, tag=True):
    """Somebody wants an execution that ended badly to go on from where it did.

    Args:
        token: Of the wish; empty: none.
        by: Name of the key of whoever wants it.
    """

    token: str = ""
    by: str = ""


Event: TypeAlias = ExecutionStarted | TaskReport | TimerFired | StopRequested | RedriveRequested

_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode_event(event: Event) -> str:
    """Return the event as JSON text."""
    return msgspec.json.encode(event).decode()


def decode_event(text: str | bytes) -> Event:
    """Return the event of a text that ``encode_event`` wrote.

    Raises:
        msgspec.DecodeError: If it did not.
    """
    return _decoder.decode(text)
