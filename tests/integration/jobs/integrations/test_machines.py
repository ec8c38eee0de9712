"""Whole machines: the engine, the interpreter, and real services behind the tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.aws.errors import ApiError
from stepmill.core.json import JsonObject
from stepmill.engine.waiting import wait_until
from support.cli import PYTHON_IMAGE, eventually
from support.working_machines import ROLE, Machines, machines

STATES = "arn:aws:states:::"
LAMBDA = "arn:aws:lambda:us-west-2:123456789012:function:work"
QUEUE = "http://127.0.0.1/123456789012/orders"
ACTIVITY = "arn:aws:states:us-west-2:123456789012:activity:label"
CODE = """
class NoCapacity(Exception):
    pass

def handler(event, context):
    if event == {"raise": True}:
        raise NoCapacity("none left")
    return {"doubled": event["n"] * 2}
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Machines]:
    with machines(tmp_path) as found:
        code = tmp_path / "app.py"
        code.write_text(CODE)
        found.platform.functions.put("work", code=code, handler="app.handler")
        found.platform.api_calls.call("sqs", "CreateQueue", {"QueueName": "orders"})
        yield found


def task(resource: str, parameters: JsonObject | None = None, **more: Any) -> JsonObject:
    given = {} if parameters is None else {"Parameters": parameters}
    name = resource if resource.startswith("arn:") else f"{STATES}{resource}"
    return {"Type": "Task", "Resource": name, **given, **more}


def details(event: dict[str, Any]) -> dict[str, Any]:
    (found,) = (value for name, value in event.items() if name.endswith("EventDetails"))
    return dict(found)


def test_a_function_by_its_arn_has_events_of_functions(site: Machines) -> None:
    arn = site.start(task(LAMBDA), input={"n": 4})
    assert site.output(arn) == {"doubled": 8}
    assert site.types(arn) == [
        "ExecutionStarted",
        "TaskStateEntered",
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]


def test_invoke_has_events_of_tasks_and_an_unpacked_payload(site: Machines) -> None:
    state = task(
        "lambda:invoke",
        {"FunctionName": "work", "Payload.$": "$"},
        ResultSelector={"found.$": "$.Payload.doubled"},
    )
    arn = site.start(state, input={"n": 4})
    assert site.output(arn) == {"found": 8}
    scheduled = details(site.events(arn)[2])
    assert (scheduled["resourceType"], scheduled["resource"]) == ("lambda", "invoke")
    assert [kind for kind in site.types(arn) if kind.startswith("Task")] == [
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
    ]


def test_what_a_function_raises_can_be_caught_by_name(site: Machines) -> None:
    catch = [{"ErrorEquals": ["NoCapacity"], "Next": "S1", "ResultPath": "$.caught"}]
    arn = site.start(
        task(LAMBDA, None, Catch=catch, End=True), {"Type": "Pass", "End": True}, input={"raise": True}
    )
    caught = site.output(arn)["caught"]
    assert caught["Error"] == "NoCapacity"
    assert json.loads(caught["Cause"])["errorMessage"] == "none left"


def test_a_call_has_the_whole_sequence_of_its_events(site: Machines) -> None:
    arn = site.start(task("sqs:sendMessage", {"QueueUrl": QUEUE, "MessageBody.$": "$"}), input={"a": 1})
    output = site.output(arn)
    assert [message.body for message in site.platform.queues.peek("orders")] == ['{"a":1}']
    assert "MessageId" in output
    assert site.types(arn)[1:6] == [
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
    ]


def test_a_missing_queue_fails_the_execution_with_the_words_of_the_sdk(site: Machines) -> None:
    missing = QUEUE.replace("orders", "none")
    arn = site.start(task("sqs:sendMessage", {"QueueUrl": missing, "MessageBody": "x"}))
    error, cause = site.failure(arn)
    assert error == "SQS.QueueDoesNotExistException"
    assert cause.startswith("The specified queue does not exist. (Service: AmazonSQS; Status Code: 400; ")
    assert site.types(arn)[-2:] == ["TaskFailed", "ExecutionFailed"]


