from __future__ import annotations

from typing import Any

import pytest
from tests.support.stating import SEND, Execution, branch, state

from stepmill.core.statuses import StateMachineExecutionStatus as Status
from stepmill.language.states.definition import (
    AllOf,
    AnyOf,
    ChoiceRule,
    ChoiceTest,
    Comparison,
    Given,
    NotTrue,
)


def test_a_pass_gives_its_input_on() -> None:
    run = Execution(state("Pass", "A")).start('{ "a": 1.0 }')
    assert run.said == [
        "ExecutionStarted <0",
        "PassStateEntered A <0",
        "PassStateExited A <2",
        "ExecutionSucceeded <3",
    ]
    assert run.details(1) == {
        "input": '{ "a": 1.0 }',
        "inputDetails": {"truncated": False},
        "roleArn": "arn:aws:iam::123456789012:role/r",
    }
    assert run.details(2) == {"name": "A", "input": '{ "a": 1.0 }', "inputDetails": {"truncated": False}}
    assert run.details(3) == {"name": "A", "output": '{"a":1.0}', "outputDetails": {"truncated": False}}
    assert run.details(4) == {"output": '{"a":1.0}', "outputDetails": {"truncated": False}}
    assert (run.status, run.output) == (Status.SUCCEEDED, '{"a":1.0}')
    assert set(run.frames) == {"execution", "started"}


@pytest.mark.parametrize("value", ["null", "1", '"x"', "[]", "true"])
def test_every_value_is_an_input(value: str) -> None:
    assert Execution(state("Pass", "A")).start(value).output == value


@pytest.mark.parametrize(
    ("fields", "output"),
    [
        ({"result": {"r": 1}}, '{"r":1}'),
        ({"result": None}, "null"),
        ({"result": 7, "result_path": "$.x"}, '{"a":{"b":2},"x":7}'),
        ({"result": 7, "result_path": None}, '{"a":{"b":2}}'),
        ({"input_path": "$.a"}, '{"b":2}'),
        ({"input_path": None}, "{}"),
        ({"input_path": "$.a", "result_path": "$.x"}, '{"a":{"b":2},"x":{"b":2}}'),
        ({"output_path": "$.a.b"}, "2"),
        ({"output_path": None}, "{}"),
        ({"parameters": {"k": 1, "v.$": "$.a.b"}}, '{"k":1,"v":2}'),
        ({"input_path": "$.a", "parameters": {"v.$": "$.b", "all.$": "$"}}, '{"v":2,"all":{"b":2}}'),
        ({"parameters": {"in": [{"v.$": "$.a"}]}, "output_path": "$.in[0].v"}, '{"b":2}'),
        ({"parameters": {"v.$": "$$.Execution.Name", "s.$": "$$.State.Name"}}, '{"v":"e","s":"A"}'),
    ],
)
def test_a_pass_shapes_its_output(fields: dict[str, Any], output: str) -> None:
    assert Execution(state("Pass", "A", **fields)).start('{"a":{"b":2}}').output == output


def test_variables_are_set_together_and_seen_later() -> None:
    run = Execution(
        state("Pass", "A", next="B", assign={"x.$": "$.a", "y": 1}),
        state("Pass", "B", next="C", assign={"x.$": "$y", "y.$": "$x"}),
        state("Pass", "C", parameters={"x.$": "$x", "y.$": "$y"}),
    ).start('{"a":5}')
    assert run.output == '{"x":1,"y":5}'
    assert run.details(3)["assignedVariables"] == {"x": "5", "y": "1"}
    assert run.details(3)["assignedVariablesDetails"] == {"truncated": False}


def test_a_path_that_leads_nowhere_fails_and_nobody_can_catch_it() -> None:
    run = Execution(state("Pass", "A", input_path="$.no")).start("{}")
    assert run.said[2:] == ["ExecutionFailed <2"]
    assert run.status is Status.FAILED
    assert run.error == "States.Runtime"
    assert run.cause == (
        "An error occurred while executing the state 'A' (entered at the event id #2). "
        "Invalid path '$.no' : No results for path: $['no']"
    )
    assert run.details(3) == {"error": run.error, "cause": run.cause}


def test_a_template_says_what_it_looked_for_and_where() -> None:
    run = Execution(state("Pass", "A", parameters={"v.$": "$.no"})).start('{"a":1}')
    assert run.cause is not None
    assert run.cause.endswith(
        "The JSONPath '$.no' specified for the field 'v.$' could not be found in the input '{\"a\":1}'"
    )


