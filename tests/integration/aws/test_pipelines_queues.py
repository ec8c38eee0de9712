"""Queues, as boto3 sees them, and a Callback step whose worker is an ordinary SQS consumer."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.cli import eventually
from support.wire import Wire
from support.wire_pipelines import Pipelines, callback, document, fail, own_name

FORMER = "AWS.SimpleQueueService."


@pytest.fixture
def sqs(wire: Wire) -> Any:
    return wire.client("sqs")


@pytest.fixture
def url(sqs: Any) -> str:
    return str(sqs.create_queue(QueueName=own_name("queue"))["QueueUrl"])


def code(call: Callable[..., Any], **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**given)
    return str(caught.value.response["Error"]["Code"])


def receive(sqs: Any, url: str, **given: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sqs.receive_message(QueueUrl=url, **given).get("Messages", [])
    return found


class TestQueues:
    def test_a_url_leads_back_here(self, wire: Wire, sqs: Any) -> None:
        name = own_name("queue")
        given = {"QueueName": name, "Attributes": {"VisibilityTimeout": "7"}, "tags": {"team": "sea"}}
        url = sqs.create_queue(**given)["QueueUrl"]
        assert url == f"{wire.url}/{wire.platform.settings.account}/{name}"
        assert sqs.create_queue(**given)["QueueUrl"] == url
        assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
        assert sqs.list_queues(QueueNamePrefix=name)["QueueUrls"] == [url]
        assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "sea"}
        elsewhere = f"https://sqs.us-west-2.amazonaws.com/999999999999/{name}"
        sqs.send_message(QueueUrl=elsewhere, MessageBody="hello")
        assert [message["Body"] for message in receive(sqs, url)] == ["hello"]

    def test_attributes_are_told_and_changed(self, wire: Wire, sqs: Any, url: str) -> None:
        def attributes(*names: str) -> dict[str, str]:
            answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names or ("All",)))
            found: dict[str, str] = answer["Attributes"]
            return found

        name = url.rpartition("/")[2]
        assert attributes("QueueArn") == {"QueueArn": wire.platform.settings.arns.queue(name)}
        assert attributes()["VisibilityTimeout"] == "30"
        assert abs(int(attributes()["CreatedTimestamp"]) - time.time()) < 600
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0", "DelaySeconds": "900"})
        assert attributes("VisibilityTimeout", "DelaySeconds") == {
            "VisibilityTimeout": "0",
            "DelaySeconds": "900",
        }
        sqs.send_message(QueueUrl=url, MessageBody="late")
        assert attributes()["ApproximateNumberOfMessagesDelayed"] == "1"
        sqs.send_message(QueueUrl=url, MessageBody="now", DelaySeconds=0)
        assert attributes()["ApproximateNumberOfMessages"] == "1"
        receive(sqs, url, VisibilityTimeout=60)
        assert attributes()["ApproximateNumberOfMessagesNotVisible"] == "1"
        sqs.purge_queue(QueueUrl=url)
        assert attributes()["ApproximateNumberOfMessagesDelayed"] == "0"
        sqs.tag_queue(QueueUrl=url, Tags={"a": "1", "b": "2"})
        sqs.untag_queue(QueueUrl=url, TagKeys=["a"])
        assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"b": "2"}

    def test_pages(self, sqs: Any) -> None:
        base = own_name("paged")
        urls = [sqs.create_queue(QueueName=f"{base}-{letter}")["QueueUrl"] for letter in "abc"]
        paginator = sqs.get_paginator("list_queues").paginate(
            QueueNamePrefix=base, PaginationConfig={"PageSize": 2}
        )
        assert [page["QueueUrls"] for page in paginator] == [urls[:2], urls[2:]]

    def test_codes(self, sqs: Any, url: str) -> None:
        name = url.rpartition("/")[2]
        missing = url.replace(name, "missing")
        for call, given in (
            (sqs.get_queue_url, {"QueueName": "missing"}),
            (sqs.send_message, {"QueueUrl": missing, "MessageBody": "x"}),
            (sqs.receive_message, {"QueueUrl": missing}),
            (sqs.receive_message, {"QueueUrl": missing, "WaitTimeSeconds": 20}),
            (sqs.delete_queue, {"QueueUrl": missing}),
            (sqs.purge_queue, {"QueueUrl": missing}),
            (sqs.get_queue_attributes, {"QueueUrl": missing, "AttributeNames": ["All"]}),
        ):
            assert code(call, **given) == f"{FORMER}NonExistentQueue", call
        with pytest.raises(sqs.exceptions.QueueDoesNotExist):
            sqs.get_queue_url(QueueName="missing")
        for given, expected in (
            ({"QueueName": name, "Attributes": {"DelaySeconds": "1"}}, "QueueAlreadyExists"),
            ({"QueueName": "a b"}, "InvalidParameterValue"),
            ({"QueueName": "a.fifo"}, f"{FORMER}UnsupportedOperation"),
            ({"QueueName": "a", "Attributes": {"FifoQueue": "true"}}, f"{FORMER}UnsupportedOperation"),
            ({"QueueName": "a", "Attributes": {"DelaySeconds": "901"}}, "InvalidAttributeValue"),
            ({"QueueName": "a", "Attributes": {"Speed": "9"}}, "InvalidAttributeName"),
        ):
            assert code(sqs.create_queue, **given) == expected, given
        with pytest.raises(sqs.exceptions.QueueNameExists):
            sqs.create_queue(QueueName=name, Attributes={"DelaySeconds": "1"})
        for given, expected in (
            ({"MessageBody": "\x00"}, "InvalidMessageContents"),
            ({"MessageBody": ""}, "MissingParameter"),
            ({"MessageBody": "x" * 1_048_577}, "InvalidParameterValue"),
            ({"MessageBody": "x", "DelaySeconds": 901}, "InvalidParameterValue"),
            ({"MessageBody": "x", "MessageDeduplicationId": "d"}, f"{FORMER}UnsupportedOperation"),
            (
                {"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "T", "StringValue": "v"}}},
                "InvalidParameterValue",
            ),
        ):
            assert code(sqs.send_message, QueueUrl=url, **given) == expected, str(given)[:80]
        wrong = {"QueueUrl": url, "AttributeNames": ["Speed"]}
        assert code(sqs.get_queue_attributes, **wrong) == "InvalidAttributeName"
        for member, value in (
            ("MaxNumberOfMessages", 11), ("MaxNumberOfMessages", 0), ("WaitTimeSeconds", 21),
            ("VisibilityTimeout", 43_201),
        ):  # fmt: skip
            assert code(sqs.receive_message, QueueUrl=url, **{member: value}) == "InvalidParameterValue"
        assert code(sqs.delete_message, QueueUrl=url, ReceiptHandle="x") == "ReceiptHandleIsInvalid"
        assert code(sqs.receive_message, QueueUrl="queue") == "InvalidAddress"


class TestMessages:
    def test_sent_received_and_deleted(self, sqs: Any, url: str) -> None:
        attributes = {
            "kind": {"DataType": "String", "StringValue": "ä"},
            "count": {"DataType": "Number", "StringValue": "3"},
            "data": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        }
        sent = sqs.send_message(QueueUrl=url, MessageBody="héllo", MessageAttributes=attributes)
        (got,) = receive(
            sqs, url, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"], VisibilityTimeout=60
        )
        assert (got["Body"], got["MessageId"]) == ("héllo", sent["MessageId"])
        assert got["MD5OfBody"] == sent["MD5OfMessageBody"]
        assert got["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
        assert got["MessageAttributes"] == attributes
        assert got["Attributes"]["ApproximateReceiveCount"] == "1"
        assert got["Attributes"]["SenderId"].endswith("/test")
        assert abs(int(got["Attributes"]["SentTimestamp"]) / 1000 - time.time()) < 600
        assert receive(sqs, url) == []
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=0)
        (again,) = receive(sqs, url, AttributeNames=["ApproximateReceiveCount"], VisibilityTimeout=60)
        assert again["Attributes"] == {"ApproximateReceiveCount": "2"}
        assert "MessageAttributes" not in again
        assert (
            code(
                sqs.change_message_visibility,
                QueueUrl=url,
                ReceiptHandle=got["ReceiptHandle"],
                VisibilityTimeout=1,
            )
            == f"{FORMER}MessageNotInflight"
        )
        for _ in range(2):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
        assert receive(sqs, url) == []

    def test_batches_tell_of_each_entry(self, sqs: Any, url: str) -> None:
        sent = sqs.send_message_batch(
            QueueUrl=url,
            Entries=[
                {"Id": "a", "MessageBody": "1"},
                {"Id": "b", "MessageBody": "\x00"},
                {"Id": "c", "MessageBody": "3"},
            ],
        )
        assert [entry["Id"] for entry in sent["Successful"]] == ["a", "c"]
        assert [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in sent["Failed"]] == [
            ("b", "InvalidMessageContents", True)
        ]
        got = receive(sqs, url, MaxNumberOfMessages=10, VisibilityTimeout=60)
        assert [message["Body"] for message in got] == ["1", "3"]
        changed = sqs.change_message_visibility_batch(
            QueueUrl=url,
            Entries=[
                {"Id": "x", "ReceiptHandle": got[0]["ReceiptHandle"], "VisibilityTimeout": 0},
                {"Id": "y", "ReceiptHandle": "nonsense", "VisibilityTimeout": 0},
            ],
        )
        assert [entry["Id"] for entry in changed["Successful"]] == ["x"]
        assert changed["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
        got[:1] = receive(sqs, url, VisibilityTimeout=60)
        deleted = sqs.delete_message_batch(
            QueueUrl=url,
            Entries=[{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(got)],
        )
        assert [entry["Id"] for entry in deleted["Successful"]] == ["0", "1"]
        assert deleted.get("Failed", []) == []
        entry = {"Id": "a", "MessageBody": "1"}
        for entries, expected in (
            ([], "EmptyBatchRequest"),
            ([entry, entry], "BatchEntryIdsNotDistinct"),
            ([{**entry, "Id": "a b"}], "InvalidBatchEntryId"),
            ([{**entry, "Id": str(n)} for n in range(11)], "TooManyEntriesInBatchRequest"),
            (
                [{**entry, "Id": str(n), "MessageBody": "x" * 600_000} for n in range(2)],
                "BatchRequestTooLong",
            ),
        ):
            assert code(sqs.send_message_batch, QueueUrl=url, Entries=entries) == f"{FORMER}{expected}"

    def test_a_receiver_that_waits_gets_what_comes(self, wire: Wire, sqs: Any, url: str) -> None:
        receiver = wire.client("sqs", read_timeout=60)
        got: list[Any] = []
        thread = threading.Thread(
            target=lambda: got.extend(receive(receiver, url, WaitTimeSeconds=20)), daemon=True
        )
        thread.start()
        # Nothing is there yet: whoever did not wait would have had the empty answer by now.
        thread.join(0.3)
        assert thread.is_alive()
        sqs.send_message(QueueUrl=url, MessageBody="hello")
        thread.join(60)
        assert [message["Body"] for message in got] == ["hello"]

    def test_a_queue_says_how_long_its_receivers_wait(self, sqs: Any, url: str) -> None:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"ReceiveMessageWaitTimeSeconds": "1"})
        begin = time.monotonic()
        assert receive(sqs, url) == []
        assert time.monotonic() - begin > 0.8
        assert receive(sqs, url, WaitTimeSeconds=0) == []

    def test_what_nobody_deletes_is_moved_aside(self, sqs: Any, url: str) -> None:
        dead = sqs.create_queue(QueueName=own_name("dead"))["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
        assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
        sqs.send_message(QueueUrl=url, MessageBody="bad")
        assert len(receive(sqs, url, VisibilityTimeout=0)) == 1
        assert receive(sqs, url) == []
        (moved,) = receive(sqs, dead, AttributeNames=["All"])
        assert moved["Attributes"]["DeadLetterQueueSourceArn"].endswith(url.rpartition("/")[2])


class TestCallbackSteps:
    def test_a_worker_answers_what_it_receives(self, wire: Wire, sqs: Any, url: str) -> None:
        pipelines = Pipelines(wire)
        verdict = {"Get": "Steps.Ask.OutputParameters['verdict']"}
        steps = (callback("Ask", "verdict", queue=url), fail("Say", verdict, DependsOn=["Ask"]))
        arn = pipelines.start(pipelines.create(document(*steps)))
        (message,) = receive(sqs, url, WaitTimeSeconds=20)
        body = json.loads(message["Body"])
        assert (body["pipelineExecutionArn"], body["arguments"]) == (arn, {"for": "Ask"})
        pipelines.client.send_pipeline_execution_step_success(
            CallbackToken=body["token"], OutputParameters=[{"Name": "verdict", "Value": "approved"}]
        )
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        assert pipelines.end(arn)["FailureReason"] == "approved"
        assert receive(sqs, url) == []

    def test_a_stop_is_told_to_the_worker(self, wire: Wire, sqs: Any, url: str) -> None:
        pipelines = Pipelines(wire)
        arn = pipelines.start(pipelines.create(document(callback("Ask", queue=url))))
        (asked,) = receive(sqs, url, WaitTimeSeconds=20, VisibilityTimeout=600)
        pipelines.client.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="s" * 32)
        (stopping,) = receive(sqs, url, WaitTimeSeconds=20, VisibilityTimeout=600)
        told = json.loads(stopping["Body"])
        assert told == {**json.loads(asked["Body"]), "status": "Stopping"}
        pipelines.client.send_pipeline_execution_step_failure(CallbackToken=told["token"])
        assert pipelines.end(arn)["PipelineExecutionStatus"] == "Stopped"

    def test_a_queue_that_comes_later_has_what_was_sent(self, wire: Wire, sqs: Any) -> None:
        pipelines, name = Pipelines(wire), own_name("later")
        elsewhere = f"https://sqs.us-west-2.amazonaws.com/999999999999/{name}"
        arn = pipelines.start(pipelines.create(document(callback("Ask", queue=elsewhere))))
        waiting = pipelines.callback_token(arn)
        execution = arn.rpartition("/")[2]
        notes = eventually(lambda: wire.platform.executions.step_notes(execution), "the note")
        assert f"there is no queue '{name}' here" in notes["Ask"][0]
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        (message,) = receive(sqs, url, WaitTimeSeconds=20)
        assert json.loads(message["Body"])["token"] == waiting
        pipelines.client.send_pipeline_execution_step_success(CallbackToken=waiting)
        assert pipelines.end(arn)["PipelineExecutionStatus"] == "Succeeded"
