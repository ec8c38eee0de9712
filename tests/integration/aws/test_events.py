"""EventBridge with boto3: events that fit a rule reach its targets."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepmill.core.clock import as_text
from stepmill.events.services import DELIVERY_KIND
from stepmill.events.timers import TIMER_KIND
from stepmill.jobs.functions.events import EVENT_KIND
from stepmill.platform import Platform, load_settings
from support.cli import PYTHON_IMAGE, eventually
from support.functions import create
from support.wire import Wire


def refused(do: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        do()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


class Site:
    """A bus and a queue of the test's own."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.events, self.sqs = wire.client("events"), wire.client("sqs")
        self.name = f"e-{uuid.uuid4().hex[:12]}"
        self.arns = wire.platform.settings.arns
        self.bus = self.events.create_event_bus(Name=self.name)["EventBusArn"]
        self.url = self.sqs.create_queue(QueueName=self.name)["QueueUrl"]
        self.queue = self.arns.queue(self.name)

    def rule(self, pattern: Any, *targets: dict[str, Any], name: str = "rule") -> str:
        arn: str = self.events.put_rule(Name=name, EventBusName=self.name, EventPattern=json.dumps(pattern))[
            "RuleArn"
        ]
        if targets:
            self.events.put_targets(Rule=name, EventBusName=self.name, Targets=list(targets))
        return arn

    def put(self, detail: Any, **more: Any) -> dict[str, Any]:
        entry = {
            "Source": "app",
            "DetailType": "Done",
            "Detail": json.dumps(detail),
            "EventBusName": self.name,
            **more,
        }
        return dict(self.events.put_events(Entries=[entry]))

    def bodies(self, url: str = "") -> list[str]:
        found = self.sqs.receive_message(QueueUrl=url or self.url, MaxNumberOfMessages=10)
        return [message["Body"] for message in found.get("Messages", [])]


@pytest.fixture
def site(wire: Wire) -> Site:
    return Site(wire)


def test_what_fits_reaches_the_queue_as_an_event(site: Site) -> None:
    rule = site.rule({"detail": {"score": [{"numeric": [">", 0.9]}]}}, {"Id": "q", "Arn": site.queue})
    assert rule == f"arn:aws:events:us-west-2:123456789012:rule/{site.name}/rule"
    site.put({"score": 0.5})
    answer = site.put({"score": 0.95}, Resources=["arn:x"], EventBusName=site.bus)
    assert answer["FailedEntryCount"] == 0
    (body,) = site.bodies()
    event = json.loads(body)
    assert event["id"] == answer["Entries"][0]["EventId"]
    assert (event["source"], event["detail-type"]) == ("app", "Done")
    assert (event["detail"], event["resources"]) == ({"score": 0.95}, ["arn:x"])
    assert event["time"].endswith("Z")


def test_entries_are_taken_one_by_one(site: Site) -> None:
    good = {"Source": "app", "DetailType": "Done", "Detail": "{}"}
    answer = site.events.put_events(
        Entries=[
            good,
            {**good, "Detail": "no JSON"},
            {"Source": "app", "Detail": "{}"},
            {**good, "EventBusName": "there-is-none"},
            {**good, "Source": "aws.states"},
        ]
    )
    assert answer["FailedEntryCount"] == 4
    assert [entry.get("ErrorCode") for entry in answer["Entries"]] == [
        None,
        "MalformedDetail",
        "InvalidArgument",
        "ResourceNotFoundException",
        "NotAuthorizedForSourceException",
    ]
    code, text = refused(
        lambda: site.events.put_events(Entries=[{**good, "Detail": json.dumps("x" * 262_144)}])
    )
    assert (code, "over the limit" in text) == ("ValidationException", True)


def test_targets_get_parts_and_templates(site: Site) -> None:
    transformer = {
        "InputPathsMap": {"model": "$.detail.model", "score": "$.detail.score"},
        "InputTemplate": '{"text": "<model> is worse", "score": <score>, "rule": <aws.events.rule-name>}',
    }
    site.rule(
        {"source": ["app"]},
        {"Id": "path", "Arn": site.queue, "InputPath": "$.detail.model"},
        {"Id": "input", "Arn": site.queue, "Input": '{"a": 1}'},
        {"Id": "template", "Arn": site.queue, "InputTransformer": transformer},
    )
    site.put({"model": "wines", "score": 0.5})
    assert sorted(site.bodies()) == sorted(
        ['"wines"', '{"a": 1}', '{"text": "wines is worse", "score": 0.5, "rule": "rule"}']
    )


