"""Topics with boto3: whoever has subscribed is told what is published, in the form that they read."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepmill.catalog.topics import Wish
from stepmill.jobs.deliveries import DELIVERY_KIND
from stepmill.platform import Platform, load_settings
from support.cli import eventually
from support.functions import create
from support.http_endpoint import HttpEndpoint, http_endpoint
from support.wire import Wire

TELLS = """
import json
def handler(event, context):
    (record,) = event["Records"]
    print("TOLD", json.dumps(record))
"""


def refused(do: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        do()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


class Site:
    """A topic, and queues that may hear of it."""

    def __init__(self, wire: Wire, name: str) -> None:
        self.wire = wire
        self.name = name
        self.sns, self.sqs = wire.client("sns"), wire.client("sqs")
        self.topic = self.sns.create_topic(Name=name)["TopicArn"]

    def queue(self, suffix: str = "") -> str:
        self.sqs.create_queue(QueueName=self.name + suffix)
        return self.wire.platform.settings.arns.queue(self.name + suffix)

    def subscribe(self, endpoint: str, protocol: str = "sqs", **attributes: str) -> str:
        arn: str = self.sns.subscribe(
            TopicArn=self.topic,
            Protocol=protocol,
            Endpoint=endpoint,
            Attributes=attributes,
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        return arn

    def publish(self, text: str = "hello", **more: Any) -> str:
        identifier: str = self.sns.publish(TopicArn=self.topic, Message=text, **more)["MessageId"]
        return identifier

    def messages(self, suffix: str = "") -> list[dict[str, Any]]:
        url = self.sqs.get_queue_url(QueueName=self.name + suffix)["QueueUrl"]
        found: list[dict[str, Any]] = self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", [])
        return found

    def bodies(self, suffix: str = "") -> list[Any]:
        return [json.loads(message["Body"]) for message in self.messages(suffix)]


@pytest.fixture
def site(wire: Wire, request: pytest.FixtureRequest) -> Site:
    return Site(wire, request.node.name.replace("_", "-").partition("[")[0][:70].strip("-"))


@pytest.fixture
def endpoint() -> Iterator[HttpEndpoint]:
    with http_endpoint() as running:
        yield running


# ---- topics --------------------------------------------------------------------------------------


def test_a_topic_is_made_once_with_one_set_of_attributes_and_tags(site: Site) -> None:
    sns = site.sns
    assert sns.create_topic(Name=site.name)["TopicArn"] == site.topic
    assert site.topic in [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]
    sns.set_topic_attributes(TopicArn=site.topic, AttributeName="DisplayName", AttributeValue="Alerts")
    told = sns.get_topic_attributes(TopicArn=site.topic)["Attributes"]
    assert (told["TopicArn"], told["DisplayName"], told["Owner"]) == (site.topic, "Alerts", "123456789012")
    assert json.loads(told["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]["numRetries"] == 3
    again = refused(lambda: sns.create_topic(Name=site.name, Attributes={"DisplayName": "Other"}))
    assert again == (
        "InvalidParameter",
        "Invalid parameter: Attributes Reason: Topic already exists with different attributes",
    )
    tags = [{"Key": "team", "Value": "churn"}]
    sns.tag_resource(ResourceArn=site.topic, Tags=tags)
    assert sns.list_tags_for_resource(ResourceArn=site.topic)["Tags"] == tags
    other = refused(lambda: sns.create_topic(Name=site.name, Tags=[{"Key": "team", "Value": "x"}]))
    assert other[1] == "Invalid parameter: Tags Reason: Topic already exists with different tags"
    sns.untag_resource(ResourceArn=site.topic, TagKeys=["team"])
    assert sns.list_tags_for_resource(ResourceArn=site.topic)["Tags"] == []


def test_a_topic_that_is_deleted_takes_its_subscriptions_along(site: Site) -> None:
    subscription = site.subscribe(site.queue())
    site.sns.delete_topic(TopicArn=site.topic)
    site.sns.delete_topic(TopicArn=site.topic)
    assert refused(site.publish) == ("NotFound", "Topic does not exist")
    gone = refused(lambda: site.sns.get_subscription_attributes(SubscriptionArn=subscription))
    assert gone == ("NotFound", "Subscription does not exist")


@pytest.mark.parametrize(
    ("call", "given", "code", "words"),
    [
        ("create_topic", {"Name": "a b"}, "InvalidParameter", "Invalid parameter: Topic Name"),
        ("create_topic", {"Name": "a.fifo"}, "InvalidParameter", "Stepmill offers no FIFO topics."),
        ("create_topic", {"Name": "a", "Attributes": {"No": "1"}}, "InvalidParameter", "AttributeName"),
        ("get_topic_attributes", {"TopicArn": "nonsense"}, "InvalidParameter", "TopicArn"),
        ("publish", {"TopicArn": "arn:aws:s3:::b", "Message": "m"}, "InvalidParameter", "TopicArn"),
        ("publish", {"Message": "m"}, "InvalidParameter", "TopicArn or TargetArn Reason: no value"),
        ("publish", {"PhoneNumber": "+4912345", "Message": "m"}, "InvalidParameter", "PhoneNumber"),
        (
            "publish",
            {"TopicArn": "arn:aws:sns:us-west-2:123456789012:there-is-none", "Message": "m"},
            "NotFound",
            "Topic does not exist",
        ),
        (
            "tag_resource",
            {"ResourceArn": "arn:aws:sns:us-west-2:123456789012:there-is-none", "Tags": []},
            "ResourceNotFound",
            "Resource does not exist",
        ),
        (
            "unsubscribe",
            {"SubscriptionArn": "PendingConfirmation"},
            "InvalidParameter",
            "An ARN must have at least 6 elements, not 1",
        ),
    ],
)
def test_what_is_refused(wire: Wire, call: str, given: dict[str, Any], code: str, words: str) -> None:
    found, text = refused(lambda: getattr(wire.client("sns"), call)(**given))
    assert (found, words in text) == (code, True), text


# ---- what is published ---------------------------------------------------------------------------


def test_a_queue_gets_an_envelope_and_another_the_message_itself(site: Site) -> None:
    site.subscribe(site.queue())
    site.subscribe(site.queue("-raw"), RawMessageDelivery="true")
    attributes = {
        "kind": {"DataType": "String", "StringValue": "alarm"},
        "blob": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    identifier = site.publish("Grüße", Subject="Re: model", MessageAttributes=attributes)
    (body,) = site.bodies()
    assert body.pop("Timestamp").endswith("Z")
    assert body.pop("UnsubscribeURL").startswith(site.wire.url)
    assert body == {
        "Type": "Notification",
        "MessageId": identifier,
        "TopicArn": site.topic,
        "Subject": "Re: model",
        "Message": "Grüße",
        "MessageAttributes": {
            "kind": {"Type": "String", "Value": "alarm"},
            "blob": {"Type": "Binary", "Value": "AP8="},
        },
    }
    (raw,) = site.messages("-raw")
    assert (raw["Body"], raw["MessageAttributes"]) == ("Grüße", attributes)


def test_each_protocol_has_its_text_in_a_message_of_json(site: Site, endpoint: HttpEndpoint) -> None:
    site.subscribe(site.queue())
    document = {"default": "all", "sqs": "queues", "lambda": "functions"}
    site.publish(json.dumps(document), MessageStructure="json")
    site.publish(json.dumps({"default": "all"}), MessageStructure="json")
    assert [body["Message"] for body in site.bodies()] == ["queues", "all"]
    for text in ('{"sqs": "x"}', '{"default": 1}', "[]"):
        assert refused(lambda text=text: site.publish(text, MessageStructure="json"))[1] == (
            "Invalid parameter: Message Structure - No default entry in JSON message body"
        )
    assert "failed to parse" in refused(lambda: site.publish("{", MessageStructure="json"))[1]


def test_a_function_is_called_with_a_record(site: Site) -> None:
    function = create(site.wire.client("lambda"), site.name[:64], TELLS)["FunctionArn"]
    subscription = site.subscribe(function, "lambda")
    identifier = site.publish("hello", Subject="s")
    folder = site.wire.platform.layout.jobs / "function-call"

    def told() -> list[str]:
        logs = [log.read_text() for log in folder.glob(f"{site.name[:64]}-*/log")]
        return [line for log in logs for line in log.splitlines() if line.startswith("TOLD ")]

    (line,) = eventually(told, "the call")
    record = json.loads(line.removeprefix("TOLD "))
    assert (record["EventSource"], record["EventSubscriptionArn"]) == ("aws:sns", subscription)
    assert record["Sns"]["MessageId"] == identifier
    assert (record["Sns"]["Subject"], record["Sns"]["Message"]) == ("s", "hello")


def test_only_what_fits_the_policy_is_told(site: Site) -> None:
    by_attributes = json.dumps({"kind": ["alarm", {"prefix": "warn"}], "score": [{"numeric": [">", 0.5]}]})
    by_body = json.dumps({"detail": {"status": [{"anything-but": ["Completed"]}]}})
    site.subscribe(site.queue(), FilterPolicy=by_attributes)
    site.subscribe(site.queue("-body"), FilterPolicy=by_body, FilterPolicyScope="MessageBody")
    for kind, score, status in (
        ("alarm", "0.9", "Failed"),
        ("alarm", "0.1", "Completed"),
        ("x", "1", "Failed"),
    ):
        site.publish(
            json.dumps({"detail": {"status": status}}),
            MessageAttributes={
                "kind": {"DataType": "String", "StringValue": kind},
                "score": {"DataType": "Number", "StringValue": score},
            },
        )
    site.publish("no JSON")
    assert [body["MessageAttributes"]["score"]["Value"] for body in site.bodies()] == ["0.9"]
    assert [body["MessageAttributes"]["score"]["Value"] for body in site.bodies("-body")] == ["0.9", "1"]


def test_a_batch_says_of_each_entry_how_it_went(site: Site) -> None:
    site.subscribe(site.queue(), RawMessageDelivery="true")
    entries = [{"Id": "a", "Message": "one"}, {"Id": "b", "Message": ""}, {"Id": "c", "Message": "three"}]
    answer = site.sns.publish_batch(TopicArn=site.topic, PublishBatchRequestEntries=entries)
    assert [one["Id"] for one in answer["Successful"]] == ["a", "c"]
    assert [(one["Id"], one["Code"], one["SenderFault"]) for one in answer["Failed"]] == [
        ("b", "InvalidParameter", True)
    ]
    assert [message["Body"] for message in site.messages()] == ["one", "three"]
    for wrong, code in (
        ([], "EmptyBatchRequest"),
        ([{"Id": str(i), "Message": "m"} for i in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a", "Message": "m"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "Message": "m"}], "InvalidBatchEntryId"),
        ([{"Id": str(i), "Message": "m" * 200_000} for i in range(2)], "BatchRequestTooLong"),
    ):
        found = refused(
            lambda wrong=wrong: site.sns.publish_batch(TopicArn=site.topic, PublishBatchRequestEntries=wrong)
        )
        assert found[0] == code


def test_sizes_subjects_and_attributes_have_bounds(site: Site) -> None:
    site.publish("m" * 262_144)
    too_long = "Invalid parameter: Message too long"
    assert refused(lambda: site.publish("m" * 262_145)) == ("InvalidParameter", too_long)
    kind = {"kind": {"DataType": "String", "StringValue": "x" * 100}}
    assert refused(lambda: site.publish("m" * 262_100, MessageAttributes=kind))[1] == too_long
    assert refused(lambda: site.publish(""))[1] == "Invalid parameter: Empty message"
    for subject in ("", "x" * 101, " x", "a\nb", "ä"):
        assert (
            refused(lambda subject=subject: site.publish(Subject=subject))[1] == "Invalid parameter: Subject"
        )
    empty = {"kind": {"DataType": "String", "StringValue": ""}}
    assert refused(lambda: site.publish(MessageAttributes=empty))[0] == "ParameterValueInvalid"


# ---- subscriptions -------------------------------------------------------------------------------


def test_a_subscription_is_made_once_told_changed_and_ended(site: Site) -> None:
    queue = site.queue()
    arn = site.subscribe(queue)
    assert site.subscribe(queue) == arn
    assert "different attributes" in refused(lambda: site.subscribe(queue, RawMessageDelivery="true"))[1]
    (listed,) = site.sns.list_subscriptions_by_topic(TopicArn=site.topic)["Subscriptions"]
    assert (listed["SubscriptionArn"], listed["Protocol"], listed["Endpoint"]) == (arn, "sqs", queue)
    assert listed in [
        one
        for page in site.sns.get_paginator("list_subscriptions").paginate()
        for one in page["Subscriptions"]
    ]
    for name, text in (("RawMessageDelivery", "true"), ("FilterPolicy", '{"a": ["b"]}')):
        site.sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=text)
    told = site.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (told["RawMessageDelivery"], told["PendingConfirmation"]) == ("true", "false")
    assert (told["FilterPolicy"], told["FilterPolicyScope"]) == ('{"a": ["b"]}', "MessageAttributes")
    site.sns.unsubscribe(SubscriptionArn=arn)
    site.sns.unsubscribe(SubscriptionArn=arn)
    site.publish()
    assert site.messages() == []
    counts = site.sns.get_topic_attributes(TopicArn=site.topic)["Attributes"]
    assert (counts["SubscriptionsConfirmed"], counts["SubscriptionsDeleted"]) == ("0", "1")


@pytest.mark.parametrize(
    ("protocol", "endpoint", "attributes", "words"),
    [
        ("sms", "+491", {}, "sms is not offered"),
        ("sqs", "queue", {}, "SQS endpoint ARN"),
        ("sqs", "", {}, "sqs endpoint"),
        ("lambda", "score", {}, "Lambda endpoint ARN"),
        ("https", "http://127.0.0.1/", {}, "Endpoint must match the specified protocol"),
        ("http", "http://", {}, "Invalid URL"),
        ("http", "http://a b/", {}, "Invalid URL"),
        ("http", "http://h:99999/", {}, "Invalid URL"),
        ("email", "me", {}, "Email address"),
        ("email", "me@example.org", {}, "[notifications]"),
        ("http", "http://h/", {"No": "x"}, "AttributeName"),
        ("http", "http://h/", {"FilterPolicy": "{"}, "FilterPolicy"),
        ("http", "http://h/", {"FilterPolicy": '{"a": [{"near": 1}]}'}, "near"),
        ("http", "http://h/", {"RawMessageDelivery": "yes"}, "Must be true or false"),
        ("http", "http://h/", {"RedrivePolicy": '{"deadLetterTargetArn": "x"}'}, "invalid arn"),
        ("http", "http://h/", {"DeliveryPolicy": '{"healthyRetryPolicy": {"numRetries": 101}}'}, "100"),
    ],
)
def test_which_subscriptions_are_refused(
    site: Site, protocol: str, endpoint: str, attributes: dict[str, str], words: str
) -> None:
    code, text = refused(lambda: site.subscribe(endpoint, protocol, **attributes))
    assert (code, words in text) == ("InvalidParameter", True), text
    assert site.sns.list_subscriptions_by_topic(TopicArn=site.topic)["Subscriptions"] == []


def test_an_endpoint_of_http_confirms_is_told_and_leaves_by_links(site: Site, endpoint: HttpEndpoint) -> None:
    answer = site.sns.subscribe(TopicArn=site.topic, Protocol="http", Endpoint=endpoint.url)
    assert answer["SubscriptionArn"] == "pending confirmation"
    (asked,) = endpoint.until(1)
    assert asked.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    assert asked.headers["x-amz-sns-topic-arn"] == site.topic
    assert "x-amz-sns-subscription-arn" not in asked.headers
    question = json.loads(asked.body)
    assert (question["Type"], question["TopicArn"]) == ("SubscriptionConfirmation", site.topic)
    (pending,) = site.sns.list_subscriptions_by_topic(TopicArn=site.topic)["Subscriptions"]
    assert pending["SubscriptionArn"] == "PendingConfirmation"
    site.publish("before")
    wrong = refused(lambda: site.sns.confirm_subscription(TopicArn=site.topic, Token="x"))
    assert wrong == ("InvalidParameter", "Invalid parameter: Token")
    with urllib.request.urlopen(question["SubscribeURL"]) as confirmed:
        assert b"<SubscriptionArn>" in confirmed.read()
    identifier = site.publish("after", Subject="s")
    told = endpoint.until(2)[1]
    assert told.headers["x-amz-sns-message-type"] == "Notification"
    assert told.headers["x-amz-sns-message-id"] == identifier
    assert told.headers["user-agent"] == "Amazon Simple Notification Service Agent"
    body = json.loads(told.body)
    assert (body["Message"], body["Subject"]) == ("after", "s")
    (listed,) = site.sns.list_subscriptions_by_topic(TopicArn=site.topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == told.headers["x-amz-sns-subscription-arn"]
    urllib.request.urlopen(body["UnsubscribeURL"]).close()
    assert site.sns.list_subscriptions_by_topic(TopicArn=site.topic)["Subscriptions"] == []


def test_a_link_does_nothing_but_what_it_is_for(site: Site, endpoint: HttpEndpoint) -> None:
    site.sns.subscribe(TopicArn=site.topic, Protocol="http", Endpoint=endpoint.url)
    url = json.loads(endpoint.until(1)[0].body)["SubscribeURL"]
    changed = url.replace("Action=ConfirmSubscription", "Action=DeleteTopic")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(changed)


def test_who_does_not_answer_well_is_asked_again_and_what_is_lost_is_put_aside(
    site: Site, endpoint: HttpEndpoint
) -> None:
    retries = json.dumps({"healthyRetryPolicy": {"numRetries": 2, "numNoDelayRetries": 2}})
    redrive = json.dumps({"deadLetterTargetArn": site.queue("-dead")})
    site.subscribe(
        endpoint.url, "http", DeliveryPolicy=retries, RedrivePolicy=redrive, RawMessageDelivery="true"
    )
    token = json.loads(endpoint.until(1)[0].body)["Token"]
    site.sns.confirm_subscription(TopicArn=site.topic, Token=token)
    endpoint.answers += [500, 429]
    site.publish("taken at last")
    assert [one.body for one in endpoint.until(4)[1:]] == ["taken at last"] * 3
    assert endpoint.received[-1].headers["x-amz-sns-rawdelivery"] == "true"
    endpoint.answers += [503] * 3
    site.publish("never taken")
    lost = eventually(lambda: site.messages("-dead"), "the dead letter")
    assert [message["Body"] for message in lost] == ["never taken"]
    endpoint.answers += [404]
    site.publish("refused for good")
    assert [m["Body"] for m in eventually(lambda: site.messages("-dead"), "it")] == ["refused for good"]
    endpoint.answers += [302]
    site.publish("led elsewhere")
    assert [m["Body"] for m in eventually(lambda: site.messages("-dead"), "it")] == ["led elsewhere"]
    assert len(endpoint.received) == 1 + 3 + 3 + 1 + 1


def test_a_queue_or_function_that_is_gone_leaves_a_dead_letter(site: Site) -> None:
    redrive = json.dumps({"deadLetterTargetArn": site.queue("-dead")})
    arns = site.wire.platform.settings.arns
    site.subscribe(arns.queue("no-such-queue"), RedrivePolicy=redrive, RawMessageDelivery="true")
    site.subscribe(arns.function("no-such"), "lambda", RedrivePolicy=redrive)
    site.subscribe(arns.queue("no-such-queue-either"))
    site.publish("to nobody")
    raw, wrapped = site.messages("-dead")
    assert raw["Body"] == "to nobody"
    assert json.loads(wrapped["Body"])["Message"] == "to nobody"


@pytest.mark.filterwarnings("ignore::DeprecationWarning:apprise.*", "ignore:.imghdr.:DeprecationWarning")
def test_chat_is_told_by_apprise(site: Site, endpoint: HttpEndpoint) -> None:
    pytest.importorskip("apprise")
    address = endpoint.url.replace("http://", "json://")
    subscription = site.subscribe(address, "apprise")
    assert subscription.startswith(site.topic)
    site.publish("the model is worse", Subject="Alert")
    (told,) = endpoint.until(1)
    said = json.loads(told.body)
    assert (said["title"], said["message"]) == ("Alert", "the model is worse")
    unknown = refused(lambda: site.subscribe("nowhere://x", "apprise"))
    assert "apprise knows no such address" in unknown[1]


# ---- durability ----------------------------------------------------------------------------------

PUBLISHES_AND_DIES = """
import os, signal, sys
from pathlib import Path
from stepmill.jobs.publishing.publisher import Draft
from stepmill.platform import Platform, load_settings

platform = Platform(load_settings(Path(sys.argv[1]), {}), serves=True)
platform.publishing.deliveries.close()  # as if it died before it came to that
platform.publishing.publisher.publish("alerts", Draft({"default": "hello"}))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_server_had_taken_is_told_by_the_next(tmp_path: Path, endpoint: HttpEndpoint) -> None:
    settings = load_settings(tmp_path, {})
    with Platform(settings) as platform:
        topics = platform.publishing.topics
        topics.create("alerts", {}, {})
        topics.subscribe("alerts", Wish("http", endpoint.url, {}, "me", is_confirmed=True))
    done = subprocess.run([sys.executable, "-c", PUBLISHES_AND_DIES, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert endpoint.received == []
    with Platform(settings, serves=True) as platform:
        assert platform.publishing.deliveries.resume() == 1
        (told,) = endpoint.until(1)
        assert json.loads(told.body)["Message"] == "hello"
        eventually(lambda: not platform.records.list(DELIVERY_KIND).records, "the end of the delivery")
