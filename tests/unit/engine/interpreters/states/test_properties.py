"""Whatever a machine is and however its tasks end: the promises that hold for every execution."""

from __future__ import annotations

from itertools import count
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.stating import FUNCTION, SEND, Execution, branch, state

from stepmill.core.statuses import StateMachineExecutionStatus as Status
from stepmill.engine.interpreters.states import running
from stepmill.language.states.definition import (
    Branch,
    Catcher,
    ChoiceRule,
    Comparison,
    Given,
    ItemReader,
    ProcessorMode,
    Retrier,
)

ENDS = ("Pass", "Task", "Wait", "Succeed", "Fail", "Parallel", "Map", "Run", "Choice")


@st.composite
def branches(draw: st.DrawFn, names: Any = None, depth: int = 0) -> Branch:
    """A chain of states, some with others inside; each may go wrong, be retried, be caught."""
    names = count() if names is None else names
    length = draw(st.integers(1, 3))
    own = [f"S{next(names)}" for _ in range(length)]
    made = []
    for index, name in enumerate(own):
        following = own[index + 1] if index + 1 < length else None
        made.append(draw(states(name, following, names, depth)))
    return branch(*made)


@st.composite
def states(draw: st.DrawFn, name: str, following: str | None, names: Any, depth: int) -> Any:
    kind = draw(st.sampled_from(ENDS if depth < 2 else ENDS[:5]))
    if following is not None and kind in ("Succeed", "Fail"):
        kind = "Pass"
    if kind == "Choice" and following is None:
        kind = "Pass"
    if kind == "Pass":
        path = draw(st.sampled_from(["$", "$.no"]))
        return state("Pass", name, next=following, result=[1, 2], input_path=path)
    if kind == "Choice":
        rule = ChoiceRule(next=str(following), test=Comparison("$[0]", "IsNumeric", True))
        return state("Choice", name, choices=(rule,), default=following)
    if kind == "Wait":
        return state("Wait", name, next=following, seconds=Given(draw(st.integers(0, 3))))
    if kind in ("Succeed", "Fail"):
        return state(kind, name)
    more: dict[str, Any] = {"next": following}
    if draw(st.booleans()):
        more["retry"] = (Retrier(errors=("States.ALL",), max_attempts=1),)
    if following is not None and draw(st.booleans()):
        more["catch"] = (Catcher(errors=("States.ALL",), next=following),)
    if kind == "Task":
        timeout = draw(st.sampled_from([None, Given(2)]))
        return state("Task", name, resource=draw(st.sampled_from([SEND, FUNCTION])), timeout=timeout, **more)
    if kind == "Parallel":
        inside = [draw(branches(names, depth + 1)) for _ in range(draw(st.integers(1, 2)))]
        return state("Parallel", name, branches=tuple(inside), **more)
    processor = draw(branches(names, depth + 1))
    limit = draw(st.sampled_from([None, Given(1), Given(2)]))
    if kind == "Map":
        return state("Map", name, processor=processor, max_concurrency=limit, **more)
    return state(
        "Map",
        name,
        processor=processor,
        mode=ProcessorMode.DISTRIBUTED,
        max_concurrency=limit,
        tolerated_failures=draw(st.sampled_from([None, Given(1)])),
        reader=draw(st.sampled_from([None, ItemReader(resource="arn:aws:states:::s3:getObject")])),
        **more,
    )


def drive(run: Execution, data: st.DataObject) -> None:
    """Let things happen in any order until the execution ends, or long enough."""
    for _ in range(120):
        if run.status is not Status.RUNNING:
            return
        wishes = (
            ["task"] * bool(run.tasks) * 3
            + ["timer"] * bool(run.timers)
            + ["stop"] * data.draw(st.sampled_from([False] * 30 + [True]))
        )
        assert wishes, "a running execution must wait for somebody"
        wish = data.draw(st.sampled_from(wishes))
        if wish == "timer":
            run.fire()
        elif wish == "stop":
            run.stop()
        else:
            answer(run, data)


def answer(run: Execution, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(run.tasks)))
    task = run.tasks.pop(name)
    run.tasks = {name: task, **run.tasks}
    if name in run.stopped:
        run.end_stopped()
    elif data.draw(st.booleans()) or data.draw(st.booleans()):
        pages: list[Any] = [{"items": [1], "cursor": 1}, {"items": [2, 3], "cursor": None}]
        output = data.draw(st.sampled_from(pages)) if task.resource == "stepmill:readItems" else [3, 4]
        run.succeed(output=output)
    else:
        run.fail()


def check(run: Execution) -> None:
    for number, event in enumerate(run.history, start=1):
        link = event.body["previousEventId"]
        assert isinstance(link, int)
        assert 0 <= link < number
    if run.status is Status.RUNNING:
        return
    assert run.history[-1].type.startswith("Execution")
    assert not run.timers
    assert set(run.tasks) <= set(run.stopped)
    if run.status is Status.SUCCEEDED:
        kept = {key for key in run.frames if not key.startswith("run/")}
        assert kept == {"execution", "started"}
    before = len(run.history)
    run.end_stopped()
    assert len(run.history) == before


@settings(max_examples=200, deadline=None)
@given(branches(), st.sampled_from([1, 3, 500]), st.data())
def test_every_execution_keeps_its_promises(root: Branch, burst: int, data: st.DataObject) -> None:
    with patch.object(running, "MOST_STATES", burst):
        promises(root, data)


def promises(root: Branch, data: st.DataObject) -> None:
    run = Execution(*root.states.values()).start("[0]")
    drive(run, data)
    check(run)
    for _ in range(2):
        if run.status in (Status.FAILED, Status.ABORTED) and data.draw(st.booleans()):
            run.end_stopped()
            run.redrive()
            drive(run, data)
            check(run)
    again = Execution(plan=run.plan)
    for event, at in run.events:
        again.at = at
        again.post(event)
    assert again.texts == run.texts
    assert again.history == run.history
