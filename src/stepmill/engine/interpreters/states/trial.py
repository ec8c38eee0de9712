"""One state tried out: what it makes of an input, step by step, without an execution.

Pure. The state runs in a machine of its own, in which all states that it may lead to end at once; the
functions that it is compiled to note what they gave.

Source: Step Functions API reference, ``TestState``; developer guide, "Testing state machines with TestState".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from stepmill.core.json import Json, JsonObject, read_json
from stepmill.core.statuses import StateMachineExecutionStatus
from stepmill.core.tasks import Task, TaskFailed, TaskReport, TaskSucceeded
from stepmill.engine.interpreters.commands import SetTimer, StartTask
from stepmill.engine.interpreters.states import lifecycle, tasks
from stepmill.engine.interpreters.states.context import scope_of
from stepmill.engine.interpreters.states.draft import Draft
from stepmill.engine.interpreters.states.evaluation import Evaluate, Scope
from stepmill.engine.interpreters.states.events import ExecutionStarted
from stepmill.engine.interpreters.states.failing import fail
from stepmill.engine.interpreters.states.failure import StateFailure, matches
from stepmill.engine.interpreters.states.frames import ROOT, BranchFrame, Phase
from stepmill.engine.interpreters.states.leaving import conclude, effective_input
from stepmill.engine.interpreters.states.outcome import Advance, HistoryEvent
from stepmill.engine.interpreters.states.plan import PlannedState, plan_of
from stepmill.engine.interpreters.states.running import run
from stepmill.engine.interpreters.states.simple import end_wait
from stepmill.language.states.definition import ABSENT, MapState, PassState, StateMachine, WorkState

_FORKS = ("Parallel", "Map")


class TrialStatus(StrEnum):
    """How a trial ended."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    RETRIABLE = "RETRIABLE"
    CAUGHT_ERROR = "CAUGHT_ERROR"


