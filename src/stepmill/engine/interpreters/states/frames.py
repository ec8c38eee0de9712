"""The state of an execution, in frames: an event reads and writes only those that it touches.

A branch is named by its way from the root: ``0`` is the machine itself, ``0.3`` the fourth branch of the
Parallel, or iteration of the Map, that ``0`` is in, and so on.

=============================== ==================================================================
Key                             Frame
=============================== ==================================================================
``execution``                   status, id of the last event, what is to go on; written by most events
``started``                     what the execution was started with; written once
``branch/<branch>``             one branch that runs
``variables/<branch>``          variables of its scope; inner branches see those of the outer ones
``fork/<branch>``               progress of the Parallel or Map that the branch is in
``items/<owner>/<chunk>``       items of that Map; of a Map Run the inputs of its iterations
``results/<owner>/<chunk>``     outputs of the branches or iterations that ended
``run/<run>``                   a Map Run, the progress of a distributed Map; kept for ``DescribeMapRun``
``source/<run>``                where its items come from, and the batch that is not full yet
``failed/<run>/<number>``       an iteration of it that did not end well, for a redrive
=============================== ==================================================================

An owner is a branch or a Map Run; a Map Run is named by the id of the event of its start.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import msgspec

from stepmill.core.json import Json, JsonObject
from stepmill.core.statuses import StateMachineExecutionStatus
from stepmill.language.states.definition import ExecutionType

EXECUTION = "execution"
STARTED = "started"
ROOT = "0"

# Items and results are kept by so many: an iteration reads and writes one frame of bounded size.
CHUNK = 64


class Phase(StrEnum):
    """What a branch is busy with."""

    READY = "ready"  # will enter its state
    WAITING = "waiting"  # a Wait, until its timer fires
    WORKING = "working"  # a Task, until its last report
    RETRYING = "retrying"  # until its timer fires
    RETRY_DUE = "retry due"  # will do its state's work again
    INSIDE = "inside"  # its branches or iterations run
    FAILED = "failed"  # its state failed and nobody caught it
    ABORTED = "aborted"  # it was under way when a sibling failed, or the execution ended
    NOT_ENTERED = "not entered"  # the same, between two states


class ExecutionFrame(msgspec.Struct, frozen=True, tag=True):
    """The root.

    Args:
        status: Of the execution.
        last_event: Id of the last event of the history.
        turn: How often a burst was cut; part of the id of the timer that goes on with it.
        ready: Branches that go on when that timer fires.
        redrives: How often the execution was redriven.
        redriven_at: When that was last.
    """

    status: StateMachineExecutionStatus
    last_event: int = 0
    turn: int = 0
    ready: tuple[str, ...] = ()
    redrives: int = 0
    redriven_at: datetime | None = None


class StartedFrame(msgspec.Struct, frozen=True, tag=True):
    """What the execution was started with (see ``events.ExecutionStarted``)."""

    execution_id: str
    execution_arn: str
    name: str
    machine_arn: str
    machine_name: str
    role_arn: str
    input: Json
    started_at: datetime
    seed: str
    kind: ExecutionType = ExecutionType.STANDARD
    map_run_arn: str = ""
    map_index: int = -1
    map_item: Json = None
    redrive_count: int = 0


class BranchFrame(msgspec.Struct, tag=True):
    """One branch that runs. Only the draft that has copied it may change it: a state takes microseconds.

    Args:
        state: Path of the state that it is in.
        input: Raw input of that state.
        phase: What it is busy with.
        link: Id of the branch's last event: what the next one points at.
        entered: Id of the event of the state's entry.
        before: What that event points at.
        entered_at: Its moment.
        input_text: The input as it was written, if that is not the compact text of it.
        retries: How often each retrier was used; empty: none was.
        retry_count: How often the state was retried.
        scheduled: Id of the event since when it works, waits or retries; part of the ids of task and timers.
        token: Task token; empty: none.
        has_timeout: Whether a timer runs for the end of the task.
        heartbeat_s: Seconds between two signs of life; 0: none are asked for.
        heartbeat_due: When the next sign of life is due at the latest.
        is_started: Whether the start of the task is in the history.
        is_submitted: Whether its submission is.
    """

    state: str
    input: Json
    phase: Phase
    link: int = 0
    entered: int = 0
    before: int = 0
    entered_at: datetime | None = None
    input_text: str | None = None
    retries: tuple[int, ...] = ()
    retry_count: int = 0
    scheduled: int = 0
    token: str = ""
    has_timeout: bool = False
    heartbeat_s: float = 0
    heartbeat_due: datetime | None = None
    is_started: bool = False
    is_submitted: bool = False


class VariablesFrame(msgspec.Struct, frozen=True, tag=True):
    """Variables that a branch has set."""

    values: JsonObject


class ForkFrame(msgspec.Struct, frozen=True, tag=True):
    """Progress of a Parallel or Map.

    Args:
        total: Branches, or iterations; of a distributed Map those that are known so far.
        next: Index of the next one to begin.
        running: Indices of those under way.
        succeeded: How many ended well.
        failed: How many did not, and were tolerated.
        limit: Most at once; 0: no limit.
        link: What the next event of the state itself points at; its branch's frame, with the state's whole
            input, is not written meanwhile.
        has_pairs: Whether its items are members of an object, each with ``Key`` and ``Value``.
    """

    total: int
    next: int = 0
    running: tuple[int, ...] = ()
    succeeded: int = 0
    failed: int = 0
    limit: int = 0
    link: int = 0
    has_pairs: bool = False


class ItemsFrame(msgspec.Struct, frozen=True, tag=True):
    """``CHUNK`` items of a Map."""

    items: tuple[Json, ...]


class ResultsFrame(msgspec.Struct, frozen=True, tag=True):
    """Outputs of up to ``CHUNK`` branches or iterations, by index, as decimal text."""

    outputs: Mapping[str, Json]


class MapRunStatus(StrEnum):
    """How a Map Run stands. Source: API reference, ``DescribeMapRun``."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    ABORTED = "ABORTED"


