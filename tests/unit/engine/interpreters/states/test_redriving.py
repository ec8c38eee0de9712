from __future__ import annotations

from tests.support.stating import SEND, Execution, branch, state
from tests.unit.engine.interpreters.states.test_map_runs import distributed, end, run_frame

from stepmill.core.statuses import StateMachineExecutionStatus as Status
from stepmill.engine.interpreters.states.frames import MapRunStatus
from stepmill.language.states.definition import Given, ItemReader, ProcessorMode, Retrier

RETRY = (Retrier(errors=("States.ALL",), max_attempts=1),)


def test_a_failed_task_is_scheduled_again_with_its_input() -> None:
    run = Execution(state("Pass", "A", next="T", result_path="$.a"), state("Task", "T", resource=SEND)).start(
        '{"x":1}'
    )
    payload = run.task().payload
    run.fail()
    ended = len(run.history)
    run.redrive()
    assert run.status is Status.RUNNING
    assert run.task().payload == payload
    run.succeed(output=1)
    assert run.said[ended:] == [
        f"ExecutionRedriven <{ended}",
        f"TaskScheduled T <{ended + 1}",
        f"TaskStarted T <{ended + 2}",
        f"TaskSucceeded T <{ended + 3}",
        f"TaskStateExited T <{ended + 4}",
        f"ExecutionSucceeded <{ended + 5}",
    ]
    assert run.details(ended + 1) == {"redriveCount": 1}
    assert run.output == "1"


def test_an_execution_can_be_redriven_again_and_retries_count_anew() -> None:
    run = Execution(state("Task", "T", resource=SEND, retry=RETRY, timeout=Given(100))).start()
    for count in range(3):
        run.fail()
        run.fire()
        run.fail()
        assert run.status is Status.FAILED
        assert not run.timers
        run.redrive()
        assert run.history[-2].body["executionRedrivenEventDetails"] == {"redriveCount": count + 1}
    run.succeed()
    assert run.status is Status.SUCCEEDED


def test_what_has_succeeded_or_runs_is_left_alone() -> None:
    run = Execution(state("Task", "T", resource=SEND)).start()
    assert run.redrive().is_empty
    run.succeed()
    assert run.redrive().is_empty


def test_a_fail_state_is_entered_again() -> None:
    run = Execution(state("Fail", "F", error=Given("E"))).start()
    run.redrive()
    assert run.said[2:] == [
        "ExecutionFailed <2",
        "ExecutionRedriven <3",
        "FailStateEntered F <4",
        "ExecutionFailed <5",
    ]


def test_the_context_knows() -> None:
    run = Execution(state("Task", "T", resource=SEND, arguments={"n.$": "$$.Execution.RedriveCount"})).start()
    run.fail()
    run.wait(60).redrive()
    assert run.task().payload == {"n": 1}


def test_only_the_branches_that_failed_or_were_stopped_go_on() -> None:
    run = Execution(
        state(
            "Parallel",
            "P",
            branches=(
                branch(state("Task", "A", resource=SEND)),
                branch(state("Task", "B", resource=SEND)),
                branch(state("Task", "C", resource=SEND)),
            ),
        )
    ).start()
    run.succeed("A", output="a")
    run.fail("B")
    run.end_stopped()
    run.redrive()
    assert [task.step for task in run.tasks.values()] == ["B", "C"]
    run.succeed("B", output="b")
    run.succeed("C", output="c")
    assert run.output == '["a","b","c"]'


def test_a_map_goes_on_with_what_it_had_not_begun() -> None:
    run = Execution(
        state("Map", "M", processor=branch(state("Task", "A", resource=SEND)), max_concurrency=Given(2))
    ).start("[1,2,3,4]")
    run.succeed(output=1)
    run.fail()
    run.end_stopped()
    run.redrive()
    while run.tasks:
        run.succeed(output=run.task().payload)
    assert run.output == "[1,2,3,4]"


def test_a_stopped_or_late_execution_goes_on() -> None:
    run = Execution(
        state("Wait", "W", seconds=Given(10), next="T"), state("Task", "T", resource=SEND), timeout_s=5
    ).start()
    run.fire()
    assert run.status is Status.TIMED_OUT
    run.redrive()
    assert run.status is Status.RUNNING
    assert len(run.timers) == 2
    run.stop()
    run.redrive()
    run.timers = {key: at for key, at in run.timers.items() if key.startswith("wait")}
    run.fire()
    run.succeed()
    assert run.status is Status.SUCCEEDED


def test_a_map_run_goes_on_with_its_failed_iterations() -> None:
    run = Execution(distributed(max_concurrency=Given(2))).start("[5,6,7,8]")
    end(run, 0, output="a")
    end(run, 1, error="E")
    run.end_stopped()
    assert run_frame(run).status is MapRunStatus.FAILED
    ended = len(run.history)
    run.redrive()
    assert run.said[ended:] == [f"ExecutionRedriven <{ended}", f"MapRunRedriven M <{ended + 1}"]
    assert run.details(ended + 2)["redriveCount"] == 1
    redriven = [task.payload for task in run.tasks.values()]
    assert [
        (each["index"], each["input"], each["redrive"]) for each in redriven if isinstance(each, dict)
    ] == [
        (1, 6, 1),
        (2, 7, 1),
    ]
    end(run, 1, output="b")
    end(run, 2, output="c")
    end(run, 3, output="d")
    assert run.output == '["a","b","c","d"]'
    frame = run_frame(run)
    assert (frame.redrives, frame.iterations.succeeded, frame.iterations.failed) == (1, 4, 0)
    assert set(run.frames) == {"execution", "started", "run/4"}


def test_a_run_whose_reader_failed_reads_again() -> None:
    reader = ItemReader(resource="arn:aws:states:::s3:getObject", arguments={"Key": "k"})
    run = Execution(
        state("Map", "M", processor=branch(state("Pass", "A")), mode=ProcessorMode.DISTRIBUTED, reader=reader)
    ).start()
    run.fail(error="States.ItemReaderFailed")
    run.redrive()
    run.succeed(output={"items": [1], "cursor": None})
    end(run, 0, output=1)
    assert run.output == "[1]"
