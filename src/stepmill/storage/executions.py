"""What is kept of executions, and the promises of whoever keeps it.

An execution is one row that stays small, and beside it, by its id: frames (its state, in pieces),
history, tasks (the outbox, and what is under way), timers, and an inbox of events that came from
other doors. The store knows neither the language nor its statuses: texts in, texts out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from stepmill.core.errors import ConflictError
from stepmill.core.json import JsonObject
from stepmill.core.tasks import Task

# The languages, as executions name theirs.
PIPELINES = "pipelines"
STATES = "states"


class MachineDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """What only executions of state machines have.

    Args:
        name: Of the execution.
        machine_arn: ARN of the machine.
        is_express: Whether it is one of an express machine.
        version_arn: ARN of the version that was started; empty: none.
        alias_arn: ARN of the alias that was started; empty: none.
        trace_header: As it was given at the start.
        error: Name of the error that it ended with, if one was given.
        cause: The same: for a human.
        stopped_at: When it ended.
        redrive_count: How often it was redriven.
        redriven_at: When it was redriven last.
        map_run: ARN of the Map Run that it is an iteration of; empty: of none.
        processor: Path of the distributed Map that it is an iteration of; empty: of none.
        parent: Id of the execution that the Map Run is of; empty: of none.
        map_index: Index of its item, or of its batch, in that Map Run.
        item_count: How many items of that Map it works on.
        redrive_token: Asking for a redrive with the same token again is no other wish.
    """

    name: str
    machine_arn: str
    is_express: bool = False
    version_arn: str = ""
    alias_arn: str = ""
    trace_header: str = ""
    error: str | None = None
    cause: str | None = None
    stopped_at: datetime | None = None
    redrive_count: int = 0
    redriven_at: datetime | None = None
    map_run: str = ""
    processor: str = ""
    parent: str = ""
    map_index: int = -1
    item_count: int | None = None
    redrive_token: str = ""


class ExecutionDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an execution was started with, and why it failed.

    Args:
        arn: Its Amazon resource name.
        definition: Digest of the document that it runs.
        version: Version of the pipeline; 0 where none was said.
        parameters: Name -> value, as they were given at the start.
        parallelism: The most steps at once; ``None``: the language's default.
        display_name: For humans.
        description: For humans.
        selected_steps: Of a selective execution: the steps that run. Empty: all.
        source_execution: Of a selective execution: id of the one whose results are taken over.
        client_token: With the same token the same execution is meant.
        failure_reason: Why it failed, once it has.
        role: ARN of the role that it runs under; empty where none was said.
        started_by: Name of the key of whoever started it; empty for the terminal.
        modified_by: The same, of whoever stopped, retried or changed it last.
        uses_cache: Whether steps may reuse earlier results.
        stop_token: Asking to stop with the same token again is no other wish.
        retry_token: The same of retrying.
        machine: Of an execution of a state machine.
    """

    arn: str
    definition: str
    version: int = 0
    parameters: JsonObject = {}
    parallelism: int | None = None
    display_name: str = ""
    description: str = ""
    selected_steps: tuple[str, ...] = ()
    source_execution: str = ""
    client_token: str = ""
    failure_reason: str = ""
    role: str = ""
    started_by: str = ""
    modified_by: str = ""
    uses_cache: bool = True
    stop_token: str = ""
    retry_token: str = ""
    machine: MachineDetails | None = None


class ExecutionOrder(StrEnum):
    """What a listing of executions is sorted by."""

    CREATED = "created"  # equal ones by their id
    ID = "id"


@dataclass(frozen=True, slots=True)
class NewExecution:
    """An execution about to be written for the first time.

    Args:
        id: Unique.
        language: What it is written in: ``PIPELINES`` or ``STATES``.
        pipeline: Name of the pipeline, or of the state machine.
        status: The first one.
        owner: The engine that will drive it.
        created_at: Aware.
        details: What it was started with; ``details.definition`` is the digest of ``definition``.
        definition: Text of the document.
        first_event: Body of the event that lies in its inbox from the start.
        parent: What it is part of: ARN of a Map Run. Empty: of nothing.
        texts: Kept beside its frames, and like them: key -> text.
        is_durable: Whether it must survive a power cut from the moment in which somebody has heard of it.
    """

    id: str
    language: str
    pipeline: str
    status: str
    owner: str
    created_at: datetime
    details: ExecutionDetails
    definition: str
    first_event: str
    parent: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    is_durable: bool = True


