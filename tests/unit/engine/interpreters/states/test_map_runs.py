from __future__ import annotations

from typing import Any

import pytest
from tests.support.stating import Execution, branch, state

from stepmill.core.json import Json
from stepmill.core.statuses import StateMachineExecutionStatus as Status
from stepmill.core.tasks import TaskFailed
from stepmill.engine.interpreters.states.frames import MapRunFrame, MapRunStatus
from stepmill.language.states.definition import (
    Catcher,
    ExecutionType,
    Given,
    ItemBatcher,
    ItemReader,
    ProcessorMode,
    ResultWriter,
    Retrier,
)

ALL = ("States.ALL",)
READER = ItemReader(resource="arn:aws:states:::s3:getObject", arguments={"Bucket": "b", "Key.$": "$.key"})


def distributed(**fields: Any) -> Any:
    return state("Map", "M", processor=branch(state("Pass", "A")), mode=ProcessorMode.DISTRIBUTED, **fields)


def run_frame(run: Execution) -> MapRunFrame:
    (found,) = [frame for frame in run.frames.values() if isinstance(frame, MapRunFrame)]
    return found


def end(run: Execution, index: int, output: Json = None, error: str = "", **metadata: Json) -> None:
    task = next(
        each
        for each in run.tasks.values()
        if isinstance(each.payload, dict) and each.payload.get("index") == index
    )
    if error:
        run.report(TaskFailed(run.tasks.pop(task.id).id, error, "why", metadata))
    else:
        run.tasks = {task.id: task, **run.tasks}
        run.succeed(output=output)


def payloads(run: Execution) -> list[Json]:
    return [task.payload["input"] for task in run.tasks.values() if isinstance(task.payload, dict)]


def test_each_item_is_an_execution() -> None:
    run = Execution(distributed(label="L", execution_type=ExecutionType.EXPRESS)).start("[7,8]")
    first = run.task()
    assert first.resource == "stepmill:startIteration"
    assert isinstance(first.payload, dict)
    arn = first.payload["mapRunArn"]
    assert isinstance(arn, str)
    assert arn.startswith("arn:aws:states:us-west-2:123456789012:mapRun:m/L:")
    assert first.payload["processor"] == "/States/M"
    assert (first.payload["executionType"], first.payload["label"]) == ("EXPRESS", "L")
    assert payloads(run) == [7, 8]
    end(run, 1, output="b")
    end(run, 0, output="a")
    assert run.said[1:] == [
        "MapStateEntered M <0",
        "MapStateStarted M <2",
        "MapRunStarted M <3",
        "MapRunSucceeded M <4",
        "MapStateSucceeded M <4",
        "MapStateExited M <4",
        "ExecutionSucceeded <7",
    ]
    assert run.details(3) == {"length": 2}
    assert run.details(4) == {"mapRunArn": arn}
    assert run.output == '["a","b"]'
    frame = run_frame(run)
    assert (frame.status, frame.items.succeeded, frame.iterations.total) == (MapRunStatus.SUCCEEDED, 2, 2)
    assert set(run.frames) == {"execution", "started", "run/4"}


def test_no_items_no_executions() -> None:
    run = Execution(distributed()).start("[]")
    assert run.output == "[]"
    assert not run.all_tasks


def test_items_are_read_page_by_page() -> None:
    run = Execution(distributed(reader=READER, max_concurrency=Given(2))).start('{"key":"k"}')
    assert run.details(3) == {"length": 0}
    assert run.task().resource == "stepmill:readItems"
    assert run.task().payload == {
        "resource": "arn:aws:states:::s3:getObject",
        "arguments": {"Bucket": "b", "Key": "k"},
        "config": {},
        "cursor": None,
        "limit": 500,
    }
    run.succeed(output={"items": [1, 2, 3], "cursor": {"at": 3}})
    reads = [task for task in run.tasks.values() if task.resource == "stepmill:readItems"]
    assert [task.payload["cursor"] for task in reads if isinstance(task.payload, dict)] == [{"at": 3}]
    end(run, 0, output="a")
    run.tasks = {reads[0].id: reads[0], **run.tasks}
    run.succeed(output={"items": [4], "cursor": None})
    for index in (1, 2, 3):
        end(run, index, output=index)
    assert run.output == '["a",1,2,3]'


def test_a_reader_that_fails_fails_the_run() -> None:
    run = Execution(distributed(reader=READER)).start('{"key":"k"}')
    run.fail(error="States.ItemReaderFailed", cause="field MaxItems must be positive")
    assert run.said[4:] == ["MapRunFailed M <4", "MapStateFailed M <5", "ExecutionFailed <6"]
    assert run.details(5) == {"error": "States.ItemReaderFailed", "cause": "field MaxItems must be positive"}
    assert run_frame(run).status is MapRunStatus.FAILED


