from __future__ import annotations

from typing import Any

import pytest
from tests.support.stating import ACTIVITY, FUNCTION, SEND, Execution, machine, state

from stepmill.core.statuses import StateMachineExecutionStatus as Status
from stepmill.engine.interpreters.states.chance import parse_token
from stepmill.engine.interpreters.states.plan import plan_of
from stepmill.language.states.definition import Catcher, Given, Jitter, Retrier

TASK = {"resource": SEND}


def test_an_integration_is_scheduled_started_and_succeeds() -> None:
    run = Execution(
        state("Task", "T", resource=SEND, arguments={"QueueUrl": "q", "MessageBody.$": "$.m"})
    ).start('{"m":"hi"}')
    task = run.task()
    assert (task.id, task.resource, task.payload) == ("x1/0/3", SEND, {"QueueUrl": "q", "MessageBody": "hi"})
    assert (task.step, task.pipeline, task.extra) == ("T", "m", {})
    assert run.details(3) == {
        "resourceType": "sqs",
        "resource": "sendMessage",
        "region": "us-west-2",
        "parameters": '{"QueueUrl":"q","MessageBody":"hi"}',
    }
    run.began()
    run.succeed(output={"MessageId": "1"})
    assert run.said[1:] == [
        "TaskStateEntered T <0",
        "TaskScheduled T <2",
        "TaskStarted T <3",
        "TaskSucceeded T <4",
        "TaskStateExited T <5",
        "ExecutionSucceeded <6",
    ]
    assert run.details(4) == {"resourceType": "sqs", "resource": "sendMessage"}
    assert run.details(5) == {
        "resourceType": "sqs",
        "resource": "sendMessage",
        "output": '{"MessageId":"1"}',
        "outputDetails": {"truncated": False},
    }
    assert run.output == '{"MessageId":"1"}'


def test_a_function_has_events_of_its_own() -> None:
    run = Execution(state("Task", "T", resource=FUNCTION, timeout=Given(9))).start('{"a":1}')
    assert run.details(3) == {
        "resource": FUNCTION,
        "input": '{"a":1}',
        "inputDetails": {"truncated": False},
        "timeoutInSeconds": 9,
    }
    run.succeed(output=2)
    assert run.said[2:6] == [
        "LambdaFunctionScheduled T <2",
        "LambdaFunctionStarted T <3",
        "LambdaFunctionSucceeded T <4",
        "TaskStateExited T <5",
    ]
    assert run.details(5) == {"output": "2", "outputDetails": {"truncated": False}}
    assert run.history[3].body == {"previousEventId": 3}
    assert not run.timers


def test_an_activity_says_who_works() -> None:
    run = Execution(state("Task", "T", resource=ACTIVITY)).start()
    run.began(workerName="w")
    run.succeed(output={})
    assert run.said[2:5] == ["ActivityScheduled T <2", "ActivityStarted T <3", "ActivitySucceeded T <4"]
    assert run.details(4) == {"workerName": "w"}


def test_the_result_is_shaped() -> None:
    run = Execution(
        state(
            "Task",
            "T",
            resource=SEND,
            input_path="$.in",
            result_selector={"id.$": "$.MessageId"},
            result_path="$.out",
            assign={"v.$": "$.MD5"},
            output_path="$.out",
            next="P",
        ),
        state("Pass", "P", parameters={"v.$": "$v", "in.$": "$"}),
    ).start('{"in":{"x":1}}')
    assert run.task().payload == {"x": 1}
    run.succeed(output={"MessageId": "7", "MD5": "."})
    assert run.output == '{"v":".","in":{"id":"7"}}'


