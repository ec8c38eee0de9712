"""Plays the cases of ``states/``: a definition, an input, how its tasks end, and all that follows.

A case is one JSON document. ``tasks`` tells what happens, one after the other, whenever the execution waits:

* ``{"succeeds": OUTPUT}``, ``{"fails": ERROR, "cause": CAUSE}``, ``{"submitted": OUTPUT}``,
  ``{"started": {}}``: of the oldest task under way, or of that of the state ``"of"``;
* ``{"timer": true}``: the next timer fires. When nothing is left in the list, timers fire by themselves;
* ``{"stop": {"error": ..., "cause": ...}}``, ``{"redrive": true}``.

``history`` has a list for each event: id, previousEventId, type, and, if it has any, details. Those that a
case leaves out are not looked at. ``source`` says where the expectation comes from.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.stating import Execution

from stepmill.core.statuses import StateMachineExecutionStatus as Status
from stepmill.core.tasks import TaskFailed, TaskStarted, TaskSubmitted, TaskSucceeded
from stepmill.engine.interpreters.states.plan import plan_of
from stepmill.language.states.checking import read

CASES = sorted((Path(__file__).parent / "states").glob("*.json"))


def play(case: dict[str, Any]) -> Execution:
    """Run a case to its end."""
    run = Execution(plan=plan_of(read(json.dumps(case["definition"])), parity=case.get("parity", False)))
    text = case["input"] if isinstance(case["input"], str) else json.dumps(case["input"])
    run.start(text)
    for step in case.get("tasks", ()):
        happen(run, step)
    while run.status is Status.RUNNING and run.timers:
        run.fire()
    return run


def happen(run: Execution, step: dict[str, Any]) -> None:
    """Let one thing happen."""
    if "timer" in step:
        run.fire()
    elif "stop" in step:
        run.stop(**step["stop"])
    elif "redrive" in step:
        run.end_stopped()
        run.redrive()
    else:
        task = run.task(step.get("of", ""))
        if "started" in step:
            run.report(TaskStarted(task.id, step["started"]))
        elif "submitted" in step:
            run.report(TaskSubmitted(task.id, step["submitted"]))
        else:
            del run.tasks[task.id]
            if "succeeds" in step:
                run.report(TaskSucceeded(task.id, step["succeeds"]))
            else:
                run.report(TaskFailed(task.id, step["fails"], step.get("cause", "")))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case(path: Path) -> None:
    case = json.loads(path.read_text())
    run = play(case)
    assert run.status == case["status"]
    if "output" in case:
        assert run.output is not None
        assert json.loads(run.output) == case["output"]
    assert (run.error, run.cause) == (case.get("error"), case.get("cause"))
    found = []
    for number, event in enumerate(run.history, start=1):
        details = [value for key, value in event.body.items() if key != "previousEventId"]
        found.append([number, event.body["previousEventId"], event.type, *details])
    wanted = case["history"]
    assert [event[:3] for event in found] == [event[:3] for event in wanted]
    for event, expected in zip(found, wanted, strict=True):
        assert event[3:] == expected[3:] or len(expected) == 3, f"details of event {expected[0]}"


def test_there_are_cases() -> None:
    assert len(CASES) > 10
