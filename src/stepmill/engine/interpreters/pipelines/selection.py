"""Selective execution: which steps run again, and what they take over from an earlier execution.

Source: SageMaker developer guide, "Selective execution of pipeline steps". It asks that no
unselected step stands between two selected ones. How conditions outside of the selection count is
not documented; here their outcome in the source execution stays valid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json
from stepmill.core.spelling import did_you_mean
from stepmill.core.statuses import StepStatus
from stepmill.engine.interpreters.pipelines.draft import child_name
from stepmill.engine.interpreters.pipelines.events import ReusedStep, Selection
from stepmill.engine.interpreters.pipelines.frames import Frame, LoopFrame, OutputFrame, StepFrame
from stepmill.engine.interpreters.pipelines.plan import Need, Plan
from stepmill.language.pipelines.definition import Branch

_Neighbours: TypeAlias = Callable[[Plan, str], Iterator[str]]
_WHERE = "SelectiveExecutionConfig.SelectedSteps"


def selection_from(plan: Plan, first: str, source: Mapping[str, Frame]) -> tuple[str, ...]:
    """Return a step and everything after it, in the order of the document.

    Steps of a branch that a condition before ``first`` did not take in the source execution, and
    steps after those, are left out: they would not run in a full execution either.

    Args:
        plan: Of the definition.
        first: Name of the step to begin with.
        source: Frames of the execution whose results are taken over; may be empty.

    Raises:
        InvalidInputError: If there is no such step, or it stands in the body of a ForEach.
    """
    _check_names(plan, [first])
    selected = {first} | set(_closure(plan, [first], _downstream))
    barred = {name for name in selected - {first} if _shut_branch(plan, name, selected, source)}
    barred |= set(_closure(plan, barred, _downstream)) - {first}
    return tuple(name for name in plan.steps if name in selected - barred)


def check_selection(
    plan: Plan, selected: Iterable[str], source: Mapping[str, Frame], source_arn: str
) -> Selection:
    """Check a selection, and complete it with what is taken over.

    Args:
        plan: Of the definition.
        selected: Names of the steps to run.
        source: Frames of the execution whose results are taken over; empty if there is none.
        source_arn: Its ARN.

    Raises:
        InvalidInputError: If a step is unknown, stands in the body of a ForEach or in a branch that
            was not taken; if an unselected step stands between selected ones; or if the source
            has not got an output that a selected step reads.
    """
    names = tuple(dict.fromkeys(selected))
    if not names:
        raise InvalidInputError("No step is selected.", where=_WHERE, mend="Select at least one.")
    _check_names(plan, names)
    _check_connected(plan, names)
    for name in names:
        shut = _shut_branch(plan, name, set(names), source)
        if shut:
            raise InvalidInputError(
                f"Step {name!r} stands in the branch of {shut!r} that the source execution did not take.",
                where=_WHERE,
                mend=f"Select {shut!r} too, so that it is decided again.",
            )
    return Selection(names, source_arn, _reused(plan, names, source, source_arn))


def _check_names(plan: Plan, names: Iterable[str]) -> None:
    for name in names:
        if name not in plan.steps:
            mend = did_you_mean(name, plan.steps) or f"There are {', '.join(list(plan.steps)[:20])}."
            raise InvalidInputError(f"There is no step {name!r}.", where=_WHERE, mend=mend)
        loop = plan.steps[name].loop
        if loop:
            raise InvalidInputError(
                f"Step {name!r} is part of the ForEach step {loop!r} and cannot be selected alone.",
                where=_WHERE,
                mend=f"Select {loop!r}.",
            )


def _check_connected(plan: Plan, names: tuple[str, ...]) -> None:
    above = set(_closure(plan, names, _upstream))
    below = set(_closure(plan, names, _downstream))
    between = [name for name in plan.steps if name in above & below and name not in names]
    if between:
        raise InvalidInputError(
            f"The selected steps are not connected: {', '.join(map(repr, between))} would run between them.",
            where=_WHERE,
            mend="Select what is between them too, or fewer steps.",
        )


def _closure(plan: Plan, names: Iterable[str], next_of: _Neighbours) -> Iterator[str]:
    """Return all that can be reached, each once; a start only if another start leads to it."""
    found: set[str] = set()
    waiting = list(names)
    seen = set(waiting)
    while waiting:
        for name in next_of(plan, waiting.pop()):
            if name not in found:
                found.add(name)
                yield name
            if name not in seen:
                seen.add(name)
                waiting.append(name)


def _upstream(plan: Plan, name: str) -> Iterator[str]:
    for need, _ in _needs(plan, name):
        yield need


def _downstream(plan: Plan, name: str) -> Iterator[str]:
    for gates in plan.steps[name].feeds.values():
        for gate in gates:
            if not plan.gates[gate].loop:
                yield from plan.gates[gate].steps


def _needs(plan: Plan, name: str) -> tuple[Need, ...]:
    return plan.gates[plan.steps[name].gate].needs


def _shut_branch(plan: Plan, name: str, selected: set[str], source: Mapping[str, Frame]) -> str:
    """Return the condition around a step that is not selected and took its other branch; else nothing."""
    step = plan.steps[name].step
    while step.parent:
        outcome = _outcome(source, step.parent)
        if step.parent not in selected and outcome:
            taken = Branch.IF if outcome == "True" else Branch.ELSE
            if step.branch is not taken:
                return step.parent
        step = plan.steps[step.parent].step
    return ""


def _outcome(source: Mapping[str, Frame], name: str) -> Json:
    output = source.get(f"output/{name}")
    document = output.document if isinstance(output, OutputFrame) else None
    return document.get("Outcome") if isinstance(document, Mapping) else None


def _reused(
    plan: Plan, names: tuple[str, ...], source: Mapping[str, Frame], source_arn: str
) -> dict[str, ReusedStep]:
    reused: dict[str, ReusedStep] = {}
    chosen = set(names)
    for name in names:
        for need in dict.fromkeys(_upstream(plan, name)):
            if need not in chosen and need not in reused:
                reused.update(_result_of(plan, need, source, source_arn))
        for read in _read_by(plan, name):
            if read not in chosen and read not in reused:
                raise _missing_output(name, read, has_source=bool(source))
    return {name: reused[name] for name in sorted(reused)}


def _result_of(plan: Plan, name: str, source: Mapping[str, Frame], source_arn: str) -> dict[str, ReusedStep]:
    frame, output = source.get(f"step/{name}"), source.get(f"output/{name}")
    if not isinstance(frame, StepFrame) or frame.status is not StepStatus.SUCCEEDED:
        return {}
    if not isinstance(output, OutputFrame):
        return {}
    arn = frame.reused_from or source_arn
    found = {name: ReusedStep(output.document, frame.metadata, arn)}
    loop = source.get(f"loop/{name}")
    for index in range(loop.total if isinstance(loop, LoopFrame) else 0):
        for body in plan.steps[name].step.children:
            child = source.get(f"output/{child_name(body, index)}")
            if isinstance(child, OutputFrame):
                found[child_name(body, index)] = ReusedStep(child.document, {}, arn)
    return found


def _read_by(plan: Plan, name: str) -> Iterator[str]:
    """Return the steps outside whose results a step reads; for a ForEach its body too."""
    step = plan.steps[name].step
    yield from step.references
    if step.for_each:
        inside = {name, *step.children}
        for child in step.children:
            yield from (read for read in plan.steps[child].step.references if read not in inside)


def _missing_output(name: str, read: str, *, has_source: bool) -> InvalidInputError:
    if has_source:
        what = f"Step {name!r} reads a result of {read!r}, which did not succeed in the source execution."
        mend = f"Select {read!r} too, or take an execution in which it succeeded."
    else:
        what = f"Step {name!r} reads a result of {read!r}, and there is no source execution to take it from."
        mend = f"Select {read!r} too, or name a source execution."
    return InvalidInputError(what, where=_WHERE, mend=mend)