def test_functions_topics_and_batch_are_told(site: Site) -> None:
    tells = 'import json\ndef handler(event, context):\n    print("TOLD", json.dumps(event))\n'
    function = create(site.wire.client("lambda"), site.name, tells)["FunctionArn"]
    topic = site.wire.client("sns").create_topic(Name=site.name)["TopicArn"]
    site.wire.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=site.queue, Attributes={"RawMessageDelivery": "true"}
    )
    batch = site.wire.client("batch")
    batch.create_compute_environment(computeEnvironmentName=site.name, type="UNMANAGED")
    order = [{"order": 1, "computeEnvironment": site.name}]
    queue = batch.create_job_queue(jobQueueName=site.name, priority=1, computeEnvironmentOrder=order)
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "256"}]
    container = {"image": PYTHON_IMAGE, "command": ["echo", "Ref::what"], "resourceRequirements": needs}
    batch.register_job_definition(
        jobDefinitionName=site.name, type="container", containerProperties=container
    )
    site.rule(
        {"source": ["app"]},
        {"Id": "function", "Arn": function, "InputPath": "$.detail"},
        {"Id": "topic", "Arn": topic, "InputPath": "$.detail"},
        {
            "Id": "batch",
            "Arn": queue["jobQueueArn"],
            "Input": '{"Parameters": {"what": "hello"}}',
            "BatchParameters": {"JobDefinition": site.name, "JobName": "from-an-event"},
        },
    )
    site.put({"n": 1})
    assert site.bodies() == ['{"n":1}']
    folder = site.wire.platform.layout.jobs / "function-call"

    def told() -> list[str]:
        logs = [log.read_text() for log in folder.glob(f"{site.name}-*/log")]
        return [line for log in logs for line in log.splitlines() if line.startswith("TOLD ")]

    assert eventually(told, "the call") == ['TOLD {"n": 1}']

    def done() -> list[dict[str, Any]]:
        return list(batch.list_jobs(jobQueue=site.name, jobStatus="SUCCEEDED")["jobSummaryList"])

    (job,) = eventually(done, "the job")
    assert job["jobName"] == "from-an-event"


def test_what_becomes_of_a_job_of_batch_is_told(site: Site) -> None:
    batch = site.wire.client("batch")
    batch.create_compute_environment(computeEnvironmentName=site.name, type="UNMANAGED")
    order = [{"order": 1, "computeEnvironment": site.name}]
    batch.create_job_queue(jobQueueName=site.name, priority=1, computeEnvironmentOrder=order)
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "256"}]
    container = {"image": PYTHON_IMAGE, "command": ["false"], "resourceRequirements": needs}
    batch.register_job_definition(
        jobDefinitionName=site.name, type="container", containerProperties=container
    )
    pattern = {"source": ["aws.batch"], "detail": {"jobName": [site.name], "status": ["FAILED"]}}
    site.events.put_rule(Name=site.name, EventPattern=json.dumps(pattern))
    site.events.put_targets(Rule=site.name, Targets=[{"Id": "q", "Arn": site.queue}])
    job = batch.submit_job(jobName=site.name, jobQueue=site.name, jobDefinition=site.name)
    (body,) = eventually(site.bodies, "the event")
    event = json.loads(body)
    assert (event["detail-type"], event["resources"]) == ("Batch Job State Change", [job["jobArn"]])
    assert event["detail"]["container"]["exitCode"] == 1
    site.events.remove_targets(Rule=site.name, Ids=["q"])
    site.events.delete_rule(Name=site.name)


PASSES = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
FAILS = {"StartAt": "Fail", "States": {"Fail": {"Type": "Fail", "Error": "Broken", "Cause": "because"}}}