def test_a_token_leads_back_to_the_execution() -> None:
    run = Execution(
        state("Task", "T", resource=f"{SEND}.waitForTaskToken", arguments={"t.$": "$$.Task.Token"})
    ).start()
    task = run.task()
    assert isinstance(task.payload, dict)
    token = task.payload["t"]
    assert task.extra == {"token": token}
    assert isinstance(token, str)
    assert parse_token(token) == ("x1", task.id)
    assert parse_token("no") is None
    run.began()
    run.submitted(output={"MessageId": "1"})
    run.succeed(output={"ok": True})
    assert run.said[2:7] == [
        "TaskScheduled T <2",
        "TaskStarted T <3",
        "TaskSubmitted T <4",
        "TaskSucceeded T <5",
        "TaskStateExited T <6",
    ]
    assert run.details(3)["resource"] == "sendMessage.waitForTaskToken"
    assert run.details(5)["output"] == '{"MessageId":"1"}'


def test_a_failure_ends_the_execution() -> None:
    run = Execution(state("Task", "T", **TASK)).start()
    run.fail(error="Sqs.Bad", cause="no queue")
    assert run.said[3:] == ["TaskStarted T <3", "TaskFailed T <4", "ExecutionFailed <5"]
    assert run.details(5) == {
        "resourceType": "sqs",
        "resource": "sendMessage",
        "error": "Sqs.Bad",
        "cause": "no queue",
    }
    assert run.details(6) == {"error": "Sqs.Bad", "cause": "no queue"}
    assert (run.status, run.error, run.cause) == (Status.FAILED, "Sqs.Bad", "no queue")


@pytest.mark.parametrize(
    ("errors", "error", "is_caught"),
    [
        (("Boom",), "Boom", True),
        (("Other",), "Boom", False),
        (("States.ALL",), "Boom", True),
        (("States.TaskFailed",), "Boom", True),
        (("States.TaskFailed",), "States.Timeout", False),
        (("States.Timeout",), "States.Timeout", True),
        (("States.ALL",), "States.Timeout", True),
        (("States.ALL", "States.Runtime"), "States.Runtime", False),
        (("States.ALL",), "States.DataLimitExceeded", True),
    ],
)
def test_which_errors_are_caught(errors: tuple[str, ...], error: str, is_caught: bool) -> None:
    run = Execution(
        state("Task", "T", **TASK, catch=(Catcher(errors=errors, next="C"),)), state("Pass", "C")
    ).start()
    run.fail(error=error, cause="why")
    assert (run.status is Status.SUCCEEDED) == is_caught
    if is_caught:
        assert run.said[4:] == [
            "TaskFailed T <4",
            "TaskStateExited T <5",
            "PassStateEntered C <6",
            "PassStateExited C <7",
            "ExecutionSucceeded <8",
        ]
        assert run.output == f'{{"Error":"{error}","Cause":"why"}}'


@pytest.mark.parametrize(
    ("fields", "output"),
    [
        ({"result_path": "$.e"}, '{"a":1,"e":{"Error":"Boom","Cause":"it broke"}}'),
        ({"result_path": None}, '{"a":1}'),
        ({"assign": {"v.$": "$.Error"}}, '{"Error":"Boom","Cause":"it broke"}'),
    ],
)
def test_what_a_catcher_gives_on(fields: dict[str, Any], output: str) -> None:
    run = Execution(
        state("Task", "T", **TASK, catch=(Catcher(errors=("States.ALL",), next="C", **fields),)),
        state("Pass", "C"),
    ).start('{"a":1}')
    run.fail()
    assert run.output == output
    if "assign" in fields:
        assert run.details(6)["assignedVariables"] == {"v": '"Boom"'}


def test_retries_wait_longer_and_longer_and_then_give_up() -> None:
    retrier = Retrier(errors=("States.ALL",), interval_s=2, max_attempts=2, backoff_rate=3.0)
    run = Execution(state("Task", "T", **TASK, retry=(retrier,))).start()
    waits = []
    for _ in range(2):
        run.fail()
        before = run.at
        run.fire()
        waits.append((run.at - before).total_seconds())
    run.fail()
    assert waits == [2, 6]
    assert run.said[2:] == [
        "TaskScheduled T <2",
        "TaskStarted T <3",
        "TaskFailed T <4",
        "TaskScheduled T <5",
        "TaskStarted T <6",
        "TaskFailed T <7",
        "TaskScheduled T <8",
        "TaskStarted T <9",
        "TaskFailed T <10",
        "ExecutionFailed <11",
    ]


