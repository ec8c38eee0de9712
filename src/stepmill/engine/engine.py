"""The engine's door: start executions, and ask things of them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from stepmill.core.arns import Arns
from stepmill.core.clock import Clock
from stepmill.core.errors import ConflictError, StepmillError, StorageError
from stepmill.core.service_models import service_model
from stepmill.core.statuses import PipelineExecutionStatus
from stepmill.core.tasks import TaskHandler
from stepmill.engine.drive import Driver
from stepmill.engine.interpreters.pipelines.events import (
    Event,
    RetryRequested,
    StopRequested,
    encode_event,
)
from stepmill.engine.interpreters.pipelines.lifecycle import check_stop
from stepmill.engine.interpreters.pipelines.restarting import check_retry
from stepmill.engine.ownership import EngineLock, is_alive, remove_stale
from stepmill.engine.plans import Plans
from stepmill.engine.reading import ExecutionReader
from stepmill.engine.recovery import take_new, take_over
from stepmill.engine.starting import StartRequest, check_parallelism, prepare
from stepmill.engine.summaries import ExecutionSummary
from stepmill.storage.executions import ExecutionStore
from stepmill.storage.texts import check_text

OPEN = frozenset(status for status in PipelineExecutionStatus if not status.is_final)
FINAL = frozenset(status for status in PipelineExecutionStatus if status.is_final)

# How often a wait looks at an execution that another process drives.
_LOOK_INTERVAL_S = 0.1

_log = logging.getLogger(__name__)


class Engine:
    """Runs executions. Safe to share between threads; close it, or use it in ``with``.

    An engine drives the executions that it started, resumed or was asked to stop or retry. Others
    of the same home leave those alone for as long as this process lives.

    Args:
        store: Where executions are kept.
        handlers: Resource -> who does its tasks.
        clock: Tells the time.
        arns: Builder of ARNs.
        locks: Folder of the engines' lock files, the same for all engines of one store.
        plans: Shared with others who read the same definitions, so that each is checked once;
            ``None``: the engine's own.
        on_trouble: Called on each failure of the store that is waited out, on the engine's thread;
            by default it is logged as a warning.

    Raises:
        StorageError: If the lock file cannot be made.
    """

    def __init__(
        self,
        store: ExecutionStore,
        handlers: Mapping[str, TaskHandler],
        *,
        clock: Clock,
        arns: Arns,
        locks: Path,
        plans: Plans | None = None,
        on_trouble: Callable[[StorageError], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._arns = arns
        self._locks = locks
        self._resources = frozenset(handlers)
        self._plans = Plans(store.definition, service_model) if plans is None else plans
        self.executions = ExecutionReader(store, self._plans, locks)
        remove_stale(locks)
        self._lock = EngineLock.acquire(locks)
        # Between becoming the owner and driving, no other thread may think that nobody drives.
        self._adopting = threading.Lock()
        self._driver = Driver(store, handlers, clock, self._lock.engine_id, on_trouble)
        self._driver.start()

    @property
    def id(self) -> str:
        """Id of this engine, as executions name their owner."""
        return self._lock.engine_id

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop driving. Jobs go on; any engine may resume the executions. Closing twice does nothing."""
        self._driver.close()
        try:
            self._store.release(self.id)
        except StorageError as error:
            _log.warning("Executions are released by the end of the lock alone: %s", error)
        finally:
            self._lock.release()

    # ---- asking -----------------------------------------------------------------------------

    def check(self, definition: str) -> None:
        """Refuse what is no definition, before anything is made of it.

        Raises:
            InvalidInputError: If it is no Unicode text.
            DefinitionError: If it is wrong. Carries all findings.
        """
        check_text(definition)
        self._plans.read(definition)

    def start(self, request: StartRequest) -> str:
        """Start an execution; return its id, once it is written.

        Raises:
            InvalidInputError: If the name, the parallelism, a text or the selection cannot be taken.
            DefinitionError: If the definition is wrong, or a parameter. Carries all findings.
            UnsupportedError: If there is a step that cannot be run here; it is named.
            NotFoundError: If the source of a selective execution is not there.
            WrongStateError: If it is not at its end.
            ConflictError: If the client token was used for a start that differs.
            StorageError: If the store fails. In all cases nothing was written.
        """
        new = prepare(
            request,
            plans=self._plans,
            store=self._store,
            resources=self._resources,
            arns=self._arns,
            owner=self.id,
            at=self._clock.now(),
        )
        with self._adopting:
            try:
                self._store.create(new)
            except ConflictError:
                token = new.details.client_token
                if token and self._store.get(new.id).details.client_token == token:
                    return new.id
                raise
            self._driver.drive(take_new(new, self._plans))
        return new.id

    def stop(self, execution: str) -> None:
        """Ask an execution to end early; it is driven to its end even if nobody drove it.

        Raises:
            NotFoundError: If there is none of that id.
            WrongStateError: If it is at its end.
        """
        check_stop(self._status(execution))
        self._store.post(execution, encode_event(StopRequested()), statuses=OPEN)
        self._adopt(execution)

    def retry(self, execution: str, *, parallelism: int | None = None) -> None:
        """Have a failed or stopped execution go on from where it failed, driven by this engine.

        When this returns it is ``Executing`` again: whoever looks does not mistake the old end for the new.

        Raises:
            InvalidInputError: If the parallelism is below 1.
            NotFoundError: If there is none of that id.
            WrongStateError: If it runs, or has succeeded.
            DefinitionError: If this version of Stepmill refuses its definition.
        """
        check_parallelism(parallelism)
        check_retry(self._status(execution))
        before = self._store.get(execution).position
        self._store.post(execution, encode_event(RetryRequested(parallelism)), statuses=FINAL)
        self._adopt(execution)
        self._driver.wait(execution, None, before)

    def post(self, execution: str, event: Event) -> bool:
        """Give an event to an execution that is not at its end, whoever drives it.

        The event is durable when this returns: the result of a callback, for example, as
        ``TaskSucceeded(task_id, output)``.

        Returns:
            Whether somebody drives the execution now; if not, the event waits for ``resume``.

        Raises:
            NotFoundError: If there is none of that id.
            WrongStateError: If it is at its end.
        """
        owner = self._store.post(execution, encode_event(event), statuses=OPEN)
        if owner == self.id:
            self._driver.look_into_inbox()
            return True
        return is_alive(self._locks, owner)

    def resume(self, execution: str | None = None) -> list[str]:
        """Drive what nobody drives: one execution, or all that are not at their end.

        Of all, one that cannot be resumed is logged, and the others are.

        Returns:
            Ids of the executions that this engine drives since.

        Raises:
            NotFoundError: If there is none of that id.
            DefinitionError: If this version of Stepmill refuses the definition of that one.
        """
        if execution is not None:
            self._store.get(execution)
            is_waiting = any(row.id == execution for row in self._store.waiting(OPEN))
            return [execution] if is_waiting and self._adopt(execution) else []
        adopted = []
        for row in self._store.waiting(OPEN):
            try:
                if self._adopt(row.id):
                    adopted.append(row.id)
            except StepmillError as error:
                _log.warning("Execution %s cannot be resumed: %s", row.id, error)
        return adopted

    def wait(self, execution: str, timeout: timedelta | None = None) -> ExecutionSummary:
        """Wait until an execution is at its end, or nobody drives it, or the time is over.

        Raises:
            NotFoundError: If there is none of that id.
            IllegalTransitionError: If this engine could not go on with it: a bug in Stepmill.
        """
        return self._wait(execution, timeout, None)

    def wait_for_progress(
        self, execution: str, after_position: int, timeout: timedelta | None = None
    ) -> ExecutionSummary:
        """Wait like ``wait``, but no longer than until the history goes beyond a position."""
        return self._wait(execution, timeout, after_position)

    def describe(self, execution: str) -> ExecutionSummary:
        """Return how an execution stands as a whole.

        Raises:
            NotFoundError: If there is none of that id.
        """
        return self.executions.describe(execution)

    # ---- inside -----------------------------------------------------------------------------

    def _wait(
        self, execution: str, timeout: timedelta | None, after_position: int | None
    ) -> ExecutionSummary:
        deadline = None if timeout is None else time.monotonic() + timeout.total_seconds()
        while True:
            self._driver.wait(execution, _left_s(deadline), after_position)
            summary = self.describe(execution)
            left_s = _left_s(deadline)
            if (
                summary.status.is_final
                or summary.is_interrupted
                or (after_position is not None and summary.position > after_position)
                or left_s == 0.0
            ):
                return summary
            # Another process drives it, or this one is about to.
            time.sleep(_LOOK_INTERVAL_S if left_s is None else min(_LOOK_INTERVAL_S, left_s))

    def _status(self, execution: str) -> PipelineExecutionStatus:
        return PipelineExecutionStatus(self._store.get(execution).status)

    def _adopt(self, execution: str) -> bool:
        """Drive an execution that nobody drives; return whether this began now."""
        with self._adopting:
            owner = self._store.get(execution).owner
            if owner == self.id and self._driver.is_driving(execution):
                self._driver.look_into_inbox()
                return False
            if owner != self.id and not self._take_from(owner, execution):
                return False
            try:
                # Only its owner advances an execution: what is read from here on stays true.
                driven = take_over(self._store.get(execution), self._store, self._plans)
            except StepmillError:
                self._store.adopt(execution, "", instead_of=self.id)
                raise
            self._driver.drive(driven)
        return True

    def _take_from(self, owner: str, execution: str) -> bool:
        if is_alive(self._locks, owner):
            return False
        return self._store.adopt(execution, self.id, instead_of=owner)


def _left_s(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())
