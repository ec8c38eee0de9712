"""One event: the rules of state machines, applied.

Pure. Time, identifiers and chance come in with the event; effects go out as commands. Folding an
execution's recorded events through ``advance`` therefore gives its state back exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from stepmill.core.errors import IllegalTransitionError
from stepmill.core.tasks import TaskReport
from stepmill.engine.interpreters.states import lifecycle, runreports, tasks
from stepmill.engine.interpreters.states.branches import task_id_of
from stepmill.engine.interpreters.states.draft import Draft, Enter, HistoryFullError
from stepmill.engine.interpreters.states.events import (
    Event,
    ExecutionStarted,
    RedriveRequested,
    StopRequested,
    TimerFired,
)
from stepmill.engine.interpreters.states.failing import fail
from stepmill.engine.interpreters.states.failure import StateFailure
from stepmill.engine.interpreters.states.frames import Frame, Phase
from stepmill.engine.interpreters.states.outcome import Advance
from stepmill.engine.interpreters.states.plan import Plan
from stepmill.engine.interpreters.states.redriving import redrive
from stepmill.engine.interpreters.states.running import run
from stepmill.engine.interpreters.states.simple import end_wait
from stepmill.engine.interpreters.states.timers import MACHINE, RETRY, TURN, WAIT, parse_timer


def advance(plan: Plan, frames: Mapping[str, Frame], event: Event, at: datetime) -> Advance:
    """Return the changes that one event leads to. Events that come late or twice change nothing.

    Args:
        plan: Of the definition that the execution runs; the same for all of its events.
        frames: The state, read key by key. Only what the event concerns is read.
        event: What happened.
        at: When. Aware, UTC; not earlier than that of the event before.

    Raises:
        IllegalTransitionError: If something happens to an execution that nothing has started.
        InvalidInputError: If the input that an execution is started with is no JSON.
    """
    draft = Draft(plan, frames, at)
    was_open = draft.root is None or draft.is_running
    try:
        _fold(draft, event)
    except HistoryFullError:
        lifecycle.end_full(draft)
    if was_open and draft.root is not None and not draft.is_running:
        lifecycle.drop_own_timers(draft)
    return draft.outcome()


def _fold(draft: Draft, event: Event) -> None:
    if isinstance(event, ExecutionStarted):
        lifecycle.start(draft, event)
    elif draft.root is None:
        raise IllegalTransitionError(f"{type(event).__name__} came before ExecutionStarted.")
    else:
        _take(draft, event)
    run(draft)


def _take(draft: Draft, event: Event) -> None:
    match event:
        case TimerFired(timer_id):
            if draft.is_running:
                _take_timer(draft, timer_id)
        case StopRequested():
            lifecycle.stop(draft, event)
        case RedriveRequested():
            redrive(draft)
        case ExecutionStarted():
            pass
        case _:
            if draft.is_running:
                _take_report(draft, event)


def _take_report(draft: Draft, report: TaskReport) -> None:
    _, _, rest = report.task_id.partition("/")
    name, _, last = rest.rpartition("/")
    branch = draft.find_branch(name)
    since, _, what = last.partition(".")
    if branch is None:
        return
    if what:
        if branch.phase is Phase.INSIDE and since == str(branch.scheduled):
            runreports.take_report(draft, name, branch, draft.planned(branch), what, report)
        return
    if branch.phase is not Phase.WORKING or task_id_of(draft, name, branch) != report.task_id:
        return
    try:
        tasks.take_report(draft, name, branch, draft.planned(branch), report)
    except StateFailure as failure:
        fail(draft, name, branch, failure)


def _take_timer(draft: Draft, timer_id: str) -> None:
    purpose, name, since = parse_timer(timer_id)
    if purpose == TURN:
        if since == draft.execution.turn:
            draft.todo.extend(map(Enter, draft.execution.ready))
            draft.root = replace(draft.execution, ready=())
        return
    if purpose == MACHINE:
        if since == draft.execution.redrives:
            lifecycle.time_out(draft)
        return
    branch = draft.find_branch(name)
    if branch is None or branch.scheduled != since:
        return
    try:
        match branch.phase:
            case Phase.WAITING if purpose == WAIT:
                end_wait(draft, name, branch, draft.planned(branch))
            case Phase.RETRYING if purpose == RETRY:
                branch.phase = Phase.RETRY_DUE
                draft.todo.append(Enter(name))
            case Phase.WORKING if purpose not in (WAIT, RETRY):
                tasks.take_timeout(draft, name, branch, draft.planned(branch), purpose)
    except StateFailure as failure:
        fail(draft, name, branch, failure)