def test_succeed_shapes_its_output_and_ends() -> None:
    run = Execution(state("Succeed", "S", input_path="$.a", output_path="$.b")).start('{"a":{"b":2}}')
    assert run.output == "2"
    assert run.said[1:] == ["SucceedStateEntered S <0", "SucceedStateExited S <2", "ExecutionSucceeded <3"]


def test_fail_ends_without_an_exit() -> None:
    run = Execution(state("Fail", "F", error=Given("E"), cause=Given("c"))).start()
    assert run.said[1:] == ["FailStateEntered F <0", "ExecutionFailed <2"]
    assert run.details(3) == {"error": "E", "cause": "c"}
    assert (run.status, run.error, run.cause) == (Status.FAILED, "E", "c")


def test_fail_without_anything_says_nothing() -> None:
    run = Execution(state("Fail", "F")).start()
    assert run.details(3) == {}
    assert (run.error, run.cause) == (None, None)


def test_fail_takes_its_texts_from_paths() -> None:
    run = Execution(state("Fail", "F", error=Given(path="$.e"), cause=Given(path="$.c"))).start(
        '{"e":"X","c":"y"}'
    )
    assert (run.error, run.cause) == ("X", "y")


# ---- Choice -------------------------------------------------------------------------------------


def choose(test: ChoiceTest, value: str, **fields: Any) -> Execution:
    rule = ChoiceRule(next="Yes", test=test)
    return Execution(
        state("Choice", "C", choices=(rule,), default="No", **fields),
        state("Pass", "Yes", result=True),
        state("Pass", "No", result=False),
    ).start(value)


def compare(operator: str, operand: Any, variable: str = "$.v") -> Comparison:
    return Comparison(variable, operator, operand)


def test_a_choice_leads_on_with_its_input() -> None:
    run = choose(compare("NumericEquals", 1), '{"v":1}')
    assert run.said[1:5] == [
        "ChoiceStateEntered C <0",
        "ChoiceStateExited C <2",
        "PassStateEntered Yes <3",
        "PassStateExited Yes <4",
    ]
    assert run.details(3)["output"] == '{"v":1}'


@pytest.mark.parametrize(
    ("operator", "operand", "value", "holds"),
    [
        ("StringEquals", "a", '"a"', True),
        ("StringEquals", "a", '"b"', False),
        ("StringEquals", "1", "1", False),
        ("StringLessThan", "b", '"a"', True),
        ("StringGreaterThan", "Z", '"a"', True),
        ("StringLessThanEquals", "a", '"a"', True),
        ("StringGreaterThanEquals", "b", '"a"', False),
        ("NumericEquals", 1, "1.0", True),
        ("NumericEquals", 1, "true", False),
        ("NumericLessThan", 2, "1.5", True),
        ("NumericGreaterThan", 2, "2", False),
        ("NumericGreaterThanEquals", 2, "2", True),
        ("NumericLessThanEquals", 2, "3", False),
        ("BooleanEquals", True, "true", True),
        ("BooleanEquals", True, "1", False),
        ("TimestampEquals", "2026-01-01T00:00:00Z", '"2026-01-01T01:00:00+01:00"', True),
        ("TimestampLessThan", "2026-01-01T00:00:00Z", '"2025-12-31T23:59:59.999Z"', True),
        ("TimestampGreaterThan", "2026-01-01T00:00:00Z", '"2026-01-01"', False),
        ("IsNull", True, "null", True),
        ("IsNull", False, "0", True),
        ("IsString", True, '""', True),
        ("IsNumeric", True, "1.5", True),
        ("IsNumeric", True, "false", False),
        ("IsBoolean", True, "false", True),
        ("IsTimestamp", True, '"2026-01-01T00:00:00Z"', True),
        ("IsTimestamp", True, '"2026-13-01T00:00:00Z"', False),
        ("IsPresent", True, "null", True),
        ("IsPresent", False, "null", False),
        ("StringMatches", "log-*.txt", '"log-1.txt"', True),
        ("StringMatches", "*", '""', True),
        ("StringMatches", "a*b*c", '"abc"', True),
        ("StringMatches", "a*a", '"a"', False),
        ("StringMatches", r"a\*", '"a*"', True),
        ("StringMatches", r"a\*", '"ab"', False),
        ("StringMatches", r"a\\*", r'"a\\b"', True),
        ("StringMatches", "a*", "1", False),
    ],
)
def test_every_operator(operator: str, operand: Any, value: str, holds: bool) -> None:
    assert choose(compare(operator, operand), f'{{"v":{value}}}').output == str(holds).lower()


