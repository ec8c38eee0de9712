"""The engine's door: start executions, and ask things of them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from stepmill.core.arns import Arns
from stepmill.core.clock import Clock
from stepmill.core.errors import StepmillError, StorageError
from stepmill.core.service_models import service_model
from stepmill.core.tasks import TaskHandler
from stepmill.engine.drive import Driver
from stepmill.engine.driven import Driven
from stepmill.engine.endings import Endings
from stepmill.engine.interpreters.pipelines.events import (
    Event,
    RetryRequested,
    StopRequested,
    UpdateRequested,
    encode_event,
)
from stepmill.engine.languages import Language
from stepmill.engine.lookout import Lookout
from stepmill.engine.outbox import HandlerLookup
from stepmill.engine.ownership import EngineLock, is_alive, remove_stale
from stepmill.engine.pipeline_language import PipelineLanguage
from stepmill.engine.plans import Plans
from stepmill.engine.reading import ExecutionReader
from stepmill.engine.recovery import take_new, take_over
from stepmill.engine.starting import StartRequest, create_once, prepare
from stepmill.engine.summaries import ExecutionSummary
from stepmill.engine.waiting import wait_for, wait_until
from stepmill.engine.wishes import OPEN, is_answered, is_updated, post_retry, post_stop, post_update
from stepmill.storage.executions import PIPELINES, ExecutionStore, LoadedExecution, NewExecution, Stray
from stepmill.storage.texts import check_text

# So long a wait for a wish to be taken in trusts in the engine's own thread.
_TRUST_S = 0.2

_STOP = StopRequested()
_RETRY = RetryRequested()

_log = logging.getLogger(__name__)


class Engine:
    """Runs executions. An ``ExecutionControl``; close it, or use it in ``with``.

    An engine drives the executions that it started, resumed or was asked to stop or retry. Others
    of the same home leave those alone for as long as this process lives. One that serves also drives what
    others hand over to it by making it the owner, and what others have left behind.

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
        serves: Whether it looks out for what others hand over or leave behind.
        others: Further languages, each with who does its tasks.

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
        serves: bool = False,
        others: Sequence[tuple[Language, HandlerLookup]] = (),
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
        self._lookout = Lookout(self._take_left_behind, self._adopt) if serves else None
        on_stray = self._lookout.notice if self._lookout else None
        self.endings = Endings()
        self._languages: dict[str, Language] = {PIPELINES: PipelineLanguage(self._plans)}
        lookups: dict[str, HandlerLookup] = {PIPELINES: handlers}
        for language, lookup in others:
            self._languages[language.name] = language
            lookups[language.name] = lookup
        self._open = frozenset().union(*(language.open for language in self._languages.values()))
        self._driver = Driver(
            store, lookups, clock, self._lock.engine_id, on_trouble, on_stray, self.endings.tell
        )
        self._driver.start()
        if self._lookout:
            self._lookout.start()

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
        if self._lookout:
            self._lookout.close()
        self._driver.close()
        try:
            self._store.release(self.id)
        except StorageError as error:
            _log.warning("Executions are released by the end of the lock alone: %s", error)
        finally:
            self._lock.release()

    # ---- asking -----------------------------------------------------------------------------

    def check(self, definition: str) -> None:
        """See ``ExecutionControl``."""
        check_text(definition)
        self._plans.read(definition)

    def start(self, request: StartRequest) -> str:
        """See ``ExecutionControl``."""
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
            if create_once(self._store, new):
                self._driver.drive(take_new(new, self._languages[PIPELINES]))
        return new.id

    def stop(self, execution: str, wish: StopRequested = _STOP) -> None:
        """See ``ExecutionControl``."""
        if post_stop(self._store, execution, wish):
            self._adopt(execution)

    def retry(self, execution: str, wish: RetryRequested = _RETRY) -> None:
        """See ``ExecutionControl``."""
        position = post_retry(self._store, execution, wish)
        if position is not None:
            self._have_taken_in(execution, lambda: self._store.get(execution).position > position)

    def update(self, execution: str, wish: UpdateRequested) -> None:
        """See ``ExecutionControl``."""
        while not self._is_updated(execution, wish):
            pass

    def post(self, execution: str, event: Event) -> bool:
        """See ``ExecutionControl``."""
        owner = self._store.post(execution, encode_event(event), statuses=OPEN)
        if owner == self.id:
            self._driver.look_into_inbox()
            return True
        return is_alive(self._locks, owner)

    def resume(self, execution: str | None = None) -> list[str]:
        """See ``ExecutionControl``."""
        if execution is not None:
            self._store.get(execution)
            is_waiting = any(row.id == execution for row in self._store.waiting(self._open))
            return [execution] if is_waiting and self._adopt(execution) else []
        strays = self._store.strays(self.id, self._open)
        adopted, refused = self._adopt_all(
            stray for stray in strays if not is_alive(self._locks, stray.owner)
        )
        for each, error in refused.items():
            _log.warning("Execution %s cannot be resumed: %s", each, error)
        return adopted

    def wait(self, execution: str, timeout: timedelta | None = None) -> ExecutionSummary:
        """See ``ExecutionControl``."""
        return self._wait(execution, timeout, None)

    def wait_for_progress(
        self, execution: str, after_position: int, timeout: timedelta | None = None
    ) -> ExecutionSummary:
        """See ``ExecutionControl``."""
        return self._wait(execution, timeout, after_position)

    def describe(self, execution: str) -> ExecutionSummary:
        """See ``ExecutionControl``."""
        return self.executions.describe(execution)

    # ---- of every language ------------------------------------------------------------------

    def begin(self, prepare: Callable[[str], NewExecution]) -> None:
        """See ``ExecutionHands``."""
        new = prepare(self.id)
        self._driver.begin(new, take_new(new, self._languages[new.language]))

    def have_driven(self, execution: str) -> None:
        """See ``ExecutionHands``."""
        self._adopt(execution)

    def rest(self, execution: str, left_s: float | None, after_position: int | None = None) -> None:
        """See ``ExecutionHands``."""
        self._driver.wait(execution, left_s, after_position)

    # ---- inside -----------------------------------------------------------------------------

    def _wait(
        self, execution: str, timeout: timedelta | None, after_position: int | None
    ) -> ExecutionSummary:
        return wait_for(
            lambda: self.describe(execution),
            timeout,
            after_position,
            rest=lambda left_s: self._driver.wait(execution, left_s, after_position),
        )

    def _is_updated(self, execution: str, wish: UpdateRequested) -> bool:
        posted = post_update(self._store, execution, wish)
        self._have_taken_in(execution, lambda: is_answered(self._store, posted))
        return is_updated(self._store, posted)

    def _have_taken_in(self, execution: str, is_done: Callable[[], bool]) -> None:
        """Wait until a wish in the inbox has been taken in, by whom ever."""
        self._adopt(execution)
        position = self._store.get(execution).position

        def go_on() -> None:
            self._driver.wait(execution, _TRUST_S, position)
            if not is_done():
                self._adopt(execution)

        wait_until(is_done, go_on)

    def _take_left_behind(self, refused: Container[str]) -> Mapping[str, StepmillError]:
        """Drive what nobody alive drives; return what cannot be driven, and why."""
        alive: dict[str, bool] = {}
        found = []
        for stray in self._store.strays(self.id, self._open):
            if stray.owner not in alive:
                alive[stray.owner] = is_alive(self._locks, stray.owner)
            if not (alive[stray.owner] or stray.id in refused or self._driver.is_broken(stray.id)):
                found.append(stray)
        return self._adopt_all(found)[1]

    def _adopt_all(self, strays: Iterable[Stray]) -> tuple[list[str], dict[str, StepmillError]]:
        """Drive executions that nobody drives; return those that are, and those that cannot be, and why."""
        adopted: list[str] = []
        refused: dict[str, StepmillError] = {}
        with self._adopting:
            for loaded in self._store.adopt_all(list(strays), self.id):
                execution = loaded.stored.id
                try:
                    self._driver.drive(self._take_over(loaded))
                except StepmillError as error:
                    refused[execution] = error
                else:
                    adopted.append(execution)
        return adopted, refused

    def _adopt(self, execution: str) -> bool:
        """Drive an execution that nobody drives; return whether this began now."""
        with self._adopting:
            owner = self._store.get(execution).owner
            if owner == self.id and self._driver.is_driving(execution):
                self._driver.look_into_inbox()
                return False
            if owner != self.id and is_alive(self._locks, owner):
                return False
            loaded = self._store.adopt_all([Stray(execution, owner)], self.id)
            for each in loaded:
                self._driver.drive(self._take_over(each))
        return bool(loaded)

    def _take_over(self, loaded: LoadedExecution) -> Driven:
        # Only its owner advances an execution: what was read stays true.
        try:
            language = self._languages[loaded.stored.language]
            return take_over(loaded, self._store, language)
        except StepmillError:
            self._store.adopt(loaded.stored.id, "", instead_of=self.id)
            raise
