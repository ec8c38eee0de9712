"""The state of an execution, in frames: an event reads and writes only those that it touches.

=============================== ==================================================================
Key                             Frame
=============================== ==================================================================
``execution``                   counters, status, the ends of the ready queue; written by most events
``inputs``                      what the execution was started with; written once
``step/<step>``                 one that has started (children of a ForEach too); none before
``output/<step>``               the document that a finished step's properties are read from
``reads/<step>``                values read from JSON files for an attempt that is being prepared
``gate/<gate>[/<index>]``       how many needs are still missing, for all steps with the same needs
``ready/<number>``              steps that may start and wait for a slot
``ready/<step>/<number>``       children of a ForEach that wait for its MaxConcurrency
``loop/<step>``                 progress of a ForEach
``items/<step>``                its items; written once
=============================== ==================================================================

Steps with the same needs share one gate, so in layers that are fully connected an end of a step
writes one gate, and not a frame of each step of the next layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import msgspec

from stepmill.core.json import Json, JsonObject
from stepmill.core.statuses import PipelineExecutionStatus, StepStatus

EXECUTION = "execution"
INPUTS = "inputs"


class Phase(StrEnum):
    """What a step that has started and not ended is busy with."""

    READING = "reading"  # waits for values from JSON files
    WORKING = "working"  # waits for its task, or for its iterations
    WAITING = "waiting"  # waits for the moment of its next attempt
    QUEUED = "queued"  # that moment has come; waits for a slot


class ExecutionFrame(msgspec.Struct, frozen=True, tag=True):
    """The root.

    Args:
        status: Of the execution.
        parallelism: Most slots in use at once.
        failure_reason: Why it failed; of a Fail step already while others still run.
        slots: In use: steps with outside work under way.
        unfinished: Steps that have started and not ended.
        started: Steps that have ever started; gives each its place in the listing.
        head: Number of the first frame of the ready queue.
        tail: Number that the next one gets. Empty if equal to ``head``.
        failures: Steps that failed, or stopped on their own.
        handled: Those of them that made a step with a trigger start.
        is_failing: Whether a Fail step has run: what runs ends, nothing more starts.
        ended_at: When the status became final.
    """

    status: PipelineExecutionStatus
    parallelism: int
    failure_reason: str = ""
    slots: int = 0
    unfinished: int = 0
    started: int = 0
    head: int = 0
    tail: int = 0
    failures: int = 0
    handled: int = 0
    is_failing: bool = False
    ended_at: datetime | None = None

    @property
    def is_queue_empty(self) -> bool:
        """Whether no step waits for a slot."""
        return self.head == self.tail


class InputsFrame(msgspec.Struct, frozen=True, tag=True):
    """What the execution was started with (see ``events.ExecutionStarted``)."""

    execution_id: str
    execution_arn: str
    pipeline: str
    pipeline_arn: str
    parameters: JsonObject
    started_at: datetime
    selected: frozenset[str] | None = None
    source_arn: str = ""
    uses_cache: bool = True


class StepFrame(msgspec.Struct, frozen=True, tag=True):
    """One step that has started.

    Args:
        name: Its name; of a child ``<body step>-<index>``.
        status: ``None`` if it is to run again in an execution that was retried.
        order: Its place in the listing.
        attempt: Number of the current attempt, from 1; goes on over retries of the execution.
        started_at: Of its first attempt, since the last retry of the execution.
        ended_at: When its status became final.
        phase: What it is busy with; ``None`` once ended.
        task_id: Of the report that it waits for; empty if for none.
        has_slot: Whether it uses one.
        retries: How often each retry policy was used; keys are indices in the definition, -1 the default.
        failure_reason: Of the last attempt that failed.
        metadata: As the listing shows it.
        notes: Remarks of those who did the work.
        cached_from: ARN of the execution whose result was reused.
        reused_from: ARN of the source that a selective execution took it over from.
        parent: Name of the ForEach, of a child.
        index: Of the iteration, of a child; else -1.
        is_handled: Whether its failure made a step with a trigger start.
    """

    name: str
    status: StepStatus | None
    order: int
    attempt: int
    started_at: datetime
    ended_at: datetime | None = None
    phase: Phase | None = None
    task_id: str = ""
    has_slot: bool = False
    retries: Mapping[str, int] = {}
    failure_reason: str = ""
    metadata: JsonObject = {}
    notes: tuple[str, ...] = ()
    cached_from: str = ""
    reused_from: str = ""
    parent: str = ""
    index: int = -1
    is_handled: bool = False


class OutputFrame(msgspec.Struct, frozen=True, tag=True):
    """The document that a step's properties are read from."""

    document: Json


class ReadsFrame(msgspec.Struct, frozen=True, tag=True):
    """Values read from JSON files for an attempt.

    Args:
        values: What is known: (URI, path, value).
        asked: What the read under way asks for: (URI, path).
        rounds: How many reads there were; a later one reads what only an earlier one could name.
    """

    values: tuple[tuple[str, str, Json], ...] = ()
    asked: tuple[tuple[str, str], ...] = ()
    rounds: int = 0


class GateFrame(msgspec.Struct, frozen=True, tag=True):
    """How many needs of a gate's steps are missing. Without a frame: all of them."""

    missing: int


class ReadyFrame(msgspec.Struct, frozen=True, tag=True):
    """Steps that may start: the rest of a gate's, or a single one.

    Args:
        gate: Name of the gate; empty for a single step.
        step: Name of the single step: a child of a ForEach, or one whose next attempt is due.
        loop: Name of the ForEach of a child.
        index: Of its iteration; -1 outside of a ForEach.
        next: Position of the first of the gate's steps that has not started.
    """

    gate: str = ""
    step: str = ""
    loop: str = ""
    index: int = -1
    next: int = 0


class LoopFrame(msgspec.Struct, frozen=True, tag=True):
    """Progress of a ForEach.

    Args:
        total: Number of items.
        next: Index of the first iteration that has not begun.
        running: Children let through by MaxConcurrency that have not ended.
        head: Of its own ready queue, ``ready/<step>/<number>``.
        tail: Of the same.
        succeeded: Children with that end.
        failed: Children with that end.
        stopped: Children with that end.
        best: Index of the iteration that the Selector has chosen so far; -1: none.
        best_value: Its field.
        reason: Why the Selector cannot choose; empty if it can.
        is_cut_short: Whether a child that was let through will not start, because nothing does any more.
    """

    total: int
    next: int = 0
    running: int = 0
    head: int = 0
    tail: int = 0
    succeeded: int = 0
    failed: int = 0
    stopped: int = 0
    best: int = -1
    best_value: Json = None
    reason: str = ""
    is_cut_short: bool = False

    @property
    def is_queue_empty(self) -> bool:
        """Whether no child waits to be let through."""
        return self.head == self.tail


class ItemsFrame(msgspec.Struct, frozen=True, tag=True):
    """The items of a ForEach."""

    items: tuple[Json, ...]


Frame: TypeAlias = (
    ExecutionFrame
    | InputsFrame
    | StepFrame
    | OutputFrame
    | ReadsFrame
    | GateFrame
    | ReadyFrame
    | LoopFrame
    | ItemsFrame
)

_decoder: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)
_encoder = msgspec.json.Encoder()


def encode_frame(frame: Frame) -> str:
    """Return the frame as JSON text."""
    return _encoder.encode(frame).decode()


def decode_frame(text: str | bytes) -> Frame:
    """Return the frame of a text that ``encode_frame`` wrote.

    Raises:
        msgspec.DecodeError: If it did not.
    """
    return _decoder.decode(text)