@dataclass(frozen=True, slots=True)
class StoredExecution:
    """The row of an execution.

    Args:
        id: Unique.
        language: What it is written in: ``PIPELINES`` or ``STATES``.
        pipeline: Name of the pipeline, or of the state machine.
        status: As its language spells it.
        owner: Id of the engine that drives it; empty if none does.
        created_at: Aware, UTC.
        modified_at: When it last advanced.
        position: Of its last history record; 0 before the first.
        details: What it was started with, and why it failed.
    """

    id: str
    language: str
    pipeline: str
    status: str
    owner: str
    created_at: datetime
    modified_at: datetime
    position: int
    details: ExecutionDetails


@dataclass(frozen=True, slots=True)
class Stray:
    """An execution, and the engine that should drive it; empty: nobody."""

    id: str
    owner: str


@dataclass(frozen=True, slots=True)
class LoadedExecution:
    """An execution with all that an engine needs to go on with it.

    Args:
        stored: Its row.
        frames: Names of its frames.
        texts: Of the frames of an execution that has few and small ones: read at once.
        tasks: Those that have not ended.
        timers: Those that have not fired: timer -> when it is due.
    """

    stored: StoredExecution
    frames: frozenset[str]
    texts: Mapping[str, str]
    tasks: Sequence[StoredTask]
    timers: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class ExecutionPage:
    """Part of a listing; ``next_token`` is ``None`` on the last page."""

    executions: tuple[StoredExecution, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """One fact of an execution's history.

    Args:
        position: 1, 2, 3 ... within the execution, without gaps.
        at: When it happened. Aware, UTC.
        type: Name of the event.
        step: Whom it concerns; empty for the execution itself.
        body: The rest.
    """

    position: int
    at: datetime
    type: str
    step: str
    body: JsonObject


@dataclass(frozen=True, slots=True)
class StoredTask:
    """A task whose final report has not been committed.

    Args:
        task: What its handler gets.
        stopping: Whether it has been asked to stop.
    """

    task: Task
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """An event that waits for the engine that drives the execution; ``body`` is its JSON text."""

    id: int
    execution: str
    body: str


@dataclass(frozen=True, slots=True)
class ExecutionChange:
    """All that becomes true of one execution in one commit.

    Args:
        execution: Its id.
        owner: Who must be its owner still; otherwise nothing of the change is written.
        position_before: Where its history must end still.
        position: Where it ends afterwards.
        status: Afterwards.
        modified_at: Aware.
        details: Afterwards, if they changed.
        release: Whether nobody drives it afterwards.
        ends: Whether this is its end: what lies in its inbox unread is dropped.
        is_durable: Whether its end must survive a power cut once somebody has seen it.
        frames: Name -> JSON text; ``None`` removes the frame.
        history: New records, in order.
        tasks: Task id -> how it stands; ``None`` removes it: its final report is in this change.
        timers: Timer -> when it is due; ``None`` removes it.
        consumed: Ids of the inbox events that are part of this change.
    """

    execution: str
    owner: str
    position_before: int
    position: int
    status: str
    modified_at: datetime
    details: ExecutionDetails | None = None
    release: bool = False
    ends: bool = False
    is_durable: bool = True
    frames: Mapping[str, str | None] = field(default_factory=dict)
    history: Sequence[HistoryRecord] = ()
    tasks: Mapping[str, StoredTask | None] = field(default_factory=dict)
    timers: Mapping[str, datetime | None] = field(default_factory=dict)
    consumed: Sequence[int] = ()


def taken(execution: str) -> ConflictError:
    """Return the error that says that the id of a new execution is taken."""
    return ConflictError(f"There is an execution {execution!r} already.", where=execution)


class InboxWatch(Protocol):
    """Tells cheaply whether a look into the inbox may be worth it. For one thread."""

    def has_changed(self) -> bool:
        """Return whether something may have been written since the last call; true at the first."""
        ...

    def close(self) -> None:
        """Let go of what the watch holds."""
        ...


class ExecutionStore(Protocol):
    """Keeps executions. Safe to share between threads; each method is one transaction.

    Every method raises ``StorageError`` if the store fails, and those that write
    ``StorageFullError`` if there is no room; then nothing was written.
    """

    def create(self, execution: NewExecution) -> None:
        """Write a new execution, its definition and its first event.

        Raises:
            ConflictError: If the id is taken. Nothing was written.
        """
        ...

    def commit(
        self, changes: Sequence[ExecutionChange], begun: Sequence[NewExecution] = ()
    ) -> frozenset[str]:
        """Write the changes, at most one of each execution, in one transaction.

        Args:
            changes: The changes.
            begun: New executions, of which the first changes are among ``changes``. Their first events are
                part of these, and are not put into an inbox.

        Returns:
            Ids of the executions that have another owner by now or advanced elsewhere, or that are new while
            their ids are taken. Nothing was written of those; all of the others was.
        """
        ...

    def adopt(self, execution: str, owner: str, *, instead_of: str) -> bool:
        """Make ``owner`` the owner if ``instead_of`` still is; return whether it was."""
        ...

    def adopt_all(self, strays: Sequence[Stray], owner: str) -> list[LoadedExecution]:
        """Make ``owner`` the owner of executions that still have the owners named; return those."""
        ...

    def release(self, owner: str) -> None:
        """Leave all executions of that owner without one."""
        ...

    def post(self, execution: str, body: str, *, statuses: Collection[str] | None) -> str:
        """Put an event into the inbox of an execution; return the execution's owner.

        Raises:
            NotFoundError: If there is no such execution.
            WrongStateError: If its status is none of ``statuses``; with ``None`` any will do. Nothing was
                written.
        """
        ...

    def inbox(self, owner: str) -> list[InboxEvent]:
        """Return what waits for the executions of that owner, oldest first."""
        ...

    def waiting(self, statuses: Collection[str]) -> list[StoredExecution]:
        """Return the executions that have something to do, oldest first.

        Those that have one of the statuses, events in their inbox, or tasks that were told to stop.
        """
        ...

    def strays(self, owner: str, statuses: Collection[str]) -> list[Stray]:
        """Return the executions that ``waiting`` returns and others than that owner own, oldest first."""
        ...

    def get(self, execution: str) -> StoredExecution:
        """Return an execution.

        Raises:
            NotFoundError: If there is none of that id.
        """
        ...

    def find(
        self,
        *,
        language: str | None = None,
        pipeline: str | None = None,
        parent: str | None = None,
        statuses: Collection[str] | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        version: int | None = None,
        is_redriven: bool | None = None,
        version_arn: str | None = None,
        alias_arn: str | None = None,
        order: ExecutionOrder = ExecutionOrder.CREATED,
        ascending: bool = False,
        limit: int = 100,
        after: str | None = None,
    ) -> ExecutionPage:
        """List executions; ``after`` is the token of the page before. ``None`` of a filter: all.

        Raises:
            InvalidInputError: If the token is none of ours, or the limit below 1.
        """
        ...

    def newest_of_versions(self, pipeline: str) -> dict[int, str]:
        """Return the id of the newest execution of each version of a pipeline that has been run."""
        ...

    def last_starts(self, pipelines: Iterable[str]) -> dict[str, datetime]:
        """Return when each of these pipelines was started last; one that never was is left out."""
        ...

    def delete(self, pipeline: str, *, statuses: Collection[str], language: str = PIPELINES) -> int:
        """Remove all executions of a pipeline or machine; return how many there were.

        Raises:
            WrongStateError: If the status of one is none of ``statuses``. Nothing was removed.
        """
        ...

    def remove(self, execution: str, *, statuses: Collection[str]) -> None:
        """Remove one execution, if it is there.

        Raises:
            WrongStateError: If its status is none of ``statuses``. Nothing was removed.
        """
        ...

    def remove_express(self, ended_before: datetime, *, statuses: Collection[str]) -> int:
        """Remove express executions of state machines that have one of the statuses since before a moment.

        Those that iterate for a Map Run stay. Returns how many there were.
        """
        ...

    def definition(self, digest: str) -> str:
        """Return the document of that digest.

        Raises:
            NotFoundError: If there is none.
        """
        ...

    def frame(self, execution: str, name: str) -> str | None:
        """Return one frame's text, ``None`` if there is none of that name."""
        ...

    def frames(self, execution: str, *, prefix: str = "") -> dict[str, str]:
        """Return all frames of an execution whose names begin so: name -> text."""
        ...

    def frame_of_each(self, executions: Collection[str], name: str) -> dict[str, str]:
        """Return the text of one frame of several executions, a thousand at most: execution -> text."""
        ...

    def history(self, execution: str, *, after_position: int = 0, limit: int = 1000) -> list[HistoryRecord]:
        """Return the next history records after a position, in order."""
        ...

    def tasks(self, execution: str) -> list[StoredTask]:
        """Return the tasks of an execution that have not ended."""
        ...

    def task(self, task_id: str) -> StoredTask | None:
        """Return a task that has not ended; ``None`` if there is none of that id."""
        ...

    def timers(self, execution: str) -> dict[str, datetime]:
        """Return the timers of an execution that have not fired: timer -> when it is due."""
        ...

    def watch(self) -> InboxWatch:
        """Return a new watch over the inbox."""
        ...
