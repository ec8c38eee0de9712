"""Wraps a handler so that an earlier result is reused where a step allows it.

What happens between a miss and the end is durable: the key is written down before the work begins,
so that a task that is handed over again after a crash goes on with its work instead of asking
the cache anew, and its result is stored under the key of the inputs that it really read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

from stepmill.core.clock import Clock
from stepmill.core.errors import StepmillError
from stepmill.core.json import Json, JsonObject
from stepmill.core.settings import CacheScope
from stepmill.core.tasks import (
    CachePolicy,
    Report,
    Task,
    TaskFailed,
    TaskHandler,
    TaskHeartbeat,
    TaskReport,
    TaskStarted,
    TaskStopped,
    TaskSubmitted,
    TaskSucceeded,
)
from stepmill.jobs.cache_keys import CacheKey, KeyBuilder, differences
from stepmill.storage.cache import CacheEntry, CacheStore
from stepmill.storage.records import Record, RecordStore

# Keys of tasks that missed and are at work, by task id.
KEY_KIND = "cache-key"

_MOST_DIFFERENCES = 5


class OutputState(Protocol):
    """Tells whether outputs are as they were left. See ``cache_outputs.KeptOutputs``."""

    def state(self, output: Json) -> JsonObject:
        """Return the state of the outputs that a document names."""
        ...

    def change(self, state: JsonObject) -> str:
        """Say what changed since; empty if nothing did."""
        ...


class CachingHandler:
    """Reuses results of the handler that it wraps.

    Args:
        inner: Does the work on a miss.
        keys: Makes the key of a task.
        cache: Where results are kept.
        records: Where the keys of tasks at work are kept.
        outputs: Tells whether the outputs of an earlier run are still there.
        clock: Tells how old a result is.
        scope: Whose results may be reused.
        reused: Told of a task that takes over what a step has made, and of what that step's listing showed.
    """

    def __init__(
        self,
        inner: TaskHandler,
        keys: KeyBuilder,
        cache: CacheStore,
        records: RecordStore,
        outputs: OutputState,
        clock: Clock,
        scope: CacheScope = CacheScope.PIPELINE,
        reused: Callable[[Task, JsonObject], None] = lambda _task, _step: None,
    ) -> None:
        self._inner = inner
        self._keys = keys
        self._cache = cache
        self._records = records
        self._outputs = outputs
        self._clock = clock
        self._scope = scope
        self._tell_reused = reused

    def start(self, task: Task, report: Report) -> None:
        """Report the earlier result if there is one; else let the work be done, and keep its result."""
        if task.cache is None:
            self._inner.start(task, report)
            return
        claim = self._records.find(KEY_KIND, task.id)
        if claim is not None:
            self._work(task, _key_of(claim), str(claim.body.get("why", "")), report)
            return
        try:
            key = self._keys(task)
        except StepmillError as error:
            # The work fails of the same cause, and says it better; or it does not depend on it.
            _Relay(report, (f"the cache was not asked: {error}",), _ignore).start(self._inner, task)
            return
        found, why = self._look_up(task, key, task.cache)
        if found is not None:
            self._tell_reused(task, _object(found.metadata.get("step")))
            report(_reused(task, found))
            return
        body: JsonObject = {"key": key.digest, "parts": key.parts, "why": why}
        self._records.create(KEY_KIND, task.id, body, parent=task.execution_arn)
        self._work(task, key, why, report)

    def stop(self, task: Task) -> None:
        """Ask the work to end."""
        self._inner.stop(task)

    def _work(self, task: Task, key: CacheKey, why: str, report: Report) -> None:
        relay = _Relay(report, (why,), lambda final: self._end(task, key, final))
        try:
            relay.start(self._inner, task)
        except BaseException:
            with suppress(StepmillError):
                self._records.delete(KEY_KIND, task.id)
            raise

    def _end(self, task: Task, key: CacheKey, final: TaskReport) -> str:
        """Keep a result before it is reported; return a remark if it could not be kept."""
        remark = ""
        if isinstance(final, TaskSucceeded):
            try:
                remark = self._keep(task, key, final)
            except StepmillError as error:
                # The work is done; that it cannot be reused later is no reason to lose it.
                remark = f"the result is not kept in the cache: {error}"
        # A claim that stays behind is in nobody's way: its task has ended, and task ids are unique.
        with suppress(StepmillError):
            self._records.delete(KEY_KIND, task.id)
        return remark

    def _keep(self, task: Task, key: CacheKey, final: TaskSucceeded) -> str:
        if self._keys(task).digest != key.digest:
            return "the result is not kept in the cache: its inputs changed while it was made"
        kept: JsonObject = {
            "task": task.id,
            "step": final.metadata,
            "outputs": self._outputs.state(final.output),
        }
        scope = _scope(task)
        now = self._clock.now()
        self._cache.put(CacheEntry(scope, key.digest, now, task.execution_arn, final.output, kept, key.parts))
        return ""

    def _look_up(self, task: Task, key: CacheKey, policy: CachePolicy) -> tuple[CacheEntry | None, str]:
        """Return the entry to reuse, or why there is none."""
        if not policy.reuse:
            return None, "the cache was not asked: it is switched off for this run"
        scope = None if self._scope is CacheScope.SHARED else _scope(task)
        entry = self._cache.newest(key.digest, scope=scope)
        if entry is None:
            return None, self._explain(task, key)
        now = self._clock.now()
        if policy.expire_after is not None and entry.created_at < _oldest(now, policy.expire_after):
            age, limit = _rounded(now - entry.created_at), policy.expire_after
            return None, f"cache miss: the earlier result is {age} old, ExpireAfter is {limit}"
        if change := self._outputs.change(_object(entry.metadata.get("outputs"))):
            return None, f"cache miss: of the earlier result, {change}"
        return entry, ""

    def _explain(self, task: Task, key: CacheKey) -> str:
        latest = self._cache.latest_of(_scope(task))
        if latest is None:
            return "cache miss: this step has no earlier result"
        found = differences(latest.parts, key.parts)
        shown = "; ".join(found[:_MOST_DIFFERENCES]) or "how keys are made has changed"
        more = f"; and {len(found) - _MOST_DIFFERENCES} more" if len(found) > _MOST_DIFFERENCES else ""
        return f"cache miss: {shown}{more}"


class _Relay:
    """Hands reports on; puts notes into the first one, and does something before the final one."""

    def __init__(self, report: Report, notes: tuple[str, ...], end: _End) -> None:
        self._report = report
        self._notes = tuple(note for note in notes if note)
        self._end = end
        self._lock = threading.Lock()

    def start(self, inner: TaskHandler, task: Task) -> None:
        inner.start(task, self.take)

    def take(self, report: TaskReport) -> None:
        if isinstance(report, TaskSubmitted | TaskHeartbeat):
            self._report(report)
            return
        with self._lock:
            notes, self._notes = self._notes, ()
        if isinstance(report, TaskStarted):
            self._report(TaskStarted(report.task_id, report.metadata, (*notes, *report.notes)))
            return
        if remark := self._end(report):
            notes = (*notes, remark)
        if notes:
            self._report(TaskStarted(report.task_id, report.metadata, notes))
        self._report(report)


class _End(Protocol):
    def __call__(self, final: TaskSucceeded | TaskFailed | TaskStopped, /) -> str: ...


def _ignore(_final: TaskReport) -> str:
    return ""


def _reused(task: Task, entry: CacheEntry) -> TaskSucceeded:
    # The task's own result, stored just before a crash, is no reuse.
    own = entry.metadata.get("task") == task.id
    step = _object(entry.metadata.get("step"))
    return TaskSucceeded(task.id, entry.output, step, cached_from="" if own else entry.source)


def _scope(task: Task) -> str:
    return f"{task.pipeline}/{task.step}"


def _oldest(now: datetime, age: timedelta) -> datetime:
    try:
        return now - age
    except OverflowError:
        return datetime.min.replace(tzinfo=now.tzinfo)


def _rounded(age: timedelta) -> timedelta:
    return timedelta(seconds=round(age.total_seconds()))


def _key_of(claim: Record) -> CacheKey:
    parts = _object(claim.body.get("parts"))
    return CacheKey(str(claim.body["key"]), {place: str(value) for place, value in parts.items()})


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
