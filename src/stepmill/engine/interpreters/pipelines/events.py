"""What happens to an execution. The moment of each comes beside it; nothing else is needed to replay it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from stepmill.core.json import Json, JsonObject
from stepmill.core.tasks import TaskReport


class ReusedStep(msgspec.Struct, frozen=True):
    """What a selective execution takes over from its source for one step.

    Args:
        output: The document that the step's properties are read from.
        metadata: What the listing shows.
        source_arn: ARN of the execution that really ran the step.
    """

    output: Json = None
    metadata: JsonObject = {}
    source_arn: str = ""


class Selection(msgspec.Struct, frozen=True):
    """Which steps a selective execution runs, and what it takes over.

    Args:
        steps: Names of the steps to run.
        source_arn: ARN of the execution that the others' results come from; may be empty if none is needed.
        reused: Results of steps outside the selection, by name (children of a ForEach too).
    """

    steps: tuple[str, ...]
    source_arn: str = ""
    reused: Mapping[str, ReusedStep] = {}


class ExecutionStarted(msgspec.Struct, frozen=True, tag=True):
    """The first event of every execution.

    Args:
        execution_id: Twelve lower-case alphanumerics; part of job names.
        execution_arn: The execution's ARN.
        pipeline: Name of the pipeline.
        pipeline_arn: Its ARN.
        parameters: Every parameter of the definition with its checked, typed value.
        parallelism: Most steps with outside work at once; ``None``: SageMaker's 50.
        selection: Given for a selective execution, checked with ``selection.check_selection``.
        uses_cache: Whether steps may reuse earlier results, where they ask for it.
    """

    execution_id: str
    execution_arn: str
    pipeline: str
    pipeline_arn: str
    parameters: JsonObject = {}
    parallelism: int | None = None
    selection: Selection | None = None
    uses_cache: bool = True


class TimerFired(msgspec.Struct, frozen=True, tag=True):
    """A moment that ``SetTimer`` asked for has come."""

    timer_id: str


class StopRequested(msgspec.Struct, frozen=True, tag=True):
    """Somebody wants the execution to end early.

    Args:
        token: Of the wish; empty: none.
        by: Name of the key of whoever wants it.
    """

    token: str = ""
    by: str = ""


class RetryRequested(msgspec.Struct, frozen=True, tag=True):
    """Somebody wants an ended execution to go on from where it failed or was stopped.

    Args:
        parallelism: Replaces the execution's, if given.
        token: Of the wish; empty: none.
        by: Name of the key of whoever wants it.
    """

    parallelism: int | None = None
    token: str = ""
    by: str = ""


class UpdateRequested(msgspec.Struct, frozen=True, tag=True):
    """Somebody wants something else to be said of an execution, or more or fewer steps at once.

    Args:
        display_name: Replaces the execution's; ``None``: stays.
        description: The same.
        parallelism: The same.
        by: Name of the key of whoever wants it.
    """

    display_name: str | None = None
    description: str | None = None
    parallelism: int | None = None
    by: str = ""


Event: TypeAlias = (
    ExecutionStarted | TaskReport | TimerFired | StopRequested | RetryRequested | UpdateRequested
)

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
