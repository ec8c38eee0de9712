from __future__ import annotations

from typing import Any

import pytest
from tests.support.stating import SEND, Execution, branch, state

from stepmill.core.statuses import StateMachineExecutionStatus as Status
from stepmill.language.states.definition import Catcher, ChoiceRule, Given


def jsonata(kind: str, name: str, **fields: Any) -> Any:
    return state(kind, name, jsonata=True, **fields)


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        ("{% $states.input.a + 1 %}", "2"),
        ({"k": ["{% $states.input.a %}", "plain"]}, '{"k":[1,"plain"]}'),
        ("{% $states.context.State.Name %}", '"A"'),
        ("{% $states.context.Execution.Input.a %}", "1"),
        (7, "7"),
        (None, "null"),
        ("{% null %}", "null"),
    ],
)
def test_a_pass_gives_what_its_output_says(output: Any, wanted: str) -> None:
    assert Execution(jsonata("Pass", "A", output=output)).start('{"a":1}').output == wanted


def test_without_output_a_pass_gives_its_input_and_a_task_its_result() -> None:
    assert Execution(jsonata("Pass", "A")).start('{"a":1}').output == '{"a":1}'
    run = Execution(jsonata("Task", "T", resource=SEND, arguments={"m": "{% $states.input.a %}"})).start(
        '{"a":1}'
    )
    assert run.task().payload == {"m": 1}
    run.succeed(output=[2])
    assert run.output == "[2]"


def test_assign_and_output_see_the_result_and_the_old_variables() -> None:
    run = Execution(
        jsonata("Pass", "A", assign={"x": 1}, next="T"),
        jsonata(
            "Task",
            "T",
            resource=SEND,
            assign={"x": "{% $states.result.r + $x %}"},
            output="{% {'x': $x, 'r': $states.result.r, 'i': $states.input.i} %}",
            next="Z",
        ),
        jsonata("Pass", "Z", output="{% [$x, $states.input] %}"),
    ).start('{"i":3}')
    run.succeed(output={"r": 5})
    assert run.output == '[6,{"x":1,"r":5,"i":3}]'


def test_a_failure_is_said_twice_and_points_before_its_state() -> None:
    run = Execution(jsonata("Pass", "A", next="B"), jsonata("Pass", "B", output="{% $no %}")).start()
    assert run.said[3:] == ["PassStateEntered B <3", "EvaluationFailed B <3", "ExecutionFailed <5"]
    cause = (
        "An error occurred while executing the state 'B' (entered at the event id #4). The JSONata "
        "expression '$no' specified for the field 'Output' returned nothing (undefined)."
    )
    assert run.details(5) == {
        "error": "States.QueryEvaluationError",
        "cause": cause,
        "location": "Output",
        "state": "B",
    }
    assert (run.error, run.cause) == ("States.QueryEvaluationError", cause)


def test_undefined_arguments_schedule_nothing() -> None:
    run = Execution(jsonata("Task", "T", resource=SEND, arguments="{% $no %}")).start()
    assert run.said[2:] == ["EvaluationFailed T <0", "ExecutionFailed <3"]
    assert not run.tasks


def test_a_map_says_that_it_failed() -> None:
    run = Execution(jsonata("Map", "M", processor=branch(jsonata("Pass", "A")), items="{% $no %}")).start()
    assert run.said[2:] == ["EvaluationFailed M <0", "MapStateFailed M <3", "ExecutionFailed <4"]


def test_a_failed_evaluation_can_be_caught() -> None:
    catch = (
        Catcher(
            errors=("States.QueryEvaluationError",),
            next="C",
            assign={"e": "{% $states.errorOutput.Error %}"},
            output="{% $states.errorOutput.Error & '!' %}",
        ),
    )
    run = Execution(
        jsonata("Task", "T", resource=SEND, arguments="{% $no %}", catch=catch),
        jsonata("Pass", "C", output="{% [$e, $states.input] %}"),
    ).start()
    assert run.output == '["States.QueryEvaluationError","States.QueryEvaluationError!"]'


def test_a_choice_takes_the_first_condition_that_holds() -> None:
    rules = (
        ChoiceRule(next="A", condition="{% $states.input.n > 5 %}"),
        ChoiceRule(
            next="A", condition="{% $states.input.n > 3 %}", output="{% 'three' %}", assign={"v": "{% 1 %}"}
        ),
    )
    states = (
        jsonata("Choice", "C", choices=rules, default="B"),
        jsonata("Pass", "A"),
        jsonata("Pass", "B", output=0),
    )
    assert Execution(*states).start('{"n":6}').output == '{"n":6}'
    assert Execution(*states).start('{"n":4}').output == '"three"'
    assert Execution(*states).start('{"n":1}').output == "0"


def test_a_condition_must_be_boolean() -> None:
    rules = (ChoiceRule(next="A", condition="{% 'yes' %}"),)
    run = Execution(jsonata("Choice", "C", choices=rules, default="A"), jsonata("Pass", "A")).start()
    assert run.cause is not None
    assert run.cause.endswith(
        "The JSONata expression ''yes'' specified for the field 'Choices[0]/Condition' returned an "
        "unexpected result type. Expected 'boolean', but was 'string' for value: \"yes\""
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"seconds": Given("{% $states.input.s %}")},
        {"timestamp": Given("{% $fromMillis($toMillis('2026-01-01T12:00:00Z') + 4000) %}")},
    ],
)
def test_a_wait_is_computed(fields: dict[str, Any]) -> None:
    run = Execution(jsonata("Wait", "W", **fields)).start('{"s":4}')
    run.fire()
    assert (run.at - run.moments[0]).total_seconds() == 4
    assert run.status is Status.SUCCEEDED


def test_a_map_selects_items() -> None:
    run = Execution(
        jsonata(
            "Map",
            "M",
            processor=branch(jsonata("Pass", "A")),
            items="{% $states.input.in %}",
            item_selector={
                "v": "{% $states.context.Map.Item.Value %}",
                "i": "{% $states.context.Map.Item.Index %}",
                "k": "{% $states.input.k %}",
            },
            output="{% $states.result.v %}",
            max_concurrency=Given("{% 1 %}"),
        )
    ).start('{"in":[5,6],"k":1}')
    assert run.output == "[5,6]"
    assert run.said[7] == "MapIterationStarted M <6"


def test_fail_computes_its_texts() -> None:
    run = Execution(jsonata("Fail", "F", error=Given("{% 'E' & 1 %}"), cause=Given("plain"))).start()
    assert (run.error, run.cause) == ("E1", "plain")


def test_chance_is_the_same_when_it_is_folded_again() -> None:
    states = (jsonata("Pass", "A", output="{% [$uuid(), $random(), $uuid()] %}"),)
    one, two = Execution(*states).start().output, Execution(*states).start().output
    assert one == two
    assert one is not None
    assert len(set(one.split(","))) == 3


def test_the_location_leads_to_the_expression() -> None:
    run = Execution(jsonata("Pass", "A", output={"v": ["{% $no %}"]})).start()
    assert run.details(3)["location"] == "Output/v[0]"
