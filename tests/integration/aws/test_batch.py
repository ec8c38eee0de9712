"""Batch with boto3: jobs run, in the order that queues and dependencies say, and tell how they ended."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.cli import PYTHON_IMAGE, eventually
from support.wire import Wire

_numbers = itertools.count(1)
NEEDS = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "256"}]


def refused(do: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        do()
    error = caught.value.response["Error"]
    assert error["Code"] == "ClientException", error
    return str(error["Message"])


class Site:
    """A queue of the test's own."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.client = wire.client("batch")
        self.number = next(_numbers)
        self.queue = f"queue-{self.number}"
        self.environment = f"machine-{self.number}"
        self.client.create_compute_environment(computeEnvironmentName=self.environment, type="UNMANAGED")
        order = [{"order": 1, "computeEnvironment": self.environment}]
        self.queue_arn = self.client.create_job_queue(
            jobQueueName=self.queue, priority=1, computeEnvironmentOrder=order
        )["jobQueueArn"]

    def define(self, *command: str, name: str = "", **more: Any) -> str:
        container = {
            "image": PYTHON_IMAGE,
            "command": list(command),
            "resourceRequirements": NEEDS,
            **more.pop("container", {}),
        }
        arn: str = self.client.register_job_definition(
            jobDefinitionName=name or f"definition-{next(_numbers)}",
            type="container",
            containerProperties=container,
            **more,
        )["jobDefinitionArn"]
        return arn

    def submit(self, definition: str, **more: Any) -> str:
        given = {"jobName": "job", "jobQueue": self.queue, "jobDefinition": definition, **more}
        identifier: str = self.client.submit_job(**given)["jobId"]
        return identifier

    def describe(self, job: str) -> dict[str, Any]:
        (found,) = self.client.describe_jobs(jobs=[job])["jobs"]
        return dict(found)

    def until(self, job: str, *statuses: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found = self.describe(job)
            assert found["status"] in statuses or found["status"] not in ("SUCCEEDED", "FAILED"), found
            return found if found["status"] in statuses else None

        return eventually(look, f"{job} {statuses}")

    def log(self, detail: dict[str, Any]) -> list[str]:
        answer = self.wire.client("logs").get_log_events(
            logGroupName="/aws/batch/job",
            logStreamName=detail["container"]["logStreamName"],
            startFromHead=True,
        )
        return [event["message"] for event in answer["events"]]


@pytest.fixture
def site(wire: Wire) -> Site:
    return Site(wire)


def test_a_job_runs_with_its_parameters_variables_and_log(site: Site) -> None:
    code = (
        "import os, sys\n"
        "print(sys.argv[1:], *(os.environ[k] for k in ('MODE', 'A', 'AWS_BATCH_JOB_ATTEMPT')))"
    )
    definition = site.define(
        "python3", "-c", code, "Ref::input", "Ref::kept", "xRef::input",
        container={"environment": [{"name": "MODE", "value": "slow"}, {"name": "A", "value": "1"}]},
        parameters={"input": "none", "kept": "k"},
    )  # fmt: skip
    assert definition.endswith(":1")
    job = site.submit(
        definition,
        jobName="score",
        parameters={"input": "s3://b/k"},
        containerOverrides={"environment": [{"name": "MODE", "value": "fast"}]},
        tags={"team": "churn"},
    )
    found = site.until(job, "SUCCEEDED")
    assert site.log(found) == ["['s3://b/k', 'k', 'xRef::input'] fast 1 1"]
    assert found["jobArn"] == f"arn:aws:batch:us-west-2:123456789012:job/{job}"
    assert (found["jobName"], found["jobQueue"]) == ("score", site.queue_arn)
    assert (found["jobDefinition"], found["tags"]) == (definition, {"team": "churn"})
    assert found["statusReason"] == "Essential container in task exited"
    assert (found["container"]["exitCode"], found["container"]["memory"]) == (0, 256)
    assert found["container"]["command"][3:] == ["s3://b/k", "k", "xRef::input"]
    (attempt,) = found["attempts"]
    assert attempt["container"]["logStreamName"] == found["container"]["logStreamName"]
    assert found["createdAt"] <= found["startedAt"] <= found["stoppedAt"]
    assert found["createdAt"] > 1_600_000_000_000
    (listed,) = site.client.list_jobs(jobQueue=site.queue, jobStatus="SUCCEEDED")["jobSummaryList"]
    assert (listed["jobId"], listed["container"]) == (job, {"exitCode": 0})
    assert site.client.list_jobs(jobQueue=site.queue)["jobSummaryList"] == []


def test_a_shell_finds_what_batch_tells_it(site: Site) -> None:
    definition = site.define("sh", "-c", "echo $AWS_BATCH_JOB_ID $AWS_BATCH_JQ_NAME $AWS_BATCH_CE_NAME")
    job = site.submit(definition)
    assert site.log(site.until(job, "SUCCEEDED")) == [f"{job} {site.queue} {site.environment}"]


def test_a_job_reaches_this_installation(site: Site, wire: Wire) -> None:
    code = "import boto3; boto3.client('sqs').create_queue(QueueName='made-by-batch')"
    site.until(site.submit(site.define("python3", "-c", code)), "SUCCEEDED")
    assert wire.platform.queues.exists("made-by-batch")


def test_a_failure_is_tried_as_often_as_the_strategy_says(site: Site) -> None:
    code = "import os, sys; sys.exit(0 if os.environ['AWS_BATCH_JOB_ATTEMPT'] == '3' else 7)"
    definition = site.define("python3", "-c", code, retryStrategy={"attempts": 3})
    found = site.until(site.submit(definition), "SUCCEEDED")
    assert [attempt["container"]["exitCode"] for attempt in found["attempts"]] == [7, 7, 0]
    streams = {attempt["container"]["logStreamName"] for attempt in found["attempts"]}
    assert len(streams) == 3
    leave = {"attempts": 3, "evaluateOnExit": [{"onExitCode": "7", "action": "EXIT"}]}
    failed = site.until(site.submit(definition, retryStrategy=leave), "FAILED")
    assert [attempt["container"]["exitCode"] for attempt in failed["attempts"]] == [7]
    assert failed["statusReason"] == "Essential container in task exited"
    (listed,) = site.client.list_jobs(jobQueue=site.queue, jobStatus="FAILED")["jobSummaryList"]
    assert listed["container"]["exitCode"] == 7


def test_an_unknown_image_tells_how_to_add_it(site: Site) -> None:
    definition = site.define(
        "true", container={"image": "123456789012.dkr.ecr.us-west-2.amazonaws.com/ours:1"}
    )
    found = site.until(site.submit(definition), "FAILED")
    assert found["statusReason"] == "Task failed to start"
    assert found["container"]["reason"].startswith("CannotPullContainerError: ")
    assert '[images."ours"]' in found["container"]["reason"]
    assert "exitCode" not in found["container"]


def test_a_program_that_is_not_there_cannot_start(site: Site) -> None:
    found = site.until(site.submit(site.define("no-such-program")), "FAILED")
    assert found["status"] == "FAILED"
    assert found["statusReason"] in ("Task failed to start", "Essential container in task exited")


def test_memory_has_a_limit(site: Site) -> None:
    definition = site.define("python3", "-c", "x = b'x' * (2 * 1024 ** 3); print(len(x))")
    assert site.until(site.submit(definition), "FAILED")["container"]["exitCode"] != 0


def test_jobs_wait_for_those_that_they_depend_on(site: Site) -> None:
    good, bad = site.define("sleep", "1"), site.define("false")
    first = site.submit(good)
    second = site.submit(good, dependsOn=[{"jobId": first}])
    assert site.describe(second)["status"] in ("PENDING", "RUNNABLE")
    third = site.submit(good, dependsOn=[{"jobId": first}, {"jobId": second}])
    done = [site.until(job, "SUCCEEDED") for job in (first, second, third)]
    assert done[0]["stoppedAt"] <= done[1]["startedAt"] <= done[1]["stoppedAt"] <= done[2]["startedAt"]
    failing = site.submit(bad)
    chain = [site.submit(good, dependsOn=[{"jobId": failing}])]
    chain.append(site.submit(good, dependsOn=[{"jobId": chain[0]}]))
    for job in chain:
        assert site.until(job, "FAILED")["statusReason"] == "Dependent Job failed"
    late = site.submit(good, dependsOn=[{"jobId": failing}])
    assert site.until(late, "FAILED")["attempts"] == []


def test_an_array_is_one_job_with_children(site: Site) -> None:
    code = "import os, sys; i = os.environ['AWS_BATCH_JOB_ARRAY_INDEX']; print(i); sys.exit(i == '2')"
    array = site.submit(site.define("python3", "-c", code), arrayProperties={"size": 3})
    after = site.submit(
        site.define("true"), arrayProperties={"size": 3}, dependsOn=[{"jobId": array, "type": "N_TO_N"}]
    )
    found = site.until(array, "FAILED")
    assert found["statusReason"] == "Array Child Job failed"
    assert found["arrayProperties"]["size"] == 3
    summary = found["arrayProperties"]["statusSummary"]
    assert (summary["SUCCEEDED"], summary["FAILED"]) == (2, 1)
    child = site.describe(f"{array}:1")
    assert (child["status"], child["arrayProperties"]["index"]) == ("SUCCEEDED", 1)
    assert site.log(child) == ["1"]
    site.until(after, "FAILED")
    statuses = [site.describe(f"{after}:{index}")["status"] for index in range(3)]
    assert statuses == ["SUCCEEDED", "SUCCEEDED", "FAILED"]
    listed = site.client.list_jobs(arrayJobId=array, jobStatus="SUCCEEDED")["jobSummaryList"]
    assert sorted(job["arrayProperties"]["index"] for job in listed) == [0, 1]
    every = site.client.list_jobs(jobQueue=site.queue, filters=[{"name": "JOB_NAME", "values": ["jo*"]}])
    assert {job["jobId"] for job in every["jobSummaryList"]} == {array, after}


def test_an_array_may_go_one_by_one(site: Site) -> None:
    definition = site.define("sleep", "0.3")
    array = site.submit(definition, arrayProperties={"size": 3}, dependsOn=[{"type": "SEQUENTIAL"}])
    site.until(array, "SUCCEEDED")
    children = [site.describe(f"{array}:{index}") for index in range(3)]
    for before, behind in itertools.pairwise(children):
        assert before["stoppedAt"] <= behind["startedAt"]


def test_a_job_is_terminated_and_another_cancelled(site: Site) -> None:
    definition = site.define("sleep", "600")
    running = site.submit(definition)
    waiting = site.submit(definition, dependsOn=[{"jobId": running}])
    site.until(running, "RUNNING")
    site.client.cancel_job(jobId=running, reason="too late for that")
    site.client.cancel_job(jobId=waiting, reason="not wanted")
    cancelled = site.until(waiting, "FAILED")
    assert (cancelled["statusReason"], cancelled["isCancelled"]) == ("not wanted", True)
    assert site.describe(running)["status"] == "RUNNING"
    site.client.terminate_job(jobId=running, reason="enough")
    ended = site.until(running, "FAILED")
    assert (ended["statusReason"], ended["isTerminated"]) == ("enough", True)
    assert ended["container"]["exitCode"] != 0
    site.client.terminate_job(jobId=running, reason="again")
    assert site.describe(running)["statusReason"] == "enough"


def test_a_queue_that_is_deleted_ends_its_jobs(site: Site) -> None:
    job = site.submit(site.define("sleep", "600"))
    site.until(job, "RUNNING")
    assert "must be DISABLED" in refused(lambda: site.client.delete_job_queue(jobQueue=site.queue))
    site.client.update_job_queue(jobQueue=site.queue, state="DISABLED")
    assert "is disabled" in refused(lambda: site.submit(site.define("true")))
    site.client.update_compute_environment(computeEnvironment=site.environment, state="DISABLED")
    in_use = refused(lambda: site.client.delete_compute_environment(computeEnvironment=site.environment))
    assert "found existing JobQueue relationship" in in_use
    site.client.delete_job_queue(jobQueue=site.queue)
    site.until(job, "FAILED")
    site.client.delete_compute_environment(computeEnvironment=site.environment)
    assert (
        site.client.describe_compute_environments(computeEnvironments=[site.environment])[
            "computeEnvironments"
        ]
        == []
    )
    assert "does not exist" in refused(lambda: site.submit(site.define("true")))


def test_definitions_have_revisions(site: Site) -> None:
    name = f"revised-{site.number}"
    arns = [site.define("echo", text, name=name, tags={"n": text}) for text in ("1", "2")]
    assert [arn.rpartition(":")[2] for arn in arns] == ["1", "2"]
    found = site.client.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")["jobDefinitions"]
    assert [(one["revision"], one["tags"]) for one in found] == [(2, {"n": "2"}), (1, {"n": "1"})]
    assert found[0]["containerProperties"]["command"] == ["echo", "2"]
    newest = site.until(site.submit(name), "SUCCEEDED")
    assert (newest["jobDefinition"], site.log(newest)) == (arns[1], ["2"])
    site.client.deregister_job_definition(jobDefinition=arns[1])
    assert site.log(site.until(site.submit(name), "SUCCEEDED")) == ["1"]
    assert "is not ACTIVE" in refused(lambda: site.submit(arns[1]))
    site.client.deregister_job_definition(jobDefinition=f"{name}:1")
    assert "does not exist" in refused(lambda: site.submit(name))
    described = site.client.describe_job_definitions(jobDefinitions=[f"{name}:1", "no-such:1"])[
        "jobDefinitions"
    ]
    assert [one["status"] for one in described] == ["INACTIVE"]


def test_queues_and_environments_are_told_paged_and_tagged(site: Site) -> None:
    (queue,) = site.client.describe_job_queues(jobQueues=[site.queue_arn])["jobQueues"]
    environment = site.wire.platform.settings.arns.batch("compute-environment", site.environment)
    assert (queue["priority"], queue["state"], queue["status"]) == (1, "ENABLED", "VALID")
    assert queue["computeEnvironmentOrder"] == [{"order": 1, "computeEnvironment": environment}]
    pages = site.client.get_paginator("describe_job_queues").paginate(PaginationConfig={"PageSize": 1})
    assert site.queue in [one["jobQueueName"] for page in pages for one in page["jobQueues"]]
    site.client.tag_resource(resourceArn=site.queue_arn, tags={"team": "churn", "x": "y"})
    site.client.untag_resource(resourceArn=site.queue_arn, tagKeys=["x"])
    assert site.client.list_tags_for_resource(resourceArn=site.queue_arn)["tags"] == {"team": "churn"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"container": {"image": ""}}, "image"),
        ({"container": {"resourceRequirements": NEEDS[:1]}}, "memory"),
        ({"container": {"resourceRequirements": NEEDS[1:]}}, "vcpus"),
        ({"container": {"resourceRequirements": [{"type": "VCPU", "value": "many"}]}}, "many"),
        ({"container": {"environment": [{"name": "AWS_BATCH_X", "value": "1"}]}}, "AWS_BATCH"),
        ({"container": {"command": ["x" * 40_000]}}, "characters"),
        ({"name": "a b"}, "jobDefinitionName"),
        ({"retryStrategy": {"attempts": 11}}, "between 1 and 10"),
        ({"retryStrategy": {"evaluateOnExit": [{"action": "RETRY"}]}}, "onStatusReason"),
        ({"retryStrategy": {"evaluateOnExit": [{"action": "RETRY", "onReason": "a*b"}]}}, "asterisk"),
        ({"timeout": {"attemptDurationSeconds": 59}}, "at least 60"),
    ],
)
def test_which_definitions_are_refused(site: Site, change: dict[str, Any], words: str) -> None:
    assert words in refused(lambda: site.define("true", **change))