def test_a_task_ends_when_its_token_is_sent(site: Machines) -> None:
    state = task(
        "sqs:sendMessage.waitForTaskToken",
        {"QueueUrl": QUEUE, "MessageBody": {"token.$": "$$.Task.Token"}},
        HeartbeatSeconds=600,
    )
    arn = site.start(state)
    (message,) = eventually(lambda: site.platform.queues.peek("orders"), "the message")
    token = json.loads(message.body)["token"]
    eventually(lambda: "TaskSubmitted" in site.types(arn), "the task to be submitted")
    assert site.ask("SendTaskHeartbeat", taskToken=token) == {}
    assert site.ask("SendTaskSuccess", taskToken=token, output='{"ok": true}') == {}
    assert site.output(arn) == {"ok": True}
    with pytest.raises(ApiError) as caught:
        site.ask("SendTaskSuccess", taskToken=token, output="1")
    assert caught.value.code == "TaskTimedOut"


def test_a_task_fails_when_its_token_says_so(site: Machines) -> None:
    body = {"token.$": "$$.Task.Token"}
    arn = site.start(task("sqs:sendMessage.waitForTaskToken", {"QueueUrl": QUEUE, "MessageBody": body}))
    (message,) = eventually(lambda: site.platform.queues.peek("orders"), "the message")
    eventually(lambda: "TaskSubmitted" in site.types(arn), "the task to be submitted")
    site.ask("SendTaskFailure", taskToken=json.loads(message.body)["token"], error="No.Luck", cause="None.")
    assert site.failure(arn) == ("No.Luck", "None.")


@pytest.mark.parametrize(
    ("operation", "given", "code"),
    [
        ("SendTaskSuccess", {"taskToken": "none", "output": "{}"}, "InvalidToken"),
        ("SendTaskFailure", {"taskToken": "none"}, "InvalidToken"),
        ("SendTaskHeartbeat", {"taskToken": "none"}, "InvalidToken"),
        ("SendTaskSuccess", {"taskToken": "none", "output": "{"}, "InvalidOutput"),
        ("GetActivityTask", {"activityArn": ACTIVITY}, "ActivityDoesNotExist"),
        ("GetActivityTask", {"activityArn": "x"}, "InvalidArn"),
        ("DescribeActivity", {"activityArn": ACTIVITY}, "ActivityDoesNotExist"),
        ("CreateActivity", {"name": "a b"}, "InvalidName"),
        ("ListActivities", {"nextToken": "none"}, "InvalidToken"),
    ],
)
def test_refusals_have_the_codes_of_aws(site: Machines, operation: str, given: Any, code: str) -> None:
    with pytest.raises(ApiError) as caught:
        site.ask(operation, **given)
    assert caught.value.code == code


def test_activities_are_made_described_listed_and_removed(site: Machines) -> None:
    made = site.ask("CreateActivity", name="label", tags=[{"key": "team", "value": "churn"}])
    assert made["activityArn"] == ACTIVITY
    assert site.ask("CreateActivity", name="label") == made
    assert site.ask("DescribeActivity", activityArn=ACTIVITY)["name"] == "label"
    assert site.platform.tags.of(ACTIVITY) == {"team": "churn"}
    assert [found["activityArn"] for found in site.ask("ListActivities")["activities"]] == [ACTIVITY]
    assert site.ask("DeleteActivity", activityArn=ACTIVITY) == {}
    assert site.ask("DeleteActivity", activityArn=ACTIVITY) == {}
    assert site.ask("ListActivities")["activities"] == []


def test_a_worker_does_the_work_of_an_activity(site: Machines) -> None:
    site.ask("CreateActivity", name="label")
    assert site.ask("GetActivityTask", activityArn=ACTIVITY) == {}
    arn = site.start(task(ACTIVITY, HeartbeatSeconds=600), input={"n": 1})
    work = eventually(
        lambda: site.ask("GetActivityTask", activityArn=ACTIVITY, workerName="w1"), "work to be there"
    )
    assert work["input"] == '{"n":1}'
    assert site.ask("GetActivityTask", activityArn=ACTIVITY) == {}
    site.ask("SendTaskSuccess", taskToken=work["taskToken"], output='{"label":"cat"}')
    assert site.output(arn) == {"label": "cat"}
    assert site.types(arn)[2:5] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]
    assert details(site.events(arn)[3]) == {"workerName": "w1"}
    assert site.platform.records.list("activity-task").records == ()


