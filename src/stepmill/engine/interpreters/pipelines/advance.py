"""One event: the rules of pipelines, applied.

Pure. Time, identifiers and chance come in with the event; effects go out as commands. Folding an
execution's recorded events through ``advance`` therefore gives its state back exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from stepmill.core.errors import IllegalTransitionError
from stepmill.core.tasks import TaskFailed, TaskStarted, TaskStopped, TaskSucceeded
from stepmill.engine.interpreters.pipelines import lifecycle
from stepmill.engine.interpreters.pipelines.draft import Draft
from stepmill.engine.interpreters.pipelines.events import (
    Event,
    ExecutionStarted,
    RetryRequested,
    StopRequested,
    TimerFired,
    UpdateRequested,
)
from stepmill.engine.interpreters.pipelines.frames import Frame
from stepmill.engine.interpreters.pipelines.outcome import Advance
from stepmill.engine.interpreters.pipelines.plan import Plan
from stepmill.engine.interpreters.pipelines.reports import take_report, take_timer
from stepmill.engine.interpreters.pipelines.restarting import retry
from stepmill.engine.interpreters.pipelines.settling import settle


def advance(plan: Plan, frames: Mapping[str, Frame], event: Event, at: datetime) -> Advance:
    """Return the changes that one event leads to. Events that come late or twice change nothing.

    Args:
        plan: Of the definition that the execution runs; the same for all of its events.
        frames: The state, read key by key. Only what the event concerns is read: a step, the gates
            behind it, the steps that start; all steps only to stop or to retry the execution.
        event: What happened.
        at: When. Aware, UTC; not earlier than that of the event before.

    Raises:
        IllegalTransitionError: If something happens to an execution that nothing has started.
    """
    draft = Draft(plan, frames, at)
    if isinstance(event, ExecutionStarted):
        lifecycle.start(draft, event)
    elif not draft.has_execution:
        raise IllegalTransitionError(f"{type(event).__name__} came before ExecutionStarted.")
    else:
        _take(draft, event)
    if draft.has_execution:
        settle(draft)
    return draft.outcome()


def _take(draft: Draft, event: Event) -> None:
    match event:
        case TaskStarted() | TaskSucceeded() | TaskFailed() | TaskStopped():
            take_report(draft, event)
        case TimerFired(timer_id):
            take_timer(draft, timer_id)
        case StopRequested():
            lifecycle.stop(draft)
        case RetryRequested():
            retry(draft, event)
        case UpdateRequested():
            lifecycle.update(draft, event)