def test_how_many_items_may_be_read_is_computed() -> None:
    reader = ItemReader(resource=READER.resource, config={"InputType": "CSV", "MaxItemsPath": "$.n"})
    run = Execution(distributed(reader=reader)).start('{"n":5}')
    assert isinstance(run.task().payload, dict)
    assert run.task().payload["config"] == {"InputType": "CSV", "MaxItems": 5}  # type: ignore[call-overload,index]
    refused = Execution(distributed(reader=reader)).start('{"n":1.5}')
    assert refused.error == "States.Runtime"
    assert refused.cause is not None
    assert refused.cause.endswith(
        'The MaxItemsPath field refers to value "1.5" which is not a valid integer: $.n'
    )


@pytest.mark.parametrize(
    ("batcher", "inputs"),
    [
        (ItemBatcher(max_items=Given(2)), [{"Items": [1, 2]}, {"Items": [3, 4]}, {"Items": [5]}]),
        (
            ItemBatcher(max_items=Given(3), batch_input={"k.$": "$.k"}),
            [{"BatchInput": {"k": "K"}, "Items": [1, 2, 3]}, {"BatchInput": {"k": "K"}, "Items": [4, 5]}],
        ),
        (ItemBatcher(max_bytes=Given(16)), [{"Items": [1, 2]}, {"Items": [3, 4]}, {"Items": [5]}]),
    ],
)
def test_items_come_in_batches(batcher: ItemBatcher, inputs: list[Json]) -> None:
    run = Execution(distributed(items_path="$.in", batcher=batcher)).start('{"in":[1,2,3,4,5],"k":"K"}')
    assert payloads(run) == inputs
    frame = run_frame(run)
    assert (frame.items.total, frame.items.running, frame.iterations.total) == (5, 5, len(inputs))


