"""Fields of JSONPath states inside an execution: functions, templates and paths, and how they fail it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.stating import Execution, state

from stepmill.core.statuses import StateMachineExecutionStatus as Status


@pytest.mark.parametrize(
    ("parameters", "output"),
    [
        ({"v.$": "States.Format('{} of {}', $.a, $$.Execution.Name)"}, '{"v":"1 of e"}'),
        ({"v.$": "States.ArrayRange(1, 9, 4)"}, '{"v":[1,5,9]}'),
        ({"v.$": "States.MathAdd($.a, 1.5)"}, '{"v":3}'),
        ({"v.$": "$.none[*]"}, '{"v":[]}'),
        ({"v": "States.UUID()"}, '{"v":"States.UUID()"}'),
    ],
)
def test_a_template_may_call_functions(parameters: dict[str, Any], output: str) -> None:
    assert Execution(state("Pass", "A", parameters=parameters)).start('{"a":1}').output == output


def test_what_is_drawn_is_drawn_anew_in_every_state() -> None:
    draw = {"a.$": "States.UUID()", "b.$": "States.UUID()"}
    run = Execution(
        state("Pass", "A", next="B", parameters=draw, result_path="$.first"),
        state("Pass", "B", next="C", parameters=draw, result_path="$.second"),
        state("Pass", "C", parameters={"n.$": "States.ArrayLength(States.ArrayUnique($.all))"}),
    ).start('{"all":[1,1]}')
    assert run.output == '{"n":1}'
    output = run.details(5)["output"]
    assert len({part for part in output.split('"') if part.count("-") == 4}) == 4


@pytest.mark.parametrize(
    ("fields", "error", "cause"),
    [
        (
            {"parameters": {"v.$": "$.n"}},
            "States.Runtime",
            "The JSONPath '$.n' specified for the field 'v.$' could not be found in the input '{ \"a\": 1 }'",
        ),
        (
            {"parameters": {"v.$": "States.Hash($.a, 1)"}},
            "States.Runtime",
            "The function 'States.Hash($.a, 1)' had the following error: Invalid arguments in States.Hash",
        ),
        (
            {"output_path": "$.a.length()"},
            "States.Runtime",
            "Invalid path '$.a.length()' : Property ['length()'] not found in path $['a']",
        ),
        (
            {"result": 1, "result_path": "$.a.b"},
            "States.ReferencePathConflict",
            'Unable to apply step "b" to input {"a":1}',
        ),
    ],
    ids=["template", "function", "path", "result"],
)
def test_a_field_that_cannot_be_evaluated_fails_the_execution(
    fields: dict[str, Any], error: str, cause: str
) -> None:
    run = Execution(state("Pass", "A", **fields)).start('{ "a": 1 }')
    where = "An error occurred while executing the state 'A' (entered at the event id #2). "
    assert run.status is Status.FAILED
    assert run.details(3) == {"error": error, "cause": where + cause}
