"""The loop that drives executions: events in, one commit, commands out.

Everything that arrives while a commit is under way is advanced next and committed together, so many
executions share the price of one. Nothing is carried out before it is committed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from queue import Empty, SimpleQueue

from stepmill.core.clock import Clock
from stepmill.core.errors import IllegalTransitionError, StorageError
from stepmill.core.tasks import TaskReport, TaskStarted
from stepmill.engine.driven import Batch, Driven
from stepmill.engine.inbox import INBOX_INTERVAL, Inbox
from stepmill.engine.interpreters.commands import SetTimer, StartTask, StopTask
from stepmill.engine.languages import Event
from stepmill.engine.messages import Beginning, Due, Look, Message
from stepmill.engine.outbox import HandlerLookup, Outbox
from stepmill.engine.patience import ClosedError, Patience
from stepmill.engine.timers import Timer, TimerQueue
from stepmill.storage.executions import ExecutionChange, ExecutionStore, NewExecution, taken

# So long the start of a task waits for company. Of a short one, its start and its end are one commit;
# of a long one, nobody notices. After a crash the task is handed over again, and tells it again.
START_DELAY_S = 0.05

# Bounds the transaction, not the throughput: what is left over is the next batch.
MOST_EVENTS_PER_COMMIT = 1000

# So often whoever waits for a beginning looks whether there is anybody who could write it.
_ALIVE_CHECK_S = 1.0

_log = logging.getLogger(__name__)


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
        on_end: Called with each end that is written; must not block.
    """

    def __init__(
        self,
        store: ExecutionStore,
        handlers: Mapping[str, HandlerLookup],
        clock: Clock,
        owner: str,
        on_trouble: Callable[[StorageError], None] | None = None,
        on_stray: Callable[[str], None] | None = None,
        on_end: Callable[[ExecutionChange], None] | None = None,
    ) -> None:
        self._on_end = on_end
        self._on_stray = on_stray
        self._store = store
        self._clock = clock
        self._owner = owner
        self._outboxes = {name: Outbox(lookup, self._deliver_report) for name, lookup in handlers.items()}
        self._timers = TimerQueue()
        self._messages: SimpleQueue[Message] = SimpleQueue()
        self._driven: dict[str, Driven] = {}
        self._broken: dict[str, Exception] = {}
        self._progress = threading.Condition()
        self._closing = threading.Event()
        self._patience = Patience(self._closing, on_trouble)
        self._died: BaseException | None = None
        self._inbox = Inbox(store, owner, self._patience, on_stray)
        self._thread = threading.Thread(target=self._run, name="stepmill-engine", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop driving, after the commit under way. Safe to call twice."""
        self._closing.set()
        self._messages.put(Look())
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

    def begin(self, new: NewExecution, driven: Driven) -> None:
        """Write a new execution, together with all that its first event leads to, and drive it.

        Raises:
            ConflictError: If its id is taken.
            StorageError: If the store fails, or the engine is closed. Nothing was written then.
            StepmillError: If its language refuses its first event.
        """
        beginning = Beginning(new, driven)
        self._messages.put(beginning)
        while True:
            try:
                return beginning.done.result(timeout=_ALIVE_CHECK_S)
            except TimeoutError:
                if not self._thread.is_alive():
                    raise StorageError("The engine is closed.", where=new.id) from None

    def look_into_inbox(self) -> None:
        """Have the inbox read at once, not only when it is noticed."""
        self._messages.put(Look())

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
            self._inbox.close()
            with self._progress:
                self._progress.notify_all()

    def _turn(self) -> None:
        taken_up: list[Driven] = []
        beginnings: list[Beginning] = []
        events = self._collect(taken_up, beginnings)
        now = self._clock.now()
        begun = {each.new.id: each for each in beginnings if self._take_begun(each, now)}
        touched = {execution: each.driven for execution, each in begun.items()}
        for execution, event, inbox_id in events:
            driven = self._driven.get(execution)
            if driven is None:
                continue
            if event is not None:
                self._receive(driven, event, now)
            if inbox_id and execution not in self._broken:
                driven.consume(inbox_id)
            touched[execution] = driven
        self._finish_turn(touched.values(), begun)
        for driven in taken_up:
            if driven.id in touched or not driven.is_final:
                continue
            if driven.tasks:
                driven.has_ended = True
            else:
                # Adopted for an event that another engine has taken in meanwhile.
                self._give_up(driven)
            with self._progress:
                self._progress.notify_all()

    def _take_begun(self, beginning: Beginning, now: datetime) -> bool:
        """Take in the first event of a new execution; return whether it is to be written."""
        new, driven = beginning.new, beginning.driven
        if new.id in self._driven:
            beginning.done.set_exception(taken(new.id))
            return False
        try:
            driven.receive(driven.language.decode_event(new.first_event), now)
        except Exception as error:  # noqa: BLE001  (whoever wants it hears of it; nothing is written)
            beginning.done.set_exception(error)
            return False
        # Before it is written: whoever then finds it shall find that it is driven.
        self._driven[new.id] = driven
        return True

    def _finish_turn(self, touched: Iterable[Driven], begun: Mapping[str, Beginning]) -> None:
        batches = [(driven, batch) for driven in touched if (batch := driven.take_batch()) is not None]
        if batches:
            lost = self._commit([batch.change for _, batch in batches], begun)
            for driven, batch in batches:
                if driven.id in lost:
                    self._lose(driven, begun.get(driven.id))
                else:
                    self._carry_out(driven, batch)
            for execution in begun.keys() - lost:
                begun[execution].done.set_result(None)
        for driven in touched:
            if driven.id in self._broken:
                self._give_up(driven)
        if batches or self._broken:
            with self._progress:
                self._progress.notify_all()

    def _commit(self, changes: Sequence[ExecutionChange], begun: Mapping[str, Beginning]) -> Collection[str]:
        """Write the changes; return the ids of those that were not written."""
        if begun:
            try:
                return self._store.commit(changes, [each.new for each in begun.values()])
            except StorageError as error:
                # Whoever wants a new execution need not wait for the store.
                for beginning in begun.values():
                    beginning.done.set_exception(error)
        rest = [change for change in changes if change.execution not in begun]
        lost = self._patience.call(partial(self._store.commit, rest)) if rest else frozenset()
        return begun.keys() | lost

    def _lose(self, driven: Driven, beginning: Beginning | None) -> None:
        if beginning is None:
            _log.warning("Execution %s is driven by another engine now.", driven.id)
        elif not beginning.done.done():
            beginning.done.set_exception(taken(driven.id))
        self._drop(driven)

    def _carry_out(self, driven: Driven, batch: Batch) -> None:
        driven.settle(batch.change)
        if batch.change.ends and self._on_end is not None:
            self._on_end(batch.change)
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
        if batch.change.release and self._driven.get(driven.id) is driven:
            del self._driven[driven.id]  # All its tasks have ended, and are forgotten.

    def _receive(self, driven: Driven, event: Event, at: datetime) -> None:
        if driven.id in self._broken:
            return
        try:
            if isinstance(event, Due):
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

    def _collect(
        self, taken_up: list[Driven], beginnings: list[Beginning]
    ) -> list[tuple[str, Event | None, int]]:
        """Wait for something to happen; return (execution, event, inbox id or 0), in order.

        Executions that are driven since go into ``taken_up``, those that are to begin into ``beginnings``.
        """
        messages = self._arrived()
        events: list[tuple[str, Event | None, int]] = [(*m, 0) for m in messages if isinstance(m, tuple)]
        for message in messages:
            if isinstance(message, Driven):
                self._take_up(message)
                taken_up.append(message)
            elif isinstance(message, Beginning):
                beginnings.append(message)
        must_look = any(isinstance(message, Driven | Look) for message in messages)
        events += [(*due, 0) for due in self._due_timers()]
        if must_look or self._inbox.may_have_changed():
            # First, so that a stop that was asked for before a report came takes effect before it.
            events = self._inbox.read(self._driven) + events
        return events

    def _arrived(self) -> list[Message]:
        """Wait for messages; while they tell only of starts, a little longer."""
        messages: list[Message] = []
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

    def _next_message(self, longest_s: float | None) -> Message | None:
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
                due.append((timer.execution, Due(timer.timer_id)))
        return due

    def _deliver_report(self, execution: str, report: TaskReport) -> None:
        self._messages.put((execution, report))