class RunCounts(msgspec.Struct, frozen=True):
    """How many items, or iterations, of a Map Run there are, and how they ended."""

    total: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    timed_out: int = 0
    aborted: int = 0
    written: int = 0

    @property
    def pending(self) -> int:
        """How many are known and have not begun."""
        return self.total - self.running - self.unsuccessful - self.succeeded

    @property
    def unsuccessful(self) -> int:
        """How many ended otherwise than well."""
        return self.failed + self.timed_out + self.aborted


class MapRunFrame(msgspec.Struct, frozen=True, tag=True):
    """A Map Run: the progress of a distributed Map, and what ``DescribeMapRun`` tells of it.

    Args:
        arn: Its ARN.
        state: Name of the Map.
        started_at: When it began.
        status: How it stands.
        stopped_at: When it ended, if it did.
        items: Of the source.
        iterations: Executions made of them.
        max_concurrency: As the definition says; 0: no limit.
        limit: Most iterations at once here.
        tolerated_count: As the definition says; ``None``: nothing.
        tolerated_percentage: The same.
        next: Index of the next iteration to begin for the first time.
        running: Indices of those under way.
        again: Number of the first of the frames ``failed/<run>/...`` that a redrive has not taken up.
        again_end: Number behind the last that it is to take up.
        failures: Number of frames ``failed/<run>/...``.
        pages: How many pages of items were asked for.
        is_reading: Whether one is being read.
        is_complete: Whether all items are known.
        is_writing: Whether results are being written.
        link: What the state's next event points at.
        redrives: How often it was redriven.
        redriven_at: When that was last.
    """

    arn: str
    state: str
    started_at: datetime
    status: MapRunStatus = MapRunStatus.RUNNING
    stopped_at: datetime | None = None
    items: RunCounts = RunCounts()
    iterations: RunCounts = RunCounts()
    max_concurrency: int = 0
    limit: int = 0
    tolerated_count: int | None = None
    tolerated_percentage: float | None = None
    next: int = 0
    running: tuple[int, ...] = ()
    again: int = 0
    again_end: int = 0
    failures: int = 0
    pages: int = 0
    is_reading: bool = False
    is_complete: bool = False
    is_writing: bool = False
    link: int = 0
    redrives: int = 0
    redriven_at: datetime | None = None


class SourceFrame(msgspec.Struct, frozen=True, tag=True):
    """Where the items of a Map Run come from.

    Args:
        payload: Of the task that reads a page, without cursor and limit.
        cursor: Where the next page begins; ``None``: at the beginning.
        seen: How many items were read.
        batch: Items of the batch that is not full yet.
        most_items: In a batch; 0: no limit.
        most_bytes: Of a batch; 0: no limit.
        batch_input: What each batch has besides.
        has_batch_input: Whether it has.
        has_pairs: Whether its items are members of an object, each with ``Key`` and ``Value``.
    """

    payload: JsonObject = {}
    cursor: Json = None
    seen: int = 0
    batch: tuple[Json, ...] = ()
    most_items: int = 0
    most_bytes: int = 0
    batch_input: Json = None
    has_batch_input: bool = False
    has_pairs: bool = False


class FailedFrame(msgspec.Struct, frozen=True, tag=True):
    """An iteration of a Map Run that did not end well."""

    index: int


Frame: TypeAlias = (
    ExecutionFrame
    | StartedFrame
    | BranchFrame
    | VariablesFrame
    | ForkFrame
    | ItemsFrame
    | ResultsFrame
    | MapRunFrame
    | SourceFrame
    | FailedFrame
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
