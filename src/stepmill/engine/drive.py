"""The loop that drives executions: events in, one commit, commands out.

Everything that arrives while a commit is under way is advanced next and committed together, so many
executions share the price of one. Nothing is carried out before it is committed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from queue import Empty, SimpleQueue

import msgspec

from stepmill.core.clock import Clock
from stepmill.core.errors import IllegalTransitionError, StorageError
from stepmill.core.tasks import TaskReport, TaskStarted
from stepmill.engine.driven import Batch, Driven
from stepmill.engine.interpreters.commands import SetTimer, StartTask, StopTask
from stepmill.engine.languages import NUDGE, Event
from stepmill.engine.outbox import HandlerLookup, Outbox
from stepmill.engine.patience import ClosedError, Patience
from stepmill.engine.timers import Timer, TimerQueue
from stepmill.storage.executions import ExecutionStore, InboxWatch

# How late an event from another process may be noticed. A look costs some microseconds.
INBOX_INTERVAL = timedelta(milliseconds=100)

# So long the start of a task waits for company. Of a short one, its start and its end are one commit;
# of a long one, nobody notices. After a crash the task is handed over again, and tells it again.
START_DELAY_S = 0.05

# Bounds the transaction, not the throughput: what is left over is the next batch.
MOST_EVENTS_PER_COMMIT = 1000

_log = logging.getLogger(__name__)


class _Look:
    """Message: the inbox has something."""


@dataclass(frozen=True, slots=True)
class _Due:
    """In place of an event: this timer is due."""

    timer_id: str


_Message = tuple[str, Event] | Driven | _Look


class Driver:
    """Drives executions on a thread of its own.

    Args:
        store: Where executions are kept.
        handlers: Language -> who does its tasks.
        clock: Tells the time.
        owner: Id of this engine; the executions handed to ``drive`` are owned by it.
        on_trouble: Called on each failure of the store that is waited out.
        on_stray: Called for an execution that this engine owns, does not drive and has an event for; must not
            block. ``None``: others hand nothing over to this engine, and it sleeps while it drives nothing.
    """

    def __init__(
        self,
        store: ExecutionStore,
        handlers: Mapping[str, HandlerLookup],
        clock: Clock,
        owner: str,
        on_trouble: Callable[[StorageError], None] | None = None,
        on_stray: Callable[[str], None] | None = None,
    ) -> None:
        self._on_stray = on_stray
        self._store = store
        self._clock = clock
        self._owner = owner
        self._outboxes = {name: Outbox(lookup, self._deliver_report) for name, lookup in handlers.items()}
        self._timers = TimerQueue()
        self._messages: SimpleQueue[_Message] = SimpleQueue()
        self._driven: dict[str, Driven] = {}
        self._broken: dict[str, Exception] = {}
        self._progress = threading.Condition()
        self._closing = threading.Event()
        self._patience = Patience(self._closing, on_trouble)
        self._died: BaseException | None = None
        self._watch: InboxWatch | None = None
        self._next_look = 0.0
        self._thread = threading.Thread(target=self._run, name="stepmill-engine", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop driving, after the commit under way. Safe to call twice."""
        self._closing.set()
        self._messages.put(_Look())
        if self._thread.is_alive():
            self._thread.join()
        for outbox in self._outboxes.values():
            outbox.close()
        with self._progress:
            self._progress.notify_all()

    def drive(self, driven: Driven) -> None:
        """Take over an execution that this engine owns: its tasks are handed over again."""
        self._broken.pop(driven.id, None)
        self._driven[driven.id] = driven
        self._messages.put(driven)

    def look_into_inbox(self) -> None:
        """Have the inbox read at once, not only when it is noticed."""
        self._messages.put(_Look())

    def is_driving(self, execution: str) -> bool:
        """Return whether an execution is driven here, and not at its end yet."""
        return execution in self._driven

    def is_broken(self, execution: str) -> bool:
        """Return whether an execution could not be gone on with here: a bug in Stepmill."""
        return execution in self._broken

    def wait(self, execution: str, timeout_s: float | None, after_position: int | None = None) -> bool:
        """Wait until an execution is driven here no longer, or its history is beyond a position.

        Returns:
            Whether that was reached within the time.

        Raises:
            IllegalTransitionError: If the engine could not go on with it: a bug in Stepmill.
        """

        def is_reached() -> bool:
            driven = self._driven.get(execution)
            if driven is None or driven.has_ended or self._closing.is_set() or self._died is not None:
                return True
            return after_position is not None and driven.written_position > after_position

        with self._progress:
            reached = self._progress.wait_for(is_reached, timeout_s)
        self._raise_if_broken(execution)
        return reached

    def _raise_if_broken(self, execution: str) -> None:
        error = self._broken.get(execution) or self._died
        if error is not None:
            raise IllegalTransitionError(
                f"The engine cannot go on with this execution: {type(error).__name__}: {error}",
                where=execution,
                mend="Nothing is lost; please report this with the log, and resume with a newer Stepmill.",
            ) from error

    # ---- the thread -------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                self._turn()
        except ClosedError:
            pass
        except BaseException as error:  # noqa: BLE001  (whoever waits must hear of it)
            _log.critical("The engine's loop ended.", exc_info=error)
            self._died = error
        finally:
            if self._watch is not None:
                self._watch.close()
            with self._progress:
                self._progress.notify_all()

    def _turn(self) -> None:
        taken_up: list[Driven] = []
        events = self._collect(taken_up)
        now = self._clock.now()
        touched: dict[str, Driven] = {}
        for execution, event, inbox_id in events:
            driven = self._driven.get(execution)
            if driven is None:
                continue
            if event is not None:
                self._receive(driven, event, now)
            if inbox_id and execution not in self._broken:
                driven.consume(inbox_id)
            touched[execution] = driven
        self._finish_turn(touched.values())
        for driven in taken_up:
            # Adopted for an event that another engine has taken in meanwhile.
            if driven.id not in touched and driven.is_final and not driven.tasks:
                self._give_up(driven)

    def _finish_turn(self, touched: Iterable[Driven]) -> None:
        batches = [(driven, batch) for driven in touched if (batch := driven.take_batch()) is not None]
        if batches:
            changes = [batch.change for _, batch in batches]
            lost = self._patience.call(partial(self._store.commit, changes))
            for driven, batch in batches:
                if driven.id in lost:
                    _log.warning("Execution %s is driven by another engine now.", driven.id)
                    self._drop(driven)
                else:
                    self._carry_out(driven, batch)
        for driven in touched:
            if driven.id in self._broken:
                self._give_up(driven)
        if batches or self._broken:
            with self._progress:
                self._progress.notify_all()

    def _carry_out(self, driven: Driven, batch: Batch) -> None:
        driven.settle(batch.change)
        outbox = self._outboxes[driven.language.name]
        for task_id, kept in batch.change.tasks.items():
            if kept is None:
                outbox.forget(task_id)
        for command in batch.commands:
            match command:
                case StartTask(task):
                    outbox.start(driven.id, task)
                case StopTask(task_id):
                    outbox.stop(task_id)
                case SetTimer(timer_id, due_at):
                    self._timers.set(Timer(due_at, driven.id, timer_id))
        if batch.change.release:
            self._drop(driven)

    def _receive(self, driven: Driven, event: Event, at: datetime) -> None:
        if driven.id in self._broken:
            return
        try:
            if isinstance(event, _Due):
                self._patience.call(lambda: driven.fire(event.timer_id, at))
            else:
                self._patience.call(lambda: driven.receive(event, at))
        except ClosedError:
            raise
        except Exception as error:  # noqa: BLE001  (a bug must cost one execution, not all)
            _log.error("Execution %s cannot take in %r.", driven.id, event, exc_info=error)
            self._broken[driven.id] = error

    def _give_up(self, driven: Driven) -> None:
        """Let go of an execution as it was last committed."""
        try:
            self._store.adopt(driven.id, "", instead_of=self._owner)
        except StorageError as error:
            _log.warning("Execution %s could not be released: %s", driven.id, error)
        self._drop(driven)

    def _drop(self, driven: Driven) -> None:
        self._outboxes[driven.language.name].forget_all(driven.id)
        # Unless a new one has taken its place: a retry may follow the end at once.
        if self._driven.get(driven.id) is driven:
            del self._driven[driven.id]

    # ---- what arrives -----------------------------------------------------------------------

    def _collect(self, taken_up: list[Driven]) -> list[tuple[str, Event | None, int]]:
        """Wait for something to happen; return (execution, event, inbox id or 0), in order.

        Executions that are driven since go into ``taken_up``.
        """
        messages = self._arrived()
        events: list[tuple[str, Event | None, int]] = [(*m, 0) for m in messages if isinstance(m, tuple)]
        for message in messages:
            if isinstance(message, Driven):
                self._take_up(message)
                taken_up.append(message)
        must_look = len(events) < len(messages)
        events += [(*due, 0) for due in self._due_timers()]
        if must_look or self._should_look():
            # First, so that a stop that was asked for before a report came takes effect before it.
            events = self._read_inbox() + events
        return events

    def _arrived(self) -> list[_Message]:
        """Wait for messages; while they tell only of starts, a little longer."""
        messages: list[_Message] = []
        longest_s = self._longest_wait_s()
        message = self._next_message(longest_s)
        latest = time.monotonic() + min(START_DELAY_S, START_DELAY_S if longest_s is None else longest_s)
        is_patient = True
        while message is not None:
            messages.append(message)
            if len(messages) >= MOST_EVENTS_PER_COMMIT:
                break
            is_patient = is_patient and isinstance(message, tuple) and isinstance(message[1], TaskStarted)
            message = self._next_message(max(0.0, latest - time.monotonic()) if is_patient else 0.0)
        return messages

    def _next_message(self, longest_s: float | None) -> _Message | None:
        try:
            return self._messages.get(timeout=longest_s)
        except Empty:
            return None

    def _longest_wait_s(self) -> float | None:
        if not self._driven and self._on_stray is None:
            return None
        due = self._timers.next_due()
        interval = INBOX_INTERVAL
        if due is not None:
            interval = min(interval, max(due - self._clock.now(), timedelta(0)))
        return interval.total_seconds()

    def _take_up(self, driven: Driven) -> None:
        for timer_id, due_at in driven.timers.items():
            self._timers.set(Timer(due_at, driven.id, timer_id))
        outbox = self._outboxes[driven.language.name]
        for kept in list(driven.tasks.values()):
            outbox.start(driven.id, kept.task, is_new=False)
            if kept.stopping:
                outbox.stop(kept.task.id)

    def _due_timers(self) -> list[tuple[str, Event]]:
        due: list[tuple[str, Event]] = []
        for timer in self._timers.take_due(self._clock.now()):
            driven = self._driven.get(timer.execution)
            # A timer that was set anew is in the queue twice.
            if driven is not None and driven.timers.get(timer.timer_id) == timer.due_at:
                due.append((timer.execution, _Due(timer.timer_id)))
        return due

    def _should_look(self) -> bool:
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + INBOX_INTERVAL.total_seconds()
        if self._watch is None:
            self._watch = self._patience.call(self._store.watch)
        return self._patience.call(self._watch.has_changed)

    def _read_inbox(self) -> list[tuple[str, Event | None, int]]:
        events: list[tuple[str, Event | None, int]] = []
        for row in self._patience.call(partial(self._store.inbox, self._owner)):
            driven = self._driven.get(row.execution)
            if driven is None:
                if self._on_stray is not None:
                    self._on_stray(row.execution)
                continue
            event: Event = None
            try:
                event = None if row.body == NUDGE else driven.language.decode_event(row.body)
            except msgspec.DecodeError as error:
                _log.error(
                    "An event for execution %s cannot be read and is dropped: %s", row.execution, error
                )
            events.append((row.execution, event, row.id))
        return events

    def _deliver_report(self, execution: str, report: TaskReport) -> None:
        self._messages.put((execution, report))