def test_a_state_machine_is_started_once_and_its_end_is_told(site: Site) -> None:
    states = site.wire.client("stepfunctions")
    role = "arn:aws:iam::123456789012:role/R"
    machines = [
        states.create_state_machine(
            name=f"{site.name}-{name}", definition=json.dumps(definition), roleArn=role
        )["stateMachineArn"]
        for name, definition in (("passes", PASSES), ("fails", FAILS))
    ]
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": machines}}
    site.events.put_rule(Name=site.name, EventPattern=json.dumps(pattern))
    site.events.put_targets(Rule=site.name, Targets=[{"Id": "q", "Arn": site.queue, "InputPath": "$.detail"}])
    targets = [
        {"Id": str(number), "Arn": arn, "RoleArn": role, "InputPath": "$.detail"}
        for number, arn in enumerate(machines)
    ]
    site.rule({"source": ["app"]}, *targets)
    site.put({"n": 1})
    told: list[dict[str, Any]] = []

    def both() -> bool:
        told.extend(json.loads(body) for body in site.bodies())
        return len(told) >= 2

    eventually(both, "two ends")
    failed, succeeded = sorted(told, key=lambda detail: str(detail["status"]))
    assert (succeeded["status"], json.loads(succeeded["output"])) == ("SUCCEEDED", {"n": 1})
    assert (failed["status"], failed["error"], failed["cause"]) == ("FAILED", "Broken", "because")
    assert json.loads(failed["input"]) == {"n": 1}
    assert succeeded["startDate"] <= succeeded["stopDate"]
    eventually(lambda: not site.wire.platform.records.list(DELIVERY_KIND).records, "the end of the delivery")
    for arn in machines:
        assert len(states.list_executions(stateMachineArn=arn)["executions"]) == 1
    site.events.remove_targets(Rule=site.name, Ids=["q"])
    site.events.delete_rule(Name=site.name)


PIPELINE = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "Mode", "Type": "String", "DefaultValue": "slow"}],
    "Steps": [
        {
            "Name": "Decide",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [
                    {"Type": "Equals", "LeftValue": {"Get": "Parameters.Mode"}, "RightValue": "fast"}
                ],
                "IfSteps": [],
                "ElseSteps": [],
            },
        }
    ],
}


def test_a_pipeline_is_started_once(site: Site) -> None:
    sagemaker = site.wire.client("sagemaker")
    role = "arn:aws:iam::123456789012:role/R"
    arn = sagemaker.create_pipeline(
        PipelineName=site.name, PipelineDefinition=json.dumps(PIPELINE), RoleArn=role
    )["PipelineArn"]
    parameters = {"PipelineParameterList": [{"Name": "Mode", "Value": "fast"}]}
    site.rule(
        {"source": ["app"]},
        {"Id": "p", "Arn": arn, "RoleArn": role, "SageMakerPipelineParameters": parameters},
    )
    site.put({})

    def started() -> list[dict[str, Any]]:
        found = sagemaker.list_pipeline_executions(PipelineName=site.name)
        return list(found["PipelineExecutionSummaries"])

    (execution,) = eventually(started, "the execution")
    found = sagemaker.list_pipeline_parameters_for_execution(
        PipelineExecutionArn=execution["PipelineExecutionArn"]
    )
    assert found["PipelineParameters"] == [{"Name": "Mode", "Value": "fast"}]
    eventually(lambda: not site.wire.platform.records.list(DELIVERY_KIND).records, "the end of the delivery")
    assert len(started()) == 1


def test_who_is_gone_leaves_a_dead_letter(site: Site) -> None:
    dead = {"DeadLetterConfig": {"Arn": site.queue}, "InputPath": "$.detail"}
    site.rule(
        {"source": ["app"]},
        {"Id": "queue", "Arn": site.arns.queue("there-is-none"), **dead},
        {"Id": "function", "Arn": site.arns.function("there-is-none"), **dead},
        {"Id": "topic", "Arn": site.arns.topic("there-is-none"), **dead},
        {"Id": "pipeline", "Arn": site.arns.pipeline("there-is-none"), **dead},
        {"Id": "machine", "Arn": "arn:aws:states:us-west-2:123456789012:stateMachine:none", **dead},
    )
    site.rule({"source": ["app"]}, {"Id": "dropped", "Arn": site.arns.queue("none")}, name="other")
    site.put({"n": 1})
    got: list[str] = []

    def all_five() -> bool:
        got.extend(site.bodies())
        return len(got) >= 5

    eventually(all_five, "five dead letters")
    assert got == ['{"n":1}'] * 5


# ---- rules ---------------------------------------------------------------------------------------