def test_an_operand_may_come_from_a_path() -> None:
    assert choose(compare("NumericLessThanPath", "$.w"), '{"v":1,"w":2}').output == "true"
    assert choose(compare("StringEqualsPath", "$.w"), '{"v":"1","w":1}').output == "false"


def test_rules_are_joined() -> None:
    one, two = compare("NumericGreaterThan", 1), compare("NumericLessThan", 5)
    assert choose(AllOf((one, two)), '{"v":3}').output == "true"
    assert choose(AllOf((one, two)), '{"v":7}').output == "false"
    assert choose(AnyOf((one, two)), '{"v":7}').output == "true"
    assert choose(NotTrue(one), '{"v":7}').output == "false"


def test_presence_guards_what_follows() -> None:
    guarded = AllOf((compare("IsPresent", True), compare("NumericEquals", 1)))
    assert choose(guarded, "{}").output == "false"


@pytest.mark.parametrize("test", [compare("NumericEquals", 1), compare("IsNull", True)])
def test_a_variable_that_is_not_there_fails(test: Comparison) -> None:
    run = choose(test, "{}")
    assert run.error == "States.Runtime"
    assert run.cause == (
        "An error occurred while executing the state 'C' (entered at the event id #2). "
        "Invalid path '$.v': The choice state's condition path references an invalid value."
    )


def test_without_a_match_and_a_default_it_fails() -> None:
    run = Execution(
        state("Choice", "C", choices=(ChoiceRule(next="Yes", test=compare("NumericEquals", 1)),)),
        state("Pass", "Yes"),
    ).start('{"v":2}')
    assert run.said[2:] == ["ExecutionFailed <2"]
    assert run.error == "States.Runtime"
    assert run.cause == (
        "An error occurred while executing the state 'C' (entered at the event id #2). "
        "Failed to transition out of the state. The state does not point to a next state."
    )


# ---- Wait ---------------------------------------------------------------------------------------


def test_a_wait_goes_on_at_its_moment() -> None:
    run = Execution(state("Wait", "W", seconds=Given(10))).start('{"a":1}')
    assert run.said[1:] == ["WaitStateEntered W <0"]
    assert run.status is Status.RUNNING
    run.fire()
    assert (run.at - run.moments[0]).total_seconds() == 10
    assert run.said[2:] == ["WaitStateExited W <2", "ExecutionSucceeded <3"]
    assert run.output == '{"a":1}'
    assert not run.timers


@pytest.mark.parametrize(
    ("fields", "value", "seconds"),
    [
        ({"seconds": Given(path="$.s")}, '{"s":3}', 3),
        ({"timestamp": Given("2026-01-01T12:00:07Z")}, "{}", 7),
        ({"timestamp": Given(path="$.t")}, '{"t":"2026-01-01T13:00:00+00:59"}', 60),
    ],
)
def test_the_moment_may_be_computed(fields: dict[str, Any], value: str, seconds: int) -> None:
    run = Execution(state("Wait", "W", **fields)).start(value)
    run.fire()
    assert (run.at - run.moments[0]).total_seconds() == seconds
    assert run.status is Status.SUCCEEDED


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"seconds": Given(path="$.s")}, '{"s":0}'),
        ({"timestamp": Given("2020-01-01T00:00:00Z")}, "{}"),
    ],
)
def test_a_moment_that_has_passed_is_not_waited_for(fields: dict[str, Any], value: str) -> None:
    assert Execution(state("Wait", "W", **fields)).start(value).status is Status.SUCCEEDED


@pytest.mark.parametrize(
    ("fields", "value", "cause"),
    [
        (
            {"seconds": Given(path="$.s")},
            '{"s":-1}',
            "The SecondsPath parameter references a negative value: $.s == -1",
        ),
        (
            {"seconds": Given(path="$.s")},
            '{"s":1.5}',
            "The SecondsPath parameter cannot be parsed as a long value: $.s == 1.5",
        ),
        (
            {"timestamp": Given(path="$.t")},
            '{"t":"2026-01-01"}',
            "does not reference a valid ISO-8601 extended offset date-time format string: $.t == 2026-01-01",
        ),
        ({"seconds": Given(path="$.s")}, '{"s":99999999999}', "Wait state delay is too long."),
    ],
)
def test_a_moment_that_is_none_fails(fields: dict[str, Any], value: str, cause: str) -> None:
    run = Execution(state("Wait", "W", **fields)).start(value)
    assert run.error == "States.Runtime"
    assert run.cause is not None
    assert run.cause.endswith(cause)


