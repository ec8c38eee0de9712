"""Plays machines of the published rules, each from its text to its answer.

A case has a source, a definition, an input, tasks, and the status, output, error, cause and history to come;
what it leaves out is not compared. ``history`` has rows of ``[id, previousEventId, type, details]``:
details may be left out, and are compared field by field.
Tasks end in the order in which they began, as ``tasks`` says.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.stating import Execution

from stepmill.core.statuses import StateMachineExecutionStatus
from stepmill.engine.interpreters.states.plan import plan_of
from stepmill.language.states.checking import read

CASES = {
    f"{file.stem}-{name}": case
    for file in sorted((Path(__file__).parent / "cases").glob("*.json"))
    for name, case in json.loads(file.read_text(encoding="utf-8")).items()
}
# More turns than any case needs; one that goes in circles ends here.
TURNS = 200


def play(case: dict[str, Any]) -> Execution:
    """Fold a case until nothing is under way."""
    execution = Execution(plan=plan_of(read(json.dumps(case["definition"])), parity=True))
    execution.start(case.get("input", "{}"))
    answers = list(case.get("tasks", []))
    for _ in range(TURNS):
        if execution.status not in (None, StateMachineExecutionStatus.RUNNING):
            break
        if execution.tasks and answers:
            answer = answers.pop(0)
            execution.began()
            if "succeeds" in answer:
                execution.succeed(output=answer["succeeds"])
            else:
                execution.fail("", *answer["fails"])
        elif execution.timers:
            execution.fire()
        else:
            break
    assert not answers, "fewer tasks than the case says"
    return execution


def rows(execution: Execution) -> list[list[Any]]:
    """The history as the cases write it."""
    return [
        [number, event.body["previousEventId"], event.type, _details(event.body)]
        for number, event in enumerate(execution.history, 1)
    ]


def _details(body: Any) -> Any:
    return next((value for key, value in body.items() if key != "previousEventId"), {})


@pytest.mark.parametrize("name", CASES)
def test_the_rule_holds(name: str) -> None:
    case = CASES[name]
    execution = play(case)
    for field in ("status", "output", "error", "cause"):
        if field in case:
            assert getattr(execution, field) == case[field], f"{field}: {case['source']}"
    if "history" not in case:
        return
    found = rows(execution)
    assert [row[:3] for row in found] == [row[:3] for row in case["history"]], case["source"]
    for row, expected in zip(found, case["history"], strict=True):
        for field, value in (expected[3] if len(expected) > 3 else {}).items():
            assert row[3].get(field) == value, f"event {row[0]}, {field}: {case['source']}"
