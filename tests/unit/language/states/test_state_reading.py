from __future__ import annotations

from typing import Any

import pytest

from stepmill.language.states.checking import read
from stepmill.language.states.definition import (
    ABSENT,
    ChoiceRule,
    ChoiceState,
    Comparison,
    ExecutionType,
    FailState,
    Given,
    Jitter,
    MapState,
    NotTrue,
    ParallelState,
    PassState,
    ProcessorMode,
    Retrier,
    TaskState,
    WaitState,
)
from support.small_machines import FUNCTION, alone, jsonata, machine, state_of, told

BRANCH = {"StartAt": "X", "States": {"X": {"Type": "Pass", "End": True}}}
DISTRIBUTED = {**BRANCH, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}}


def test_a_pass_keeps_what_it_gives() -> None:
    state = state_of(
        alone(Type="Pass", Result=None, ResultPath=None, InputPath=None, OutputPath="$.a", Comment="c")
    )
    assert isinstance(state, PassState)
    assert (state.result, state.result_path, state.input_path, state.output_path) == (None, None, None, "$.a")
    assert (state.parameters, state.comment, state.path, state.next) == (ABSENT, "c", "/States/A", None)


@pytest.mark.parametrize("template", [{"a": 1}, ["$.b", {"x.$": "$.y"}], "text", 3])
def test_a_template_may_be_any_json(template: Any) -> None:
    state = state_of(alone(Type="Pass", Parameters=template))
    assert isinstance(state, PassState)
    assert state.parameters == template


def test_a_jsonata_pass_has_an_output() -> None:
    state = state_of(jsonata(Type="Pass", Output={"a": "{% $states.input.b %}"}, Assign={"v": "{% 1 %}"}))
    assert (state.output, state.assign) == ({"a": "{% $states.input.b %}"}, {"v": "{% 1 %}"})


def test_a_task_is_read_with_all_that_it_can_have() -> None:
    retry = [
        {
            "ErrorEquals": ["E"],
            "IntervalSeconds": 2,
            "MaxAttempts": 0,
            "BackoffRate": 1.5,
            "MaxDelaySeconds": 9,
        }
    ]
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "B", "ResultPath": "$.error"}]
    states = {
        "A": {
            "Type": "Task",
            "Resource": FUNCTION,
            "Parameters": {"a.$": "$.b"},
            "ResultSelector": {"c.$": "$.d"},
            "TimeoutSeconds": 10,
            "HeartbeatSecondsPath": "$.beat",
            "Credentials": {"RoleArn": "arn:aws:iam::123456789012:role/r"},
            "Retry": retry,
            "Catch": catch,
            "Next": "B",
        },
        "B": {"Type": "Succeed"},
    }
    state = state_of(machine(states))
    assert isinstance(state, TaskState)
    assert state.arguments == {"a.$": "$.b"}
    assert state.result_selector == {"c.$": "$.d"}
    assert (state.timeout, state.heartbeat) == (Given(10), Given(path="$.beat"))
    assert state.retry == (
        Retrier(errors=("E",), interval_s=2, max_attempts=0, backoff_rate=1.5, max_delay_s=9),
    )
    assert (state.catch[0].next, state.catch[0].result_path) == ("B", "$.error")


def test_what_is_left_out_has_the_language_s_defaults() -> None:
    state = state_of(alone(Type="Task", Resource=FUNCTION, Retry=[{"ErrorEquals": ["E"]}]))
    assert isinstance(state, TaskState)
    assert state.retry == (
        Retrier(
            errors=("E",),
            interval_s=1,
            max_attempts=3,
            backoff_rate=2.0,
            max_delay_s=None,
            jitter=Jitter.NONE,
        ),
    )
    assert (state.timeout, state.arguments, state.result_path) == (None, ABSENT, "$")


def test_a_jsonata_task_may_compute_its_timeout() -> None:
    state = state_of(
        jsonata(
            Type="Task",
            Resource=FUNCTION,
            TimeoutSeconds="{% $states.input.t %}",
            Arguments={"x": 1},
        )
    )
    assert isinstance(state, TaskState)
    assert (state.timeout, state.arguments) == (Given("{% $states.input.t %}"), {"x": 1})


@pytest.mark.parametrize(
    ("fields", "seconds", "timestamp"),
    [
        ({"Seconds": 5}, Given(5), None),
        ({"Seconds": 0}, Given(0), None),
        ({"SecondsPath": "$.s"}, Given(path="$.s"), None),
        ({"Timestamp": "2026-01-01T00:00:00Z"}, None, Given("2026-01-01T00:00:00Z")),
        ({"Timestamp": "2026-01-01T00:00:00.25+02:00"}, None, Given("2026-01-01T00:00:00.25+02:00")),
        ({"TimestampPath": "$$.Execution.StartTime"}, None, Given(path="$$.Execution.StartTime")),
    ],
)
def test_a_wait_waits_for_one_thing(
    fields: dict[str, Any], seconds: Given | None, timestamp: Given | None
) -> None:
    state = state_of(alone(Type="Wait", **fields))
    assert isinstance(state, WaitState)
    assert (state.seconds, state.timestamp) == (seconds, timestamp)