def test_items_are_selected() -> None:
    run = Execution(
        distributed(item_selector={"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "k.$": "$[0]"})
    ).start("[5,6]")
    assert payloads(run) == [{"i": 0, "v": 5, "k": 5}, {"i": 1, "v": 6, "k": 5}]


@pytest.mark.parametrize(
    ("fields", "failures", "is_borne"),
    [
        ({}, 1, False),
        ({"tolerated_failures": Given(2)}, 2, True),
        ({"tolerated_failures": Given(2)}, 3, False),
        ({"tolerated_percentage": Given(50)}, 2, True),
        ({"tolerated_percentage": Given(50)}, 3, False),
        ({"tolerated_percentage": Given(100)}, 4, True),
        ({"tolerated_percentage": Given(100), "tolerated_failures": Given(1)}, 2, False),
        ({"tolerated_failures": Given(path="$[0]")}, 1, True),
    ],
)
def test_so_many_failures_are_borne(fields: dict[str, Any], failures: int, is_borne: bool) -> None:
    run = Execution(distributed(**fields)).start("[1,2,3,4]")
    for index in range(failures):
        end(run, index, error="E")
    for index in range(failures, 4):
        if run.status is Status.RUNNING:
            end(run, index, output=index)
    assert (run.status is Status.SUCCEEDED) == is_borne
    if is_borne:
        assert run.output == str(list(range(failures, 4))).replace(" ", "")
    else:
        assert run.error == "States.ExceedToleratedFailureThreshold"
        assert run.cause == "The specified tolerated failure threshold was exceeded"
        assert run.said[-3:] == ["MapRunFailed M <4", "MapStateFailed M <5", "ExecutionFailed <6"]
        assert set(run.stopped) == set(run.tasks)


@pytest.mark.parametrize(
    ("fields", "value", "cause"),
    [
        ({"tolerated_failures": Given(path="$.n")}, "-1", "ToleratedFailureCount cannot be negative."),
        (
            {"tolerated_failures": Given(path="$.n")},
            '"x"',
            'The ToleratedFailureCountPath field refers to value "x" which is not a valid integer: $.n',
        ),
        (
            {"tolerated_percentage": Given(path="$.n")},
            "101",
            "ToleratedFailurePercentage must be between 0 and 100.",
        ),
        (
            {"tolerated_percentage": Given(path="$.n")},
            "1" * 400,
            "ToleratedFailurePercentage must be between 0 and 100.",
        ),
        (
            {"tolerated_percentage": Given(path="$.n")},
            '"x"',
            'The ToleratedFailurePercentagePath field refers to value "x" which is not a valid float: $.n',
        ),
    ],
)
def test_a_tolerance_out_of_range_fails_after_the_start(
    fields: dict[str, Any], value: str, cause: str
) -> None:
    run = Execution(distributed(items_path="$.in", **fields)).start('{"in":[1],"n":' + value + "}")
    assert run.said[2:] == ["MapStateStarted M <2", "ExecutionFailed <2"]
    assert run.error == "States.Runtime"
    assert run.cause is not None
    assert run.cause.endswith(cause)


def test_results_are_written_outside() -> None:
    writer = ResultWriter(resource="arn:aws:states:::s3:putObject", arguments={"Bucket": "b"})
    run = Execution(distributed(writer=writer)).start("[1]")
    end(run, 0, output="x")
    task = run.task()
    assert task.resource == "stepmill:writeResults"
    assert isinstance(task.payload, dict)
    assert (task.payload["arguments"], task.payload["config"]) == ({"Bucket": "b"}, {})
    run.succeed(output={"MapRunArn": "arn"})
    assert run.output == '{"MapRunArn":"arn"}'
    assert run_frame(run).items.written == 1


def test_a_writer_may_only_flatten() -> None:
    run = Execution(distributed(writer=ResultWriter(config={"Transformation": "FLATTEN"}))).start("[1,2]")
    end(run, 0, output=[1, 2])
    end(run, 1, output=3)
    assert run.output == "[1,2,3]"


def test_ends_are_counted() -> None:
    run = Execution(distributed(tolerated_failures=Given(9))).start("[1,2,3,4]")
    end(run, 0, error="States.Timeout", status="TIMED_OUT")
    end(run, 1, error="E", status="ABORTED")
    end(run, 2, error="E")
    counts = run_frame(run).iterations
    assert (counts.timed_out, counts.aborted, counts.failed, counts.running, counts.pending) == (
        1,
        1,
        1,
        1,
        0,
    )


def test_a_stopped_execution_stops_its_iterations() -> None:
    run = Execution(distributed()).start("[1,2]")
    run.stop()
    assert set(run.stopped) == set(run.tasks)
    assert run_frame(run).status is MapRunStatus.ABORTED
    run.end_stopped()
    assert run.said[4:] == ["ExecutionAborted <0"]


def test_a_failed_sibling_aborts_the_run() -> None:
    run = Execution(
        state("Parallel", "P", branches=(branch(distributed()), branch(state("Fail", "F"))))
    ).start("[1]")
    assert run.said[6:] == [
        "FailStateEntered F <3",
        "MapRunAborted M <6",
        "MapStateAborted M <8",
        "ParallelStateFailed P <7",
        "ExecutionFailed <10",
    ]


def test_a_failed_run_is_retried_and_caught() -> None:
    run = Execution(
        distributed(retry=(Retrier(errors=ALL, max_attempts=1),), catch=(Catcher(errors=ALL, next="C"),)),
        state("Pass", "C"),
    ).start("[1]")
    end(run, 0, error="E")
    run.fire()
    assert run.said[4:9] == [
        "MapRunFailed M <4",
        "MapStateFailed M <5",
        "MapStateStarted M <6",
        "MapRunStarted M <7",
        *run.said[8:9],
    ]
    end(run, 0, error="E")
    assert run.status is Status.SUCCEEDED
    assert {key for key in run.frames if "/" in key} == {"run/4", "run/8"}


def test_no_more_executions_at_once_than_allowed() -> None:
    run = Execution(distributed(max_concurrency=Given(3))).start(str(list(range(10))))
    for index in range(10):
        assert len(run.tasks) == min(3, 10 - index)
        end(run, index, output=index)
    assert run.output == "[0,1,2,3,4,5,6,7,8,9]"


def test_an_iteration_writes_little() -> None:
    run = Execution(distributed(max_concurrency=Given(2))).start(str(list(range(3000))))
    sizes = []
    for index in range(2000):
        outcome = run.succeed(output=index)
        sizes.append(sum(len(run.texts[key]) for key in outcome.frames if key in run.texts))
    assert max(sizes) < 2500


def test_what_an_execution_gets_may_fail_to_be_computed() -> None:
    run = Execution(distributed(jsonata=True, item_selector="{% $no %}")).start("[1]")
    assert run.said[3:] == [
        "MapRunStarted M <3",
        "MapRunFailed M <4",
        "EvaluationFailed M <0",
        "MapStateFailed M <6",
        "ExecutionFailed <7",
    ]
    fatal = Execution(distributed(item_selector={"v.$": "$.no"})).start("[1]")
    assert fatal.said[3:] == ["MapRunStarted M <3", "MapRunFailed M <4", "ExecutionFailed <5"]