def test_rules_are_kept_told_disabled_and_removed(site: Site) -> None:
    events, on_bus = site.events, {"EventBusName": site.name}
    arn = site.rule({"source": ["app"]}, {"Id": "q", "Arn": site.queue})
    told = events.describe_rule(Name="rule", **on_bus)
    assert (told["Arn"], told["State"], told["EventBusName"]) == (arn, "ENABLED", site.name)
    assert json.loads(told["EventPattern"]) == {"source": ["app"]}
    site.rule({"source": ["other"]}, name="other")
    assert [rule["Name"] for rule in events.list_rules(**on_bus)["Rules"]] == ["other", "rule"]
    assert [rule["Name"] for rule in events.list_rules(NamePrefix="ru", **on_bus)["Rules"]] == ["rule"]
    first = events.list_rules(Limit=1, **on_bus)
    second = events.list_rules(Limit=1, NextToken=first["NextToken"], **on_bus)
    assert [rule["Name"] for rule in second["Rules"]] == ["rule"]
    assert events.list_rule_names_by_target(TargetArn=site.queue, **on_bus)["RuleNames"] == ["rule"]
    assert events.list_targets_by_rule(Rule="rule", **on_bus)["Targets"] == [{"Id": "q", "Arn": site.queue}]
    events.disable_rule(Name="rule", **on_bus)
    site.put({})
    assert site.bodies() == []
    events.enable_rule(Name="rule", **on_bus)
    site.put({})
    assert len(site.bodies()) == 1
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "team", "Value": "churn"}])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "team", "Value": "churn"}]
    events.untag_resource(ResourceARN=arn, TagKeys=["team"])
    has_targets = refused(lambda: events.delete_rule(Name="rule", **on_bus))
    assert has_targets == ("ValidationException", "Rule can't be deleted since it has targets.")
    removed = events.remove_targets(Rule="rule", Ids=["q", "x"], **on_bus)
    assert [entry["TargetId"] for entry in removed["FailedEntries"]] == ["x"]
    for _ in range(2):
        events.delete_rule(Name="rule", **on_bus)
    gone = refused(lambda: events.describe_rule(Name="rule", **on_bus))
    assert gone == ("ResourceNotFoundException", f"Rule rule does not exist on EventBus {site.name}.")


def test_buses_are_kept_and_told(site: Site) -> None:
    events = site.events
    assert events.describe_event_bus(Name=site.name)["Arn"] == site.bus
    assert events.describe_event_bus()["Name"] == "default"
    names = [bus["Name"] for bus in events.list_event_buses(NamePrefix=site.name)["EventBuses"]]
    assert names == [site.name]
    again = refused(lambda: events.create_event_bus(Name=site.name))
    assert again == ("ResourceAlreadyExistsException", f"Event bus {site.name} already exists.")
    site.rule({"source": ["app"]})
    assert refused(lambda: events.delete_event_bus(Name=site.name))[0] == "ValidationException"
    events.delete_rule(Name="rule", EventBusName=site.name)
    events.delete_event_bus(Name=site.name)
    assert refused(lambda: events.describe_event_bus(Name=site.name))[0] == "ResourceNotFoundException"
    assert refused(lambda: events.delete_event_bus(Name="default"))[0] == "ValidationException"


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({}, "ValidationException", "EventPattern or ScheduleExpression must be specified"),
        ({"EventPattern": "{"}, "InvalidEventPatternException", "Event pattern is not valid. Reason: "),
        ({"EventPattern": '{"a": "b"}'}, "InvalidEventPatternException", "must be an object or an array"),
        ({"ScheduleExpression": "rate(1 minutes)"}, "ValidationException", "ScheduleExpression is not valid"),
        (
            {"ScheduleExpression": "rate(1 minute)", "EventBusName": "BUS"},
            "ValidationException",
            "only on the default event bus",
        ),
        (
            {"EventPattern": '{"a": ["b"]}', "EventBusName": "none"},
            "ResourceNotFoundException",
            "none does not",
        ),
    ],
)
def test_which_rules_are_refused(site: Site, given: dict[str, Any], code: str, words: str) -> None:
    given = {name: site.name if value == "BUS" else value for name, value in given.items()}
    found, text = refused(lambda: site.events.put_rule(Name="refused", **given))
    assert (found, words in text) == (code, True), text


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (
            {"Arn": "arn:aws:kinesis:us-west-2:123456789012:stream/s"},
            "nobody can be told",
        ),
        ({"Arn": "arn:aws:states:us-west-2:123456789012:activity:a"}, "nobody"),
        ({"InputPath": "$.a", "Input": "{}"}, "Only one of Input"),
        ({"HttpParameters": {"HeaderParameters": {"a": "b"}}}, "HttpParameters"),
        (
            {"DeadLetterConfig": {"Arn": "arn:aws:sns:us-west-2:123456789012:t"}},
            "queue",
        ),
        (
            {"Arn": "arn:aws:batch:us-west-2:123456789012:job-queue/q"},
            "BatchParameters",
        ),
    ],
)
def test_which_targets_are_refused(site: Site, target: dict[str, Any], words: str) -> None:
    site.rule({"source": ["app"]})
    targets = [{"Id": "t", "Arn": site.queue, **target}]
    found, text = refused(
        lambda: site.events.put_targets(Rule="rule", EventBusName=site.name, Targets=targets)
    )
    assert (found, words in text) == ("ValidationException", True), text