def test_work_of_an_execution_that_was_stopped_is_not_given_out(site: Machines) -> None:
    site.ask("CreateActivity", name="label")
    arn = site.start(task(ACTIVITY))
    eventually(lambda: site.platform.records.list("activity-task").records, "work to wait")
    site.ask("StopExecution", executionArn=arn)
    eventually(lambda: not site.platform.records.list("activity-task").records, "work to be withdrawn")
    assert site.ask("GetActivityTask", activityArn=ACTIVITY) == {}


def test_an_activity_that_is_not_there_fails_the_execution(site: Machines) -> None:
    error, cause = site.failure(site.start(task(ACTIVITY)))
    assert error == "States.Runtime"
    assert cause.endswith(f"Activity Does Not Exist: '{ACTIVITY}'")


def training(name: str, code: str) -> JsonObject:
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": PYTHON_IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "-c", code],
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://sagemaker-us-west-2-123456789012/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }


def test_a_training_job_runs_and_its_history_is_that_of_a_job(site: Machines) -> None:
    arn = site.start(task("sagemaker:createTrainingJob.sync", training("one", "print(1)")))
    assert site.output(arn)["TrainingJobStatus"] == "Completed"
    assert site.types(arn)[1:7] == [
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
    ]


def test_a_training_job_that_fails_fails_the_execution(site: Machines) -> None:
    arn = site.start(task("sagemaker:createTrainingJob.sync", training("two", "raise SystemExit(2)")))
    error, cause = site.failure(arn)
    assert error == "States.TaskFailed"
    assert json.loads(cause)["TrainingJobStatus"] == "Failed"


def test_a_job_that_cannot_be_submitted_says_so(site: Machines) -> None:
    arn = site.start(task("sagemaker:createTrainingJob.sync", training("bad_name", "print(1)")))
    assert site.failure(arn)[0] == "SageMaker.AmazonSageMakerException"
    assert site.types(arn)[-2:] == ["TaskSubmitFailed", "ExecutionFailed"]


def test_stopping_an_execution_stops_its_job(site: Machines) -> None:
    sleeps = training("three", "import time; time.sleep(600)")
    arn = site.start(task("sagemaker:createTrainingJob.sync", sleeps))
    eventually(lambda: "TaskSubmitted" in site.types(arn), "the job to be submitted")
    site.ask("StopExecution", executionArn=arn)

    def has_stopped() -> bool:
        given: JsonObject = {"TrainingJobName": "three"}
        found = site.platform.api_calls.call("sagemaker", "DescribeTrainingJob", given).members
        return found["TrainingJobStatus"] == "Stopped"

    eventually(has_stopped, "the job to stop")


@pytest.mark.parametrize("suffix", ["", ".sync", ".sync:2"])
def test_a_machine_starts_another(site: Machines, suffix: str) -> None:
    inner = site.create("inner", {"Type": "Pass", "Result": {"deep": [1]}})
    given: JsonObject = {"StateMachineArn": inner, "Input": {"a": 1}}
    arn = site.start(task(f"states:startExecution{suffix}", given))
    output = site.output(arn)
    assert output["ExecutionArn"].startswith(inner.replace("stateMachine", "execution"))
    assert isinstance(output["StartDate"], int)
    if not suffix:
        assert list(output) == ["ExecutionArn", "SdkHttpMetadata", "SdkResponseMetadata", "StartDate"]
        return
    assert output["Status"] == "SUCCEEDED"
    is_parsed = suffix == ".sync:2"
    assert output["Output"] == ({"deep": [1]} if is_parsed else '{"deep":[1]}')
    assert output["Input"] == ({"a": 1} if is_parsed else '{"a":1}')
    assert isinstance(output["StopDate"], int)


