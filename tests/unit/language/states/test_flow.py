from __future__ import annotations

from typing import Any

import pytest

from stepmill.language.states.checking import check
from stepmill.language.states.diagnostics import Diagnostic, diagnostics, refusal
from support.small_machines import FUNCTION, alone, machine


def _pass(following: str = "") -> dict[str, Any]:
    return {"Type": "Pass", "Next": following} if following else {"Type": "Pass", "End": True}


def _codes(text: str) -> list[tuple[str, str, str]]:
    return [(each.code, each.path, each.message) for each in check(text).findings]


def test_a_transition_to_nowhere_and_a_state_that_none_leads_to() -> None:
    text = machine({"pass1": _pass("pass3"), "pass2": _pass()})
    assert refusal(check(text).findings) == (
        "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: pass3 at "
        '/States/pass1/Next, MISSING_TRANSITION_TARGET: State "pass2" is not reachable. at /States/pass2\''
    )


def test_a_loop_without_an_end() -> None:
    findings = check(machine({"A": _pass("B"), "B": _pass("A")})).findings
    assert diagnostics(findings) == (
        Diagnostic("ERROR", "MISSING_END_STATE", "Workflow has no terminal state"),
    )
    assert refusal(findings) == (
        "Invalid State Machine Definition: 'MISSING_END_STATE: Workflow has no terminal state at null'"
    )


def test_a_missing_end_hides_states_that_none_leads_to() -> None:
    assert [code for code, _, _ in _codes(machine({"A": _pass("B"), "B": _pass("A"), "C": _pass("A")}))] == [
        "MISSING_END_STATE"
    ]


def test_a_loop_with_an_end_that_none_leads_to() -> None:
    assert _codes(machine({"A": _pass("B"), "B": _pass("A"), "C": _pass()})) == [
        ("MISSING_TRANSITION_TARGET", "/States/C", 'State "C" is not reachable.')
    ]


def test_the_target_comes_before_the_end() -> None:
    assert [code for code, _, _ in _codes(machine({"A": _pass("NOPE")}))] == [
        "MISSING_TRANSITION_TARGET",
        "MISSING_END_STATE",
    ]


CHOICE = {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "B"}]}


@pytest.mark.parametrize(
    ("state", "place"),
    [
        (
            {**CHOICE, "Choices": [{**CHOICE["Choices"][0], "Next": "NOPE"}], "Default": "B"},
            "Choices[0]/Next",
        ),  # type: ignore[index, dict-item]
        ({**CHOICE, "Default": "NOPE"}, "Default"),
        (
            {
                "Type": "Task",
                "Resource": FUNCTION,
                "Next": "B",
                "Catch": [{"ErrorEquals": ["E"], "Next": "NOPE"}],
            },
            "Catch[0]/Next",
        ),
    ],
)
def test_every_transition_needs_its_target(state: dict[str, Any], place: str) -> None:
    assert _codes(machine({"A": state, "B": _pass()})) == [
        ("MISSING_TRANSITION_TARGET", f"/States/A/{place}", "Missing 'Next' target: NOPE")
    ]


def test_the_start_needs_its_target() -> None:
    text = machine({"A": _pass()}, StartAt="B")
    assert _codes(text) == [
        ("MISSING_TRANSITION_TARGET", "/StartAt", "Missing 'Next' target: B"),
        ("MISSING_TRANSITION_TARGET", "/States/A", 'State "A" is not reachable.'),
    ]


def test_no_transition_leaves_its_branch() -> None:
    branch = {"StartAt": "X", "States": {"X": _pass("B")}}
    text = machine({"A": {"Type": "Parallel", "Branches": [branch], "Next": "B"}, "B": _pass()})
    assert _codes(text)[0] == (
        "MISSING_TRANSITION_TARGET",
        "/States/A/Branches[0]/States/X/Next",
        "Missing 'Next' target: B",
    )


def test_a_loop_that_none_leads_to() -> None:
    assert _codes(machine({"A": _pass(), "B": _pass("C"), "C": _pass("B")})) == [
        ("MISSING_TRANSITION_TARGET", "/States/B", 'State "B" is not reachable.'),
        ("MISSING_TRANSITION_TARGET", "/States/C", 'State "C" is not reachable.'),
    ]


def test_a_catcher_leads_to_its_state() -> None:
    work = {"Type": "Task", "Resource": FUNCTION, "End": True, "Catch": [{"ErrorEquals": ["E"], "Next": "B"}]}
    assert _codes(machine({"A": work, "B": _pass()})) == []


def test_neither_end_nor_next() -> None:
    for state in ({"Type": "Pass"}, {"Type": "Pass", "End": False}):
        assert _codes(machine({"A": state})) == [
            (
                "SCHEMA_VALIDATION_FAILED",
                "/States/A",
                "This object should have only one of the following fields: [Next, End]",
            )
        ]


def test_an_end_that_is_false_goes_on() -> None:
    assert _codes(machine({"A": {"Type": "Pass", "Next": "B", "End": False}, "B": _pass()})) == []


def test_both_end_and_next() -> None:
    assert _codes(machine({"A": {"Type": "Pass", "Next": "B", "End": True}, "B": _pass()}))[0] == (
        "SCHEMA_VALIDATION_FAILED",
        "/States/A",
        "There should only be one of the following fields: [Next, End]",
    )


@pytest.mark.parametrize(
    ("fields", "code", "place"),
    [
        ({"Type": "Pass", "Parameters": {"a": "$.b"}}, "NO_DOLLAR", "/States/A/Parameters"),
        ({"Type": "Pass", "Parameters": {"a": "States.UUID()"}}, "NO_DOLLAR", "/States/A/Parameters"),
        ({"Type": "Fail", "Cause": "$.cause"}, "NO_PATH", "/States/A/Cause"),
        ({"Type": "Pass", "Result": {"a.$": "$.b"}}, "PASS_RESULT_IS_STATIC", "/States/A/Result"),
    ],
)
def test_aws_warns_of_some_things(fields: dict[str, Any], code: str, place: str) -> None:
    checked = check(alone(**fields))
    assert checked.machine is not None
    assert [(each.severity, each.code, each.location) for each in diagnostics(checked.findings)] == [
        ("WARNING", code, place)
    ]