def test_each_retrier_counts_for_itself_and_the_first_that_matches_counts() -> None:
    retry = (
        Retrier(errors=("A",), max_attempts=1),
        Retrier(errors=("States.ALL",), max_attempts=1),
    )
    run = Execution(state("Task", "T", **TASK, retry=retry)).start()
    run.fail(error="A")
    run.fire()
    run.fail(error="B")
    run.fire()
    run.fail(error="A")
    assert run.status is Status.FAILED


def test_no_attempts_means_never() -> None:
    retry = (Retrier(errors=("Boom",), max_attempts=0), Retrier(errors=("States.ALL",)))
    run = Execution(state("Task", "T", **TASK, retry=retry)).start()
    run.fail()
    assert run.status is Status.FAILED


def test_delays_are_capped_and_spread() -> None:
    retrier = Retrier(
        errors=("States.ALL",),
        interval_s=100,
        max_attempts=99,
        backoff_rate=10.0,
        max_delay_s=300,
        jitter=Jitter.FULL,
    )
    run = Execution(state("Task", "T", **TASK, retry=(retrier,))).start()
    waits = []
    for _ in range(20):
        run.fail()
        before = run.at
        run.fire()
        waits.append((run.at - before).total_seconds())
    assert all(0 <= wait <= 300 for wait in waits)
    assert len(set(waits)) == 20


def test_the_retry_count_is_in_the_context() -> None:
    run = Execution(
        state(
            "Task",
            "T",
            resource=SEND,
            arguments={"n.$": "$$.State.RetryCount"},
            retry=(Retrier(errors=("States.ALL",)),),
        )
    ).start()
    run.fail()
    run.fire()
    assert run.task().payload == {"n": 1}


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        (SEND, ["TaskTimedOut T <4", "ExecutionFailed <5"]),
        (FUNCTION, ["LambdaFunctionTimedOut T <4", "ExecutionFailed <5"]),
        (ACTIVITY, ["ActivityTimedOut T <4", "ExecutionFailed <5"]),
    ],
)
def test_a_task_that_takes_too_long_times_out(resource: str, said: list[str]) -> None:
    run = Execution(state("Task", "T", resource=resource, timeout=Given(5))).start()
    run.began()
    run.fire()
    assert run.said[4:] == said
    assert run.details(5)["error"] == "States.Timeout"
    assert run.error == "States.Timeout"
    assert run.stopped == ["x1/0/3"]
    run.end_stopped()
    assert run.said[4:] == said


def test_a_sign_of_life_puts_the_end_off() -> None:
    token = f"{SEND}.waitForTaskToken"
    catch = (Catcher(errors=("States.HeartbeatTimeout",), next="C"),)
    run = Execution(
        state("Task", "T", resource=token, heartbeat=Given(10), catch=catch), state("Pass", "C")
    ).start()
    assert run.details(3)["heartbeatInSeconds"] == 10
    run.began()
    run.submitted()
    for _ in range(3):
        run.wait(9)
        run.beat()
    assert run.status is Status.RUNNING
    assert list(run.timers.values()) == [run.at.replace(second=37)]
    run.fire()
    assert run.status is Status.SUCCEEDED
    assert run.said[5] == "TaskTimedOut T <5"


@pytest.mark.parametrize("value", ['{"s":0}', '{"s":-1}', '{"s":"x"}', '{"s":1.5}', '{"s":null}'])
def test_a_timeout_from_a_path_must_be_a_positive_integer(value: str) -> None:
    run = Execution(state("Task", "T", resource=SEND, timeout=Given(path="$.s"))).start(value)
    assert run.error == "States.Runtime"
    assert run.said[2:] == ["ExecutionFailed <2"]


def test_reports_that_come_late_change_nothing() -> None:
    run = Execution(state("Task", "T", **TASK)).start()
    task = run.task()
    run.succeed(output=1)
    run.tasks[task.id] = task
    assert run.fail().is_empty
    assert run.status is Status.SUCCEEDED