# ---- bursts -------------------------------------------------------------------------------------


def test_an_endless_loop_can_be_stopped() -> None:
    run = Execution(state("Pass", "A", next="A")).start()
    for _ in range(3):
        before = len(run.history)
        run.fire()
        assert 0 < len(run.history) - before <= 1100
    run.stop("E", "c")
    assert run.said[-1] == "ExecutionAborted <0"
    assert run.details(len(run.history)) == {"error": "E", "cause": "c"}
    assert (run.status, run.error, run.cause) == (Status.ABORTED, "E", "c")
    assert run.fire_all().said[-1] == "ExecutionAborted <0"


def test_a_history_has_an_end_only_in_parity() -> None:
    run = Execution(state("Pass", "A", next="A"), parity=True).start()
    run.fire_all()
    assert run.said[-2:] == ["PassStateExited A <24998", "ExecutionFailed <24999"]
    assert len(run.history) == 25_000
    assert run.error == "States.Runtime"
    assert run.cause == "The execution reached the maximum number of history events (25000)."


def test_a_machine_that_takes_too_long_ends() -> None:
    run = Execution(state("Wait", "W", seconds=Given(100)), timeout_s=5).start()
    run.fire()
    assert run.said[2:] == ["ExecutionTimedOut <0"]
    assert run.details(3) == {"error": "States.Timeout"}
    assert (run.error, run.cause) == (None, None)
    assert run.status is Status.TIMED_OUT
    assert not run.timers


def test_a_machine_in_time_forgets_its_timer() -> None:
    run = Execution(state("Pass", "A"), timeout_s=5).start()
    assert run.status is Status.SUCCEEDED
    assert not run.timers


def test_intrinsic_functions_are_called() -> None:
    run = Execution(
        state(
            "Pass",
            "A",
            parameters={"s.$": "States.Format('{}!', $$.State.Name)", "u.$": "States.UUID()"},
            next="F",
        ),
        state("Fail", "F", cause=Given(path="States.Format('{} {}', $.s, $.u)")),
    ).start()
    assert run.cause is not None
    word, unique = run.cause.split(" ")
    assert word == "A!"
    assert len(unique) == 36


def test_a_cause_quotes_the_input_as_it_was_written() -> None:
    run = Execution(state("Pass", "A", parameters={"v.$": "$.no"})).start('{ "a": 1 }')
    assert run.cause is not None
    assert run.cause.endswith("could not be found in the input '{ \"a\": 1 }'")


def test_a_cause_quotes_what_the_template_saw() -> None:
    fields: dict[str, Any] = {"input_path": "$.a", "parameters": {"v.$": "$.no"}}
    run = Execution(state("Pass", "A", **fields)).start('{ "a": {"b": 1} }')
    assert run.cause is not None
    assert run.cause.endswith("could not be found in the input '{\"b\":1}'")


def test_a_cut_burst_forgets_no_branch_that_waits_for_its_turn() -> None:
    loop = branch(state("Pass", "L", next="L"))
    later = branch(state("Task", "T", resource=SEND, next="M"), state("Pass", "M", next="M"))
    run = Execution(state("Parallel", "P", branches=(loop, later))).start()
    run.fire()
    run.succeed("T")
    before = len(run.history)
    for _ in range(4):
        run.fire()
    assert {event.step for event in run.history[before:]} == {"L", "M"}


@pytest.mark.parametrize("digits", [20, 400, 4000])
def test_no_number_is_too_large_to_be_refused(digits: int) -> None:
    number = "1" * digits
    run = Execution(state("Wait", "W", seconds=Given(path="$"))).start(number)
    assert run.cause is not None
    assert run.cause.endswith("Wait state delay is too long.")
    chosen = choose(compare("NumericLessThan", 1.5), f'{{"v":{number}}}')
    assert chosen.output == "false"
    timed = Execution(state("Task", "T", resource=SEND, timeout=Given(path="$"))).start(number)
    assert timed.error == "States.Runtime"