@dataclass(frozen=True, slots=True)
class TrialRequest:
    """What is tried out.

    Args:
        machine: Begins with the state; whatever else is in it must be a Succeed state.
        started: As of an execution: input, ARNs, seed, an item of a Map.
        variables: By name.
        retries: How often each retrier was used before.
    """

    machine: StateMachine
    started: ExecutionStarted
    variables: JsonObject = field(default_factory=dict)
    retries: int = 0


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What a trial came to.

    Args:
        status: How it ended.
        output: JSON text of what goes on; ``None``: nothing does.
        error: Name of the error.
        cause: For a human.
        next_state: Where it leads; ``None``: nowhere.
        variables: All that are set afterwards.
        noted: What was found on the way, in order: ``afterInputPath`` -> value.
        catch_index: Index of the catcher that took the error.
        retry_index: Index of the retrier that would.
        retry_after_s: Seconds until the retry.
    """

    status: TrialStatus
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    next_state: str | None = None
    variables: JsonObject = field(default_factory=dict)
    noted: Mapping[str, Json] = field(default_factory=dict)
    catch_index: int | None = None
    retry_index: int | None = None
    retry_after_s: int | None = None


class Trial:
    """One state, under way. Used by one thread.

    Args:
        request: What is tried out.
        at: The moment.

    Raises:
        InvalidInputError: If the input is no JSON.
    """

    def __init__(self, request: TrialRequest, at: datetime) -> None:
        plan = plan_of(request.machine)
        self._planned = plan.states[plan.start_at]
        self._noted: dict[str, Json] = {}
        self._given = request.variables
        # That of a Parallel or Map, which no event tells of.
        self._failure: StateFailure | None = None
        self._draft = draft = Draft(plan, {}, at)
        lifecycle.start(draft, request.started)
        if request.variables:
            draft.assign(ROOT, request.variables)
        branch = draft.branch(ROOT)
        state = self._planned.state
        if request.retries and isinstance(state, WorkState):
            branch.retries = (request.retries,) * len(state.retry)
            branch.retry_count = request.retries
        self._retries_before = branch.retries
        self._note_input(branch)
        _listen(self._planned, self._noted)

    def begin(self) -> Task | None:
        """Enter the state; return the task that it asks for, if it does."""
        run(self._draft)
        found = [command.task for command in self._draft.commands if isinstance(command, StartTask)]
        return found[0] if found else None

    def begin_with(self, report: TaskSucceeded | TaskFailed) -> None:
        """Enter the state, and take what its work came to, be it that of a Task, a Parallel or a Map."""
        if self._planned.kind not in _FORKS:
            self.begin()
            self.report(report)
            return
        draft, planned = self._draft, self._planned
        draft.todo.clear()
        branch = draft.branch(ROOT)
        scope = scope_of(draft, ROOT, branch, branch.input)
        try:
            _note_fork(planned, branch, scope, self._noted)
            self._take(report, lambda output: conclude(draft, ROOT, branch, planned, output, scope))
        except StateFailure as failure:
            self._failure = failure
            fail(draft, ROOT, branch, failure)
        run(draft)

    def report(self, report: TaskReport) -> None:
        """Take what the task came to."""
        draft = self._draft
        branch = draft.find_branch(ROOT)
        if branch is None or branch.phase is not Phase.WORKING:
            return
        if isinstance(report, TaskSucceeded):
            self._noted["result"] = report.output
        try:
            tasks.take_report(draft, ROOT, branch, self._planned, report)
        except StateFailure as failure:
            fail(draft, ROOT, branch, failure)
        run(draft)

    def result(self) -> TrialResult:
        """Return what it came to; of a state that waits: that it would go on."""
        outcome = self._draft.outcome()
        branch = self._draft.find_branch(ROOT)
        error, cause = _last_failure(outcome.history)
        if error is None and self._failure is not None:
            error, cause = self._failure.error, self._failure.cause
        if outcome.status is StateMachineExecutionStatus.FAILED:
            return self._result(TrialStatus.FAILED, outcome, error=outcome.error, cause=outcome.cause)
        if branch is not None and branch.phase is Phase.RETRYING:
            index, after_s = self._retry(branch, outcome)
            return self._result(
                TrialStatus.RETRIABLE,
                outcome,
                error=error,
                cause=cause,
                retry_index=index,
                retry_after_s=after_s,
            )
        if error is not None and isinstance(self._planned.state, WorkState):
            failure = StateFailure(error, cause)
            catchers = enumerate(self._planned.state.catch)
            caught_by = next((at for at, each in catchers if matches(each.errors, failure)), None)
            return self._result(
                TrialStatus.CAUGHT_ERROR, outcome, error=error, cause=cause, catch_index=caught_by
            )
        if branch is not None and branch.phase is Phase.WAITING:
            end_wait(self._draft, ROOT, branch, self._planned)
            run(self._draft)
            return self.result()
        self._fill_up()
        return self._result(TrialStatus.SUCCEEDED, outcome)

    # ---- inside -----------------------------------------------------------------------------

    def _result(self, status: TrialStatus, outcome: Advance, **more: Any) -> TrialResult:
        entered = [fact.step for fact in outcome.history if fact.type.endswith("StateEntered")]
        # A Parallel or Map is not entered.
        behind = entered if self._planned.kind in _FORKS else entered[1:]
        variables = dict(self._given)
        for fact in outcome.history:
            details = fact.body.get("stateExitedEventDetails")
            assigned = details.get("assignedVariables") if isinstance(details, Mapping) else None
            if isinstance(assigned, Mapping):
                variables |= {name: read_json(str(text)) for name, text in assigned.items()}
        return TrialResult(
            status,
            output=outcome.output,
            next_state=behind[0] if behind else None,
            variables=variables,
            noted=self._noted,
            **more,
        )

    def _fill_up(self) -> None:
        """Note the steps that a JSONPath state does not write: each gives what the one before gave.

        Source: developer guide, "Testing state machines with TestState", examples of DEBUG.
        """
        state, noted = self._planned.state, self._noted
        if state.uses_jsonata or not isinstance(state, PassState | WorkState):
            return
        noted.setdefault("afterParameters", noted.get("afterInputPath"))
        result = noted.get("result", noted["afterParameters"])
        if isinstance(state, PassState) and state.result is not ABSENT:
            result = state.result
        noted.setdefault("afterResultSelector", result)
        kept = noted["input"] if self._planned.drops_result else noted["afterResultSelector"]
        noted.setdefault("afterResultPath", kept)

    def _retry(self, branch: BranchFrame, outcome: Advance) -> tuple[int, int]:
        before = self._retries_before or (0,) * len(branch.retries)
        index = next(at for at, used in enumerate(branch.retries) if used != before[at])
        due = [command.due_at for command in outcome.commands if isinstance(command, SetTimer)]
        return index, round((due[-1] - self._draft.at).total_seconds())

    def _note_input(self, branch: BranchFrame) -> None:
        self._noted["input"] = branch.input
        planned = self._planned
        if not planned.state.uses_jsonata and (planned.drops_input or planned.read is None):
            self._noted["afterInputPath"] = {} if planned.drops_input else branch.input

    def _take(self, report: TaskSucceeded | TaskFailed, conclude_with: Callable[[Json], None]) -> None:
        if isinstance(report, TaskFailed):
            raise StateFailure(report.error, report.cause or None)
        self._noted["result"] = report.output
        conclude_with(report.output)


def _last_failure(history: Iterable[HistoryEvent]) -> tuple[str | None, str | None]:
    """Return error and cause of the last event that tells of a failure."""
    found: tuple[str | None, str | None] = (None, None)
    for fact in history:
        for details in fact.body.values():
            if isinstance(details, Mapping) and isinstance(error := details.get("error"), str):
                cause = details.get("cause")
                found = error, cause if isinstance(cause, str) else None
    return found


def _listen(planned: PlannedState, noted: dict[str, Json]) -> None:
    """Have the functions that a state was compiled to note what they give."""

    def noting(name: str, evaluate: Evaluate) -> Evaluate:
        def listened(scope: Scope) -> Json:
            value = noted[name] = evaluate(scope)
            return value

        return listened

    is_jsonata = planned.state.uses_jsonata
    if planned.read is not None:
        planned.read = noting("afterInputPath", planned.read)
    if planned.arguments is not None:
        planned.arguments = noting("afterArguments" if is_jsonata else "afterParameters", planned.arguments)
    if planned.select is not None:
        planned.select = noting("afterResultSelector", planned.select)
    if planned.put is not None:
        put = planned.put

        def listened_put(raw: Json, result: Json) -> Json:
            value = noted["afterResultPath"] = put(raw, result)
            return value

        planned.put = listened_put


def _note_fork(planned: PlannedState, branch: BranchFrame, scope: Scope, noted: dict[str, Json]) -> None:
    """Note what a Parallel or a Map would work on."""
    state = planned.state
    value = effective_input(planned, branch, scope)
    if not state.uses_jsonata:
        scope.document = value
    if planned.arguments is not None:
        planned.arguments(scope)
    if isinstance(state, MapState) and state.reader is None:
        items = planned.givens["Items"](scope) if "Items" in planned.givens else value
        noted["afterItemsPath"] = items
