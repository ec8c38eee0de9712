"""Activities and task tokens over the wire, as workers use them."""

from __future__ import annotations

import itertools
import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.cli import eventually
from support.wire import Wire

ROLE = "arn:aws:iam::123456789012:role/R"
_numbers = itertools.count(1)


def start(client: Any, **task: Any) -> str:
    """Start a machine of one task; return the ARN of the execution."""
    definition = {"StartAt": "Do", "States": {"Do": {"Type": "Task", "End": True, **task}}}
    name = f"tokens-{next(_numbers)}"
    machine = client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
    arn: str = client.start_execution(stateMachineArn=machine["stateMachineArn"], input='{"n":1}')[
        "executionArn"
    ]
    return arn


def ended(client: Any, arn: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = client.describe_execution(executionArn=arn)
        return None if found["status"] == "RUNNING" else found

    return eventually(look, "the execution to end")


def test_a_worker_that_polls_is_held_until_there_is_work(wire: Wire) -> None:
    client = wire.client("stepfunctions")
    activity = client.create_activity(name=f"label-{next(_numbers)}")["activityArn"]
    found: list[dict[str, Any]] = []

    def poll() -> None:
        found.append(client.get_activity_task(activityArn=activity, workerName="w"))

    worker = threading.Thread(target=poll)
    worker.start()
    arn = start(client, Resource=activity)
    worker.join(60)
    (work,) = found
    assert work["input"] == '{"n":1}'
    client.send_task_heartbeat(taskToken=work["taskToken"])
    client.send_task_success(taskToken=work["taskToken"], output='{"label":"cat"}')
    assert ended(client, arn)["output"] == '{"label":"cat"}'
    types = [event["type"] for event in client.get_execution_history(executionArn=arn)["events"]]
    assert types[2:5] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]


def test_a_failure_by_token_has_its_error_and_cause(wire: Wire) -> None:
    client = wire.client("stepfunctions")
    activity = client.create_activity(name=f"label-{next(_numbers)}")["activityArn"]
    arn = start(client, Resource=activity)
    work = client.get_activity_task(activityArn=activity)
    client.send_task_failure(taskToken=work["taskToken"], error="No.Luck", cause="None left.")
    found = ended(client, arn)
    assert (found["status"], found["error"], found["cause"]) == ("FAILED", "No.Luck", "None left.")
    with pytest.raises(ClientError) as caught:
        client.send_task_success(taskToken=work["taskToken"], output="1")
    assert caught.value.response["Error"]["Code"] == "TaskTimedOut"


def test_a_machine_that_asks_for_what_is_not_offered_is_refused_when_it_is_made(wire: Wire) -> None:
    client = wire.client("stepfunctions")
    with pytest.raises(ClientError) as caught:
        start(client, Resource="arn:aws:states:::glue:startJobRun.sync")
    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidDefinition"
    assert "glue:startJobRun.sync" in error["Message"]
    assert "/States/Do/Resource" in error["Message"]


def test_tasks_call_the_services_of_the_same_server(wire: Wire) -> None:
    client, queues = wire.client("stepfunctions"), wire.client("sqs")
    url = queues.create_queue(QueueName=f"orders-{next(_numbers)}")["QueueUrl"]
    parameters = {"QueueUrl": url, "MessageBody.$": "$"}
    arn = start(client, Resource="arn:aws:states:::sqs:sendMessage", Parameters=parameters)
    assert ended(client, arn)["status"] == "SUCCEEDED"
    (message,) = queues.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == '{"n":1}'