def test_a_stopped_execution_stops_its_task() -> None:
    run = Execution(state("Task", "T", resource=SEND, timeout=Given(5))).start()
    run.stop()
    assert run.stopped == ["x1/0/3"]
    assert not run.timers
    run.end_stopped()
    assert run.said[3:] == ["ExecutionAborted <0"]


def test_a_result_beyond_the_limit_fails_only_in_parity() -> None:
    large = "x" * 262_145
    states = (
        state("Task", "T", **TASK, catch=(Catcher(errors=("States.ALL",), next="C"),)),
        state("Pass", "C"),
    )
    free = Execution(*states).start()
    free.succeed(output=large)
    assert free.status is Status.SUCCEEDED
    held = Execution(*states, parity=True).start()
    held.succeed(output=large)
    assert held.output is not None
    assert held.output.startswith('{"Error":"States.DataLimitExceeded","Cause":"')
    assert held.said[3:6] == ["TaskStarted T <3", "TaskFailed T <4", "TaskStateExited T <5"]
    assert held.details(5)["cause"] == (
        f"The state/task '{SEND}' returned a result with a size exceeding the maximum number of bytes "
        "service limit."
    )


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"timeout": Given(path="$.s")}, "Invalid path '$.s' : No results for path: $['s']"),
        ({"heartbeat": Given(path="$.s")}, "Invalid path '$.s' : No results for path: $['s']"),
        (
            {"arguments": {"v.$": "$.s"}},
            "The JSONPath '$.s' specified for the field 'v.$' could not be found in the input '{}'",
        ),
    ],
)
def test_a_path_that_leads_nowhere_is_named(fields: dict[str, Any], cause: str) -> None:
    run = Execution(state("Task", "T", resource=SEND, **fields)).start()
    assert (
        run.cause == f"An error occurred while executing the state 'T' (entered at the event id #2). {cause}"
    )


def test_a_failure_may_say_nothing() -> None:
    catch = (Catcher(errors=("States.ALL",), next="C"),)
    run = Execution(state("Task", "T", **TASK, catch=catch), state("Pass", "C")).start()
    run.fail(error="", cause="")
    assert run.details(5) == {"resourceType": "sqs", "resource": "sendMessage"}
    assert run.output == "{}"


def test_an_activity_owes_signs_of_life_only_once_a_worker_has_it() -> None:
    run = Execution(state("Task", "T", resource=ACTIVITY, heartbeat=Given(10), timeout=Given(60))).start()
    assert [name.partition("/")[0] for name in run.timers] == ["timeout"]
    run.wait(30).began(workerName="w")
    run.fire()
    assert run.at == run.moments[-1]
    assert (run.at - run.moments[0]).total_seconds() == 40
    assert run.said[-2:] == ["ActivityTimedOut T <4", "ExecutionFailed <5"]
    assert not run.timers


def test_parameters_that_are_none_of_the_operation_end_it_before_the_task_is_scheduled() -> None:
    asked: list[tuple[str, Any]] = []

    def problems(resource: str, parameters: Any) -> list[str]:
        asked.append((resource, parameters))
        return ['The field "A" is not supported by Step Functions', "B is missing"]

    catch = (Catcher(errors=("States.ALL",), next="C"),)
    asking = state("Task", "T", resource=SEND, arguments={"A.$": "$.a"}, catch=catch)
    plan = plan_of(machine(asking, state("Pass", "C")), problems=problems)
    run = Execution(plan=plan).start('{"a":1}')
    assert asked == [(SEND, {"A": 1})]
    assert run.status == Status.FAILED
    assert run.said[1:] == ["TaskStateEntered T <0", "ExecutionFailed <2"]
    assert run.error == "States.Runtime"
    assert run.cause == (
        "An error occurred while executing the state 'T' (entered at the event id #2). The Parameters "
        '\'{"A":1}\' could not be used to start the Task: [The field "A" is not supported by Step Functions, '
        "B is missing]"
    )