def test_which_jobs_are_refused(site: Site) -> None:
    definition = site.define("true")
    unknown = "01234567-89ab-cdef-0123-456789abcdef"
    for given, words in (
        ({"jobQueue": "no-such"}, "JobQueue no-such does not exist"),
        ({"jobDefinition": "no-such"}, "JobDefinition no-such does not exist"),
        ({"jobName": "a b"}, "jobName"),
        ({"dependsOn": [{"jobId": unknown}]}, "does not exist"),
        ({"dependsOn": [{"type": "SEQUENTIAL"}]}, "dependsOn"),
        ({"arrayProperties": {"size": 1}}, "Array size"),
        ({"containerOverrides": {"resourceRequirements": [{"type": "MEMORY", "value": "1"}]}}, "at least 4"),
        ({"nodeOverrides": {"numNodes": 2}}, "nodeOverrides"),
    ):
        assert words in refused(lambda given=given: site.submit(definition, **given))
    assert "does not exist" in refused(lambda: site.client.cancel_job(jobId=unknown, reason="r"))
    assert site.client.describe_jobs(jobs=[unknown])["jobs"] == []
    assert "jobQueue and arrayJobId" in refused(lambda: site.client.list_jobs())


def test_a_client_that_waits_is_told_of_the_end(site: Site) -> None:
    job = site.submit(site.define("sleep", "1"))
    asked = 0
    while site.describe(job)["status"] not in ("SUCCEEDED", "FAILED"):
        asked += 1
        time.sleep(0.05)
    assert asked < 200
