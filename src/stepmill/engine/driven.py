"""One execution in the hands of the engine that drives it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from stepmill.core.tasks import (
    TaskFailed,
    TaskHeartbeat,
    TaskStarted,
    TaskStopped,
    TaskSubmitted,
    TaskSucceeded,
)
from stepmill.engine.frame_cache import FrameCache
from stepmill.engine.interpreters.commands import Command, DropTimer, SetTimer, StartTask, StopTask
from stepmill.engine.languages import Event, Language, Outcome, Plan
from stepmill.storage.executions import (
    ExecutionChange,
    HistoryRecord,
    StoredExecution,
    StoredTask,
)

_PROGRESS = (TaskStarted, TaskSubmitted, TaskHeartbeat)
_ENDS = (TaskSucceeded, TaskFailed, TaskStopped)


@dataclass(frozen=True, slots=True)
class Batch:
    """What several events led to: what to write, and what to do once it is written."""

    change: ExecutionChange
    commands: tuple[Command, ...]


class Driven:
    """State of an execution, ahead of the store by what ``take_batch`` gives out.

    Used by one thread. ``position`` of the last record that was written may be read by others.

    Args:
        stored: The execution as it is stored.
        owner: The engine that drives it.
        language: The one that it is written in.
        plan: Of its definition.
        frames: Its frames.
        tasks: Those that have not ended.
        timers: Those that have not fired: timer -> when it is due.
    """

    def __init__(
        self,
        stored: StoredExecution,
        owner: str,
        language: Language,
        plan: Plan,
        frames: FrameCache,
        tasks: Iterable[StoredTask] = (),
        timers: Mapping[str, datetime] | None = None,
    ) -> None:
        self.id = stored.id
        self.language = language
        self.status = stored.status
        self.tasks = {kept.task.id: kept for kept in tasks}
        self.timers = dict(timers or {})
        self.written_position = stored.position
        self._owner = owner
        self._plan = plan
        self._frames = frames
        self._details = stored.details
        self._modified_at = stored.modified_at
        self._has_new_details = False
        self._ends = False
        # That it was at its end does not say so: it may be driven to go on.
        self.has_ended = False
        self._texts: dict[str, str] = {}
        self._history: list[HistoryRecord] = []
        self._changed_tasks: dict[str, StoredTask | None] = {}
        self._changed_timers: dict[str, datetime | None] = {}
        self._consumed: list[int] = []
        self._commands: list[Command] = []

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.status in self.language.final

    def receive(self, event: Event, at: datetime) -> None:
        """Take an event in. What nobody waits for any more changes nothing.

        ``at`` is raised to the moment of the event before, should the clock have been set back.

        Raises:
            IllegalTransitionError: If the event cannot happen now. Nothing changed.
            StorageError: If a frame could not be read. Nothing changed.
        """
        at = max(at, self._modified_at)
        if isinstance(event, _PROGRESS + _ENDS):
            if event.task_id not in self.tasks:
                return
            self._take_over(event, at)
            if isinstance(event, _ENDS):
                self._end_task(event.task_id)
            return
        self._take_over(event, at)

    def fire(self, timer_id: str, at: datetime) -> None:
        """Have a timer fire. One that is not set any more changes nothing. Raises what ``receive`` raises."""
        if timer_id not in self.timers:
            return
        at = max(at, self._modified_at)
        self._take_over(self.language.timer_fired(timer_id), at)
        self._end_timer(timer_id, at)

    def consume(self, inbox_id: int) -> None:
        """Remember that this inbox event has been taken in."""
        self._consumed.append(inbox_id)

    def take_batch(self) -> Batch | None:
        """Return what changed since the last call, ``None`` if nothing did."""
        frames = {**self._frames.take_changes(), **self._texts}
        touched = (frames, self._history, self._changed_tasks, self._changed_timers, self._consumed)
        if not any(touched):
            return None
        if self._ends:
            self._changed_timers.update(dict.fromkeys(self.timers))
            self.timers.clear()
        change = ExecutionChange(
            execution=self.id,
            owner=self._owner,
            position_before=self.written_position,
            position=self.written_position + len(self._history),
            status=self.status,
            modified_at=self._modified_at,
            details=self._details if self._has_new_details else None,
            # Tasks that were told to stop are seen to their end.
            release=self.is_final and not self.tasks,
            ends=self._ends,
            is_durable=self.language.is_durable(self._details),
            frames=frames,
            history=self._history,
            tasks=self._changed_tasks,
            timers=self._changed_timers,
            consumed=self._consumed,
        )
        batch = Batch(change, tuple(self._commands))
        self._history, self._changed_tasks, self._changed_timers = [], {}, {}
        self._consumed, self._commands, self._has_new_details = [], [], False
        self._ends = False
        self._texts = {}
        return batch

    def settle(self, change: ExecutionChange) -> None:
        """Note that the change was written."""
        self.written_position = change.position
        self.has_ended = change.status in self.language.final
        self._frames.settle()

    def _take_over(self, event: Event, at: datetime) -> None:
        outcome: Outcome = self.language.advance(self._plan, self._frames, event, at)
        self._frames.update(outcome.frames)
        self._texts.update(self.language.texts(outcome))
        self._modified_at = at
        position = self.written_position + len(self._history)
        for offset, fact in enumerate(outcome.history, start=1):
            self._history.append(HistoryRecord(position + offset, at, fact.type, fact.step, fact.body))
        for command in outcome.commands:
            self._note(command)
        if outcome.status is not None:
            self.status = outcome.status
            self._ends = self.is_final
        details = self.language.details_after(self._details, event, outcome, at)
        if details != self._details:
            self._details = details
            self._has_new_details = True

    def _note(self, command: Command) -> None:
        match command:
            case StartTask(task):
                self.tasks[task.id] = self._changed_tasks[task.id] = StoredTask(task)
            case StopTask(task_id):
                kept = self.tasks.get(task_id)
                if kept is None:
                    return
                self.tasks[task_id] = self._changed_tasks[task_id] = StoredTask(kept.task, stopping=True)
            case SetTimer(timer_id, due_at):
                self.timers[timer_id] = self._changed_timers[timer_id] = due_at
            case DropTimer(timer_id):
                if self.timers.pop(timer_id, None) is not None:
                    self._changed_timers[timer_id] = None
                return
        self._commands.append(command)

    def _end_task(self, task_id: str) -> None:
        del self.tasks[task_id]
        self._changed_tasks[task_id] = None

    def _end_timer(self, timer_id: str, at: datetime) -> None:
        # Unless the event set the timer anew, or dropped it.
        due_at = self.timers.get(timer_id)
        if due_at is not None and due_at <= at:
            del self.timers[timer_id]
            self._changed_timers[timer_id] = None
