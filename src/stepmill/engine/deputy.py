"""Who drives executions in a home that may have a server: the server, else an engine of this process.

A command beside a running server makes no engine, no sandbox and no job. It writes what the server's engine
then finds: a new execution that this engine owns, or a wish in an inbox. It waits by looking at the store.
Where no server lives, or where it dies while the command waits, an engine of this process takes over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path

from stepmill.core.arns import Arns
from stepmill.core.clock import Clock
from stepmill.engine.control import ExecutionControl
from stepmill.engine.interpreters.pipelines.events import (
    Event,
    RetryRequested,
    StopRequested,
    UpdateRequested,
    encode_event,
)
from stepmill.engine.languages import NUDGE
from stepmill.engine.machines.language import StatesLanguage
from stepmill.engine.ownership import is_alive
from stepmill.engine.pipeline_language import PipelineLanguage
from stepmill.engine.plans import Plans
from stepmill.engine.reading import ExecutionReader
from stepmill.engine.starting import StartRequest, create_once, prepare
from stepmill.engine.summaries import ExecutionSummary
from stepmill.engine.waiting import wait_for, wait_until
from stepmill.engine.wishes import OPEN, is_answered, is_updated, post_retry, post_stop, post_update
from stepmill.storage.executions import ExecutionStore, NewExecution
from stepmill.storage.texts import check_text

_EVERY_OPEN = PipelineLanguage.open | StatesLanguage.open

_STOP = StopRequested()
_RETRY = RetryRequested()


class Deputy:
    """An ``ExecutionControl`` over the engine of whoever serves. Safe to share between threads.

    Args:
        store: Where executions are kept.
        plans: Of their definitions.
        executions: Reads executions.
        resources: Those that an engine of this home does tasks for.
        clock: Tells the time.
        arns: Builder of ARNs.
        locks: Folder of the engines' lock files.
        server: Returns the id of the engine of the server of this home; empty if none lives.
        make_engine: Makes the engine of this process. Called once, if there is need.
    """

    def __init__(
        self,
        store: ExecutionStore,
        plans: Plans,
        executions: ExecutionReader,
        *,
        resources: Collection[str],
        clock: Clock,
        arns: Arns,
        locks: Path,
        server: Callable[[], str],
        make_engine: Callable[[], ExecutionControl],
    ) -> None:
        self._store = store
        self._plans = plans
        self._executions = executions
        self._resources = resources
        self._clock = clock
        self._arns = arns
        self._locks = locks
        self._server = server
        self._make_engine = make_engine
        self._making = threading.Lock()
        self._engine: ExecutionControl | None = None

    def close(self) -> None:
        """Stop driving what this process drives."""
        if self._engine is not None:
            self._engine.close()

    def check(self, definition: str) -> None:
        """See ``ExecutionControl``."""
        check_text(definition)
        self._plans.read(definition)

    def start(self, request: StartRequest) -> str:
        """See ``ExecutionControl``."""
        server = self._server()
        if not server:
            return self._own().start(request)
        new = prepare(
            request,
            plans=self._plans,
            store=self._store,
            resources=self._resources,
            arns=self._arns,
            owner=server,
            at=self._clock.now(),
        )
        create_once(self._store, new)
        return new.id

    def stop(self, execution: str, wish: StopRequested = _STOP) -> None:
        """See ``ExecutionControl``."""
        if post_stop(self._store, execution, wish):
            self._have_driven(execution)

    def retry(self, execution: str, wish: RetryRequested = _RETRY) -> None:
        """See ``ExecutionControl``."""
        position = post_retry(self._store, execution, wish)
        if position is not None:
            wait_until(
                lambda: self._store.get(execution).position > position, lambda: self._have_driven(execution)
            )

    def update(self, execution: str, wish: UpdateRequested) -> None:
        """See ``ExecutionControl``."""
        while not self._is_updated(execution, wish):
            pass

    def post(self, execution: str, event: Event) -> bool:
        """See ``ExecutionControl``."""
        if self._engine is not None:
            return self._engine.post(execution, event)
        owner = self._store.post(execution, encode_event(event), statuses=OPEN)
        if is_alive(self._locks, owner):
            return True
        server = self._server()
        return bool(server) and self._hand_over(execution, owner, server)

    def resume(self, execution: str | None = None) -> list[str]:
        """See ``ExecutionControl``."""
        if execution is not None:
            self._store.get(execution)
        server = self._server()
        if not server:
            return self._own().resume(execution)
        waiting = self._store.strays(server, _EVERY_OPEN)
        return [
            each.id
            for each in waiting
            if execution in (None, each.id)
            and not is_alive(self._locks, each.owner)
            and self._give_to(each.id, each.owner, server)
        ]

    def wait(self, execution: str, timeout: timedelta | None = None) -> ExecutionSummary:
        """See ``ExecutionControl``."""
        if self._engine is not None:
            return self._engine.wait(execution, timeout)
        return wait_for(lambda: self.describe(execution), timeout)

    def wait_for_progress(
        self, execution: str, after_position: int, timeout: timedelta | None = None
    ) -> ExecutionSummary:
        """See ``ExecutionControl``."""
        if self._engine is not None:
            return self._engine.wait_for_progress(execution, after_position, timeout)
        return wait_for(lambda: self.describe(execution), timeout, after_position)

    def describe(self, execution: str) -> ExecutionSummary:
        """See ``ExecutionControl``."""
        return self._executions.describe(execution)

    # ---- of every language ------------------------------------------------------------------

    def begin(self, prepare: Callable[[str], NewExecution]) -> None:
        """See ``ExecutionHands``."""
        server = self._server()
        if server:
            self._store.create(prepare(server))
        else:
            self._own().begin(prepare)

    def have_driven(self, execution: str) -> None:
        """See ``ExecutionHands``."""
        self._have_driven(execution)

    def rest(self, execution: str, left_s: float | None, after_position: int | None = None) -> None:
        """See ``ExecutionHands``."""
        if self._engine is not None:
            self._engine.rest(execution, left_s, after_position)

    # ---- inside -----------------------------------------------------------------------------

    def _own(self) -> ExecutionControl:
        with self._making:
            if self._engine is None:
                self._engine = self._make_engine()
            return self._engine

    def _is_updated(self, execution: str, wish: UpdateRequested) -> bool:
        posted = post_update(self._store, execution, wish)
        wait_until(lambda: is_answered(self._store, posted), lambda: self._have_driven(execution))
        return is_updated(self._store, posted)

    def _have_driven(self, execution: str) -> None:
        """See to it that somebody alive drives an execution that has something in its inbox."""
        if is_alive(self._locks, self._store.get(execution).owner):
            return
        server = self._server()
        if not server:
            self._own().resume(execution)
            return
        # Not what has been taken in meanwhile: the server would own it, and hear of nothing to do.
        for stray in self._store.strays(server, _EVERY_OPEN):
            if stray.id == execution and not is_alive(self._locks, stray.owner):
                self._hand_over(execution, stray.owner, server)

    def _give_to(self, execution: str, owner: str, server: str) -> bool:
        """Hand an execution over in which nothing happens: an event must tell the server of it."""
        # First, so that whoever finds it after a crash finds the wish, too.
        self._store.post(execution, NUDGE, statuses=None)
        return self._hand_over(execution, owner, server)

    def _hand_over(self, execution: str, owner: str, server: str) -> bool:
        """Make the server's engine the owner instead of one that is dead; return whether it is now."""
        return self._store.adopt(execution, server, instead_of=owner) or (
            self._store.get(execution).owner == server
        )