def test_a_rule_has_five_targets(site: Site) -> None:
    targets = [{"Id": str(number), "Arn": site.queue} for number in range(6)]
    site.rule({"source": ["app"]}, *targets[:5])
    more = refused(lambda: site.events.put_targets(Rule="rule", EventBusName=site.name, Targets=targets[5:]))
    assert more[0] == "LimitExceededException"
    assert len(site.events.list_targets_by_rule(Rule="rule", EventBusName=site.name)["Targets"]) == 5


def test_a_pattern_is_tried_without_a_rule(site: Site) -> None:
    event = {
        "id": "1", "detail-type": "t", "source": "app", "account": "123456789012",
        "time": "2026-01-01T00:00:00Z", "region": "us-west-2", "resources": [], "detail": {"a": 1},
    }  # fmt: skip

    def test(pattern: Any, event: Any) -> bool:
        answer = site.events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))
        return bool(answer["Result"])

    assert test({"detail": {"a": [1]}}, event)
    assert not test({"detail": {"a": [2]}}, event)
    assert refused(lambda: test({"a": "b"}, event))[0] == "InvalidEventPatternException"
    assert refused(lambda: test({"a": ["b"]}, {"id": "1"}))[0] == "ValidationException"


# ---- schedules and crashes -----------------------------------------------------------------------


def test_a_schedule_is_watched_and_done_when_it_is_time(site: Site) -> None:
    events, records = site.events, site.wire.platform.records
    name = f"{site.name}-often"
    arn = events.put_rule(Name=name, ScheduleExpression="rate(1 hour)")["RuleArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": site.queue}])
    timer = records.get(TIMER_KIND, name)
    wait = datetime.fromisoformat(str(timer.body["next"])) - timer.created_at
    assert timedelta(minutes=59) < wait <= timedelta(hours=1)
    # As if the hour were over.
    timers = site.wire.platform.events._timers
    timers._agenda.withdraw(name)
    past = as_text(timer.created_at - timedelta(minutes=5))
    records.update(TIMER_KIND, name, lambda old: replace(old, body={**old.body, "next": past}))
    timers.resume()
    (body,) = eventually(site.bodies, "the event")
    event = json.loads(body)
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")
    assert (event["resources"], event["detail"]) == ([arn], {})
    assert records.get(TIMER_KIND, name).body["next"] > timer.body["next"]
    events.disable_rule(Name=name)
    assert records.find(TIMER_KIND, name) is None
    events.remove_targets(Rule=name, Ids=["q"])
    events.delete_rule(Name=name)


PUTS_AND_DIES = """
import os, signal, sys
from pathlib import Path
from stepmill.platform import Platform, load_settings

platform = Platform(load_settings(Path(sys.argv[1]), {}), serves=True)
platform.function_services.events.close()  # as if it died before it came to that
entry = {"Source": "app", "DetailType": "Done", "Detail": '{"n": 1}'}
print(*platform.events.put([entry]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_server_had_taken_is_told_by_the_next(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    (tmp_path / "app.py").write_text("def handler(event, context):\n    print('TOLD', event['detail'])\n")
    with Platform(settings) as platform:
        function = platform.functions.put("told", tmp_path / "app.py", "app.handler")
        platform.queues.create("told", {}, {})
        platform.events.put_rule("default", {"Name": "r", "EventPattern": '{"source": ["app"]}'})
        queue = settings.arns.queue("told")
        targets = [{"Id": "f", "Arn": function.arn}, {"Id": "q", "Arn": queue}]
        platform.events.put_targets("default", "r", targets)
    done = subprocess.run([sys.executable, "-c", PUTS_AND_DIES, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    with Platform(settings, serves=True) as platform:
        assert len(platform.queues.peek("told")) == 1
        assert platform.function_services.events.resume() == 1
        eventually(lambda: not platform.records.list(EVENT_KIND).records, "the end of the event")
        (log,) = (platform.layout.jobs / "function-call").glob("told-*/log")
        assert "TOLD {'n': 1}" in log.read_text()