def test_a_fail_may_read_its_error() -> None:
    state = state_of(alone(Type="Fail", ErrorPath="$.e", CausePath="States.Format('x {}', $.c)"))
    assert isinstance(state, FailState)
    assert (state.error, state.cause) == (Given(path="$.e"), Given(path="States.Format('x {}', $.c)"))


def test_the_rules_of_a_choice_nest() -> None:
    rule = {
        "Not": {"Or": [{"Variable": "$.a", "StringEquals": "x"}, {"Variable": "$.b", "IsNull": False}]},
        "Next": "B",
        "Assign": {"v": 1},
    }
    state = state_of(alone(Type="Choice", Choices=[rule], Default="B"))
    assert isinstance(state, ChoiceState)
    assert state.default == "B"
    found = state.choices[0]
    assert isinstance(found.test, NotTrue)
    assert found.test.rule.rules[0] == Comparison("$.a", "StringEquals", "x")  # type: ignore[union-attr]
    assert found.assign == {"v": 1}


def test_a_jsonata_rule_has_a_condition() -> None:
    rule = {"Condition": "{% $states.input.n > 1 %}", "Next": "B", "Output": {"taken": True}}
    state = state_of(jsonata(Type="Choice", Choices=[rule, {"Condition": True, "Next": "B"}]))
    assert isinstance(state, ChoiceState)
    assert state.choices[0] == ChoiceRule(
        next="B", condition="{% $states.input.n > 1 %}", output={"taken": True}
    )


def test_a_parallel_has_branches() -> None:
    state = state_of(alone(Type="Parallel", Branches=[BRANCH]))
    assert isinstance(state, ParallelState)
    assert state.branches[0].states["X"].path == "/States/A/Branches[0]/States/X"


def test_a_map_in_the_old_words() -> None:
    state = state_of(
        alone(Type="Map", Iterator=BRANCH, Parameters={"i.$": "$$.Map.Item.Value"}, ItemsPath="$.items")
    )
    assert isinstance(state, MapState)
    assert (state.is_legacy, state.mode, state.items_path) == (True, ProcessorMode.INLINE, "$.items")
    assert (state.item_selector, state.arguments) == ({"i.$": "$$.Map.Item.Value"}, ABSENT)


def test_a_distributed_map_with_all_that_it_can_have() -> None:
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "Parameters": {"Bucket.$": "$.b", "Key": "k"},
        "ReaderConfig": {
            "InputType": "CSV",
            "CSVHeaderLocation": "GIVEN",
            "CSVHeaders": ["a"],
            "MaxItems": 5,
        },
    }
    writer = {
        "Resource": "arn:aws:states:::s3:putObject",
        "Parameters": {"Bucket": "b", "Prefix": "p"},
        "WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSONL"},
    }
    state = state_of(
        alone(
            Type="Map",
            ItemProcessor=DISTRIBUTED,
            ItemReader=reader,
            ItemBatcher={"MaxItemsPerBatch": 10, "MaxInputBytesPerBatchPath": "$.m", "BatchInput": {"x": 1}},
            ResultWriter=writer,
            MaxConcurrency=7,
            ToleratedFailureCountPath="$.count",
            ToleratedFailurePercentage=12.5,
            Label="each",
        )
    )
    assert isinstance(state, MapState)
    assert (state.mode, state.execution_type) == (ProcessorMode.DISTRIBUTED, ExecutionType.EXPRESS)
    assert state.reader is not None
    assert state.reader.config == reader["ReaderConfig"]
    assert state.batcher is not None
    assert (state.batcher.max_items, state.batcher.max_bytes) == (Given(10), Given(path="$.m"))
    assert state.writer is not None
    assert state.writer.arguments == {"Bucket": "b", "Prefix": "p"}
    assert (state.max_concurrency, state.tolerated_failures) == (Given(7), Given(path="$.count"))
    assert (state.tolerated_percentage, state.label) == (Given(12.5), "each")


def test_a_jsonata_map_has_items() -> None:
    state = state_of(
        jsonata(Type="Map", ItemProcessor=BRANCH, Items="{% $states.input.items %}", MaxConcurrency=2)
    )
    assert isinstance(state, MapState)
    assert (state.items, state.max_concurrency) == ("{% $states.input.items %}", Given(2))


def test_a_rule_of_choice_must_be_one_test() -> None:
    rule = {"Variable": "$.a", "StringEquals": "x", "IsNull": True, "Next": "B"}
    place, message = told(alone(Type="Choice", Choices=[rule], Default="B"))
    assert place == "/States/A/Choices[0]"
    assert message.startswith("There should only be one of the following fields: [StringEquals, ")


def test_a_machine_may_have_a_timeout_of_zero_that_never_comes() -> None:
    found = read(machine({"A": {"Type": "Succeed"}}, TimeoutSeconds=0))
    assert found.timeout_s is None