def test_a_machine_fails_with_the_one_that_it_waits_for(site: Machines) -> None:
    inner = site.create("inner", {"Type": "Fail", "Error": "Broken", "Cause": "It fell."})
    error, cause = site.failure(site.start(task("states:startExecution.sync:2", {"StateMachineArn": inner})))
    assert error == "States.TaskFailed"
    told = json.loads(cause)
    assert (told["Status"], told["Error"], told["Cause"]) == ("FAILED", "Broken", "It fell.")


def test_a_name_of_an_execution_that_is_taken_is_an_error_by_name(site: Machines) -> None:
    inner = site.create("inner", {"Type": "Pass"})
    given: JsonObject = {"StateMachineArn": inner, "Name": "once", "Input": {"a": 1}}
    site.output(site.start(task("states:startExecution.sync", given)))
    error, cause = site.failure(site.start(task("states:startExecution.sync", given)))
    assert error == "StepFunctions.ExecutionAlreadyExistsException"
    assert "(Service: AWSStepFunctions; Status Code: 400; Error Code: ExecutionAlreadyExists; " in cause
    error, _ = site.failure(site.start(task("aws-sdk:sfn:startExecution", given)))
    assert error == "Sfn.ExecutionAlreadyExistsException"


def test_stopping_an_execution_stops_the_one_that_it_waits_for(site: Machines) -> None:
    inner = site.create("inner", {"Type": "Wait", "Seconds": 3600})
    arn = site.start(task("states:startExecution.sync", {"StateMachineArn": inner, "Name": "long"}))
    eventually(lambda: "TaskSubmitted" in site.types(arn), "the other to be started")
    site.ask("StopExecution", executionArn=arn)
    nested = f"{inner.replace('stateMachine', 'execution')}:long"

    def has_ended() -> bool:
        return bool(site.ask("DescribeExecution", executionArn=nested)["status"] == "ABORTED")

    wait_until(has_ended, lambda: None)


def test_parameters_that_are_wrong_fail_the_execution_for_good(site: Machines) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "S1"}]
    state = task("sqs:sendMessage", {"QueueUrl": QUEUE, "MessageBody": "x", "DelaySeconds.$": "$.late"})
    arn = site.start({**state, "Catch": catch, "End": True}, {"Type": "Pass"}, input={"late": "soon"})
    error, cause = site.failure(arn)
    assert error == "States.Runtime"
    assert cause.startswith(
        "An error occurred while executing the state 'S0' (entered at the event id #2). The Parameters '{"
    )
    assert cause.endswith(
        "' could not be used to start the Task: [The value for the field 'DelaySeconds' must be an INTEGER]"
    )
    assert site.types(arn) == ["ExecutionStarted", "TaskStateEntered", "ExecutionFailed"]


def test_a_machine_answers_for_the_task_of_another(site: Machines) -> None:
    site.create(
        "answer", task("aws-sdk:sfn:sendTaskSuccess", {"TaskToken.$": "$.token", "Output": {"ok": 1}})
    )
    answer = site.platform.state_machines.get("answer").arn
    given: JsonObject = {"StateMachineArn": answer, "Input": {"token.$": "$$.Task.Token"}}
    assert site.output(site.start(task("states:startExecution.waitForTaskToken", given))) == {"ok": 1}


def test_a_token_that_is_none_is_an_error_by_name(site: Machines) -> None:
    state = task("aws-sdk:sfn:sendTaskSuccess", {"TaskToken": "none", "Output": "{}"})
    error, cause = site.failure(site.start(state))
    assert error == "Sfn.InvalidTokenException"
    assert cause.startswith("Invalid Token: 'Invalid token' (Service: Sfn, Status Code: 400, Request ID: ")


def test_many_tasks_at_once_call_the_same_services(site: Machines) -> None:
    each: JsonObject = {
        "StartAt": "Send",
        "States": {
            "Send": task(
                "sqs:sendMessage", {"QueueUrl": QUEUE, "MessageBody.$": "States.Format('{}', $)"}, End=True
            )
        },
    }
    numbers = list(range(60))
    arn = site.start({"Type": "Map", "ItemProcessor": each}, input=numbers)
    assert len(site.output(arn)) == 60
    assert sorted(int(message.body) for message in site.platform.queues.peek("orders")) == numbers
