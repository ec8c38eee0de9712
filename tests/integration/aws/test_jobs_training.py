"""Training jobs, as boto3 sees them."""

from __future__ import annotations

import io
import tarfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stepmill.core.errors import WrongStateError
from support.cli import eventually
from support.registry import pages, refused
from support.wire import Wire
from support.wire_jobs import BUCKET, WireJobs

ARN = "arn:aws:sagemaker:us-west-2:123456789012:training-job"
WRITES_A_MODEL = """
import pathlib
pathlib.Path("/opt/ml/model/model.txt").write_text("weights")
print("loss=0.25;")
"""
# Says in a checkpoint how many epochs are done, and goes on from there; the second one holds it up once.
LEARNS = """
import os, pathlib, signal, sys, time
state = pathlib.Path("/opt/ml/checkpoints/state.txt")
done = int(state.read_text()) if state.exists() else 0
print(f"begins after {done}", flush=True)
for epoch in range(done + 1, 5):
    print(f"epoch={epoch};", flush=True)
    if epoch == 3 and done == 0:
        time.sleep(600)
    other = state.with_suffix(".new")
    other.write_text(str(epoch))
    os.replace(other, state)
pathlib.Path("/opt/ml/model/model.txt").write_text("weights")
"""
# Each host has a checkpoint of its own; the first epoch is all that is done before the interruption.
LEARNS_ON_EACH = """
import json, pathlib, time
here = json.loads(pathlib.Path("/opt/ml/input/config/resourceconfig.json").read_text())["current_host"]
state = pathlib.Path("/opt/ml/checkpoints", here)
if not state.exists():
    state.write_text("1")
    print(f"{here} has done 1", flush=True)
    time.sleep(600)
print(f"{here} goes on after {state.read_text()}", flush=True)
state.write_text("2")
pathlib.Path("/opt/ml/model", here).write_text("weights")
"""
SLEEPS = """
import time
print("begun", flush=True)
time.sleep(600)
"""


@pytest.fixture
def jobs(wire: Wire) -> WireJobs:
    return WireJobs(wire)


def asked_for(jobs: WireJobs, metric: str, dimension: str, value: str) -> list[float]:
    """Return the values of a metric of the last hour, by the second."""
    now = datetime.now(UTC)
    wanted = {
        "Namespace": "/aws/sagemaker/TrainingJobs",
        "MetricName": metric,
        "Dimensions": [{"Name": dimension, "Value": value}],
    }
    (result,) = jobs.wire.client("cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "m1", "MetricStat": {"Metric": wanted, "Period": 1, "Stat": "Maximum"}}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(seconds=5),
        ScanBy="TimestampAscending",
    )["MetricDataResults"]
    return [float(value) for value in result["Values"]]


class TestARunThatCompletes:
    def test_from_create_to_the_model(self, jobs: WireJobs) -> None:
        request = jobs.training(WRITES_A_MODEL, HyperParameters={"epochs": "3"}, Environment={"A": "1"})
        name = request["TrainingJobName"]
        request["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "loss", "Regex": "loss=(.*);"}]
        before = datetime.now(UTC) - timedelta(seconds=1)
        answer = jobs.client.create_training_job(**request, Tags=[{"Key": "team", "Value": "churn"}])
        assert answer["TrainingJobArn"] == f"{ARN}/{name}"
        found = jobs.trained(name)
        assert found["TrainingJobStatus"] == "Completed", found
        assert found["SecondaryStatus"] == "Completed"
        # The request is echoed as it came.
        for member in ("HyperParameters", "Environment", "InputDataConfig", "ResourceConfig", "RoleArn"):
            assert found[member] == request[member]
        assert found["AlgorithmSpecification"] == request["AlgorithmSpecification"]
        assert found["OutputDataConfig"] == {**request["OutputDataConfig"], "KmsKeyId": ""}
        assert "Tags" not in found
        phases = [phase["Status"] for phase in found["SecondaryStatusTransitions"]]
        assert phases == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
        times = [
            found[f"{each}Time"] for each in ("Creation", "TrainingStart", "TrainingEnd", "LastModified")
        ]
        assert before <= times[0] <= times[1] <= times[2]
        assert found["TrainingTimeInSeconds"] == found["BillableTimeInSeconds"] >= 1
        (metric,) = found["FinalMetricDataList"]
        assert (metric["MetricName"], metric["Value"]) == ("loss", 0.25)
        model = jobs.read(found["ModelArtifacts"]["S3ModelArtifacts"])
        with tarfile.open(fileobj=io.BytesIO(model)) as archive:
            assert archive.getnames() == ["model.txt"]
        tags = jobs.client.list_tags(ResourceArn=answer["TrainingJobArn"])["Tags"]
        assert tags == [{"Key": "team", "Value": "churn"}]

    def test_the_waiter_of_boto3_ends_when_the_job_does(self, jobs: WireJobs) -> None:
        name = jobs.train("print('done')")
        jobs.client.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName=name)
        assert jobs.trained(name)["TrainingJobStatus"] == "Completed"

    def test_spot_training_says_what_it_was(self, jobs: WireJobs) -> None:
        name = jobs.train(
            "import pathlib; pathlib.Path('/opt/ml/checkpoints/1.ckpt').write_text('state')",
            EnableManagedSpotTraining=True,
            StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
            CheckpointConfig={"S3Uri": f"s3://{BUCKET}/checkpoints"},
        )
        found = jobs.trained(name)
        assert found["TrainingJobStatus"] == "Completed"
        assert found["EnableManagedSpotTraining"] is True
        assert found["StoppingCondition"] == {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120}
        # The examples of prices know the type; a second is the least that is told.
        assert found["BillableTimeInSeconds"] == max(1, round(found["TrainingTimeInSeconds"] * 0.4))
        assert jobs.read(f"s3://{BUCKET}/checkpoints/1.ckpt") == b"state"

    def test_an_interruption_costs_what_was_done_since_the_last_checkpoint(self, jobs: WireJobs) -> None:
        request = jobs.training(
            LEARNS,
            EnableManagedSpotTraining=True,
            StoppingCondition={"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 1200},
            CheckpointConfig={"S3Uri": f"s3://{BUCKET}/learns"},
        )
        request["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "epoch", "Regex": "epoch=(.*);"}]
        name = request["TrainingJobName"]
        jobs.client.create_training_job(**request)
        jobs.logged(name, "epoch=3;")
        # What it has measured is seen while it runs.
        (metric,) = jobs.trained(name, "Training")["FinalMetricDataList"]
        assert (metric["MetricName"], metric["Value"]) == ("epoch", 3)
        assert asked_for(jobs, "epoch", "TrainingJobName", name)[-1] == 3
        used = eventually(lambda: asked_for(jobs, "MemoryUtilization", "Host", f"{name}/algo-1"), "a sample")
        assert 0 < used[0] < 100
        jobs.wire.platform.interruptions.interrupt(name)
        found = jobs.trained(name)
        assert found["TrainingJobStatus"] == "Completed", found
        phases = [phase["Status"] for phase in found["SecondaryStatusTransitions"]]
        assert phases == [
            "Starting", "Downloading", "Training", "Interrupted",
            "Starting", "Downloading", "Training", "Uploading", "Completed",
        ]  # fmt: skip
        # One log, in which one epoch is there twice: the one that was under way.
        assert jobs.logged(name, "begins after 2").splitlines() == [
            "begins after 0", "epoch=1;", "epoch=2;", "epoch=3;", "begins after 2", "epoch=3;", "epoch=4;",
        ]  # fmt: skip
        assert jobs.read(f"s3://{BUCKET}/learns/state.txt") == b"4"
        # The wait of five seconds was none of the training.
        took = found["TrainingEndTime"] - found["TrainingStartTime"]
        assert found["TrainingTimeInSeconds"] <= took.total_seconds() - 4

    def test_all_hosts_are_interrupted_and_go_on(self, jobs: WireJobs) -> None:
        name = jobs.train(
            LEARNS_ON_EACH,
            EnableManagedSpotTraining=True,
            StoppingCondition={"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 1200},
            CheckpointConfig={"S3Uri": f"s3://{BUCKET}/on-each"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1},
        )
        for host in (1, 2):
            jobs.logged(name, f"algo-{host} has done 1")
        jobs.wire.platform.interruptions.interrupt(name)
        found = jobs.trained(name)
        assert found["TrainingJobStatus"] == "Completed", found
        statuses = [phase["Status"] for phase in found["SecondaryStatusTransitions"]]
        assert statuses.count("Interrupted") == 1
        for host in (1, 2):
            assert jobs.logged(name, f"algo-{host} goes on after 1")
            assert jobs.read(f"s3://{BUCKET}/on-each/algo-{host}") == b"2"
        with tarfile.open(
            fileobj=io.BytesIO(jobs.read(found["ModelArtifacts"]["S3ModelArtifacts"]))
        ) as archive:
            assert archive.getnames() == ["algo-1", "algo-2"]

    def test_a_job_on_demand_is_not_interrupted(self, jobs: WireJobs) -> None:
        name = jobs.train("print('done')")
        with pytest.raises(WrongStateError, match="does not run on spot capacity"):
            jobs.wire.platform.interruptions.interrupt(name)
        jobs.trained(name)

    def test_earlier_checkpoints_are_there_when_it_starts(self, jobs: WireJobs) -> None:
        jobs.put("earlier/7.ckpt", "seven")
        name = jobs.train(
            "import pathlib; print(pathlib.Path('/opt/ml/checkpoints/7.ckpt').read_text())",
            CheckpointConfig={"S3Uri": f"s3://{BUCKET}/earlier"},
        )
        assert jobs.trained(name)["TrainingJobStatus"] == "Completed"


class TestARunThatDoesNot:
    def test_the_reason_is_told(self, jobs: WireJobs) -> None:
        name = jobs.train("raise ValueError('no rows')")
        found = jobs.trained(name)
        assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Failed", "Failed")
        assert found["FailureReason"].startswith("AlgorithmError: ")
        assert "ValueError: no rows" in found["FailureReason"]
        assert found["FailureReason"].endswith(", exit code: 1")
        assert found["ModelArtifacts"] == {"S3ModelArtifacts": ""}

    def test_a_failure_file_is_the_reason(self, jobs: WireJobs) -> None:
        script = "open('/opt/ml/output/failure', 'w').write('the data is gone'); raise SystemExit(3)"
        found = jobs.trained(jobs.train(script))
        assert found["FailureReason"] == "AlgorithmError: the data is gone, exit code: 3"

    def test_one_that_is_stopped(self, jobs: WireJobs) -> None:
        script = """
import pathlib, signal, sys, time
def end(*_):
    pathlib.Path("/opt/ml/model/half").write_text("half")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
pathlib.Path("/opt/ml/model/begun").touch()
while True:
    time.sleep(0.1)
"""
        name = jobs.train(script)
        jobs.trained(name, "Training")
        jobs.client.stop_training_job(TrainingJobName=name)
        assert jobs.trained(name, "Stopping", "Stopped")
        found = jobs.trained(name)
        assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Stopped", "Stopped")
        assert "FailureReason" not in found
        error = refused(jobs.client.stop_training_job, TrainingJobName=name)
        assert error.code == "ValidationException"
        assert "is in status Stopped" in error.message

    def test_one_that_takes_too_long(self, jobs: WireJobs) -> None:
        found = jobs.trained(jobs.train(SLEEPS, StoppingCondition={"MaxRuntimeInSeconds": 1}))
        assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


class TestRefusals:
    def test_a_name_is_used_once(self, jobs: WireJobs) -> None:
        request = jobs.training("print()")
        jobs.client.create_training_job(**request)
        for again in (request, {**request, "HyperParameters": {"a": "1"}}):
            error = refused(jobs.client.create_training_job, **again)
            assert error.code == "ResourceInUse"
            assert "already exists" in error.message
        jobs.trained(request["TrainingJobName"])

    def test_what_cannot_be_run(self, jobs: WireJobs) -> None:
        unknown = {"TrainingImage": "123456789012.dkr.ecr.us-west-2.amazonaws.com/mine:1"}
        nothing = jobs.training("")["InputDataConfig"]
        nothing[0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{BUCKET}/nothing-there"
        cases = [
            ({"AlgorithmSpecification": {**unknown, "TrainingInputMode": "File"}}, "[images.", "Unsupported"),
            ({"InputDataConfig": nothing}, "No S3 objects found under S3 URL", "Validation"),
            ({"EnableManagedSpotTraining": True}, "MaxWaitTimeInSeconds", "Validation"),
            ({"Tags": [{"Key": "aws:mine", "Value": ""}]}, "reserved", "Validation"),
        ]
        for changes, text, code in cases:
            request = jobs.training("print()", **changes)
            error = refused(jobs.client.create_training_job, **request)
            assert text in error.message
            assert error.code.startswith(code)
            name = request["TrainingJobName"]
            assert refused(jobs.client.describe_training_job, TrainingJobName=name).code

    def test_a_job_that_is_not_there(self, jobs: WireJobs) -> None:
        client = jobs.client
        for call in (client.describe_training_job, client.stop_training_job, client.delete_training_job):
            error = refused(call, TrainingJobName="nowhere")
            assert (error.code, error.message) == ("ValidationException", "Requested resource not found.")

    def test_what_is_not_offered_is_refused_by_name(self, jobs: WireJobs) -> None:
        error = refused(jobs.client.describe_labeling_job, LabelingJobName="any")
        assert error.code == "UnsupportedOperation"
        assert "DescribeLabelingJob" in error.message


class TestDeleting:
    def test_one_that_has_ended(self, jobs: WireJobs) -> None:
        name = jobs.train("print()", Tags=[{"Key": "a", "Value": "b"}])
        jobs.trained(name)
        jobs.client.delete_training_job(TrainingJobName=name)
        assert refused(jobs.client.describe_training_job, TrainingJobName=name).code == "ValidationException"
        # The name is free, and nothing of the first job is left to the second.
        jobs.train("print()", name)
        assert jobs.client.list_tags(ResourceArn=f"{ARN}/{name}")["Tags"] == []
        assert jobs.trained(name)["TrainingJobStatus"] == "Completed"

    def test_one_that_runs_is_in_use(self, jobs: WireJobs) -> None:
        name = jobs.train(SLEEPS)
        assert refused(jobs.client.delete_training_job, TrainingJobName=name).code == "ResourceInUse"
        jobs.client.stop_training_job(TrainingJobName=name)
        jobs.trained(name)


class TestWarmPools:
    def test_a_machine_goes_from_job_to_job(self, jobs: WireJobs) -> None:
        resources = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 7}
        cache = 'os.environ["SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY"]'

        def trained(script: str) -> str:
            config = {**resources, "KeepAlivePeriodInSeconds": 900}
            start = f"import os, pathlib; kept = pathlib.Path({cache}, 'kept')"
            name = jobs.train(f"{start}\n{script}", ResourceConfig=config)
            assert jobs.trained(name)["TrainingJobStatus"] == "Completed"
            return name

        def status(name: str) -> dict[str, Any]:
            found: dict[str, Any] = jobs.client.describe_training_job(TrainingJobName=name)["WarmPoolStatus"]
            return found

        def listed(status: str) -> set[str]:
            call = jobs.client.list_training_jobs
            found = pages(call, "TrainingJobSummaries", WarmPoolStatusEquals=status, MaxResults=1)
            return {each["TrainingJobName"] for page in found for each in page}

        first = trained("kept.write_text('by the first')")
        assert status(first)["Status"] == "Available"
        second = trained("assert kept.read_text() == 'by the first'")
        assert (status(first)["Status"], status(first)["ReusedByJob"]) == ("Reused", second)
        assert first in listed("Reused") - listed("Available")
        assert listed("Available") == {second}
        error = refused(jobs.client.delete_training_job, TrainingJobName=second)
        assert (error.code, "warm pool" in error.message) == ("ResourceInUse", True)
        update = jobs.client.update_training_job
        assert update(TrainingJobName=second, ResourceConfig={"KeepAlivePeriodInSeconds": 3600})[
            "TrainingJobArn"
        ].endswith(second)
        told = jobs.client.describe_training_job(TrainingJobName=second)
        assert told["ResourceConfig"]["KeepAlivePeriodInSeconds"] == 3600
        update(TrainingJobName=second, ResourceConfig={"KeepAlivePeriodInSeconds": 0})
        assert status(second)["Status"] == "Terminated"
        assert listed("Available") == set()
        jobs.client.delete_training_job(TrainingJobName=second)

    def test_what_cannot_be_updated(self, jobs: WireJobs) -> None:
        update = jobs.client.update_training_job
        kept = {"KeepAlivePeriodInSeconds": 60}
        assert refused(update, TrainingJobName="none", ResourceConfig=kept).code == "ValidationException"
        name = jobs.train("print()")
        jobs.trained(name)
        assert refused(update, TrainingJobName=name, ResourceConfig=kept).code == "ValidationException"
        error = refused(update, TrainingJobName=name, RemoteDebugConfig={"EnableRemoteDebug": True})
        assert "Remote debugging" in error.message
        error = refused(update, TrainingJobName=name, ProfilerConfig={"DisableProfiler": True})
        assert "is in status Completed" in error.message


@pytest.fixture(scope="module")
def base(wire: Wire) -> str:
    """Three jobs, of which the second fails: ``<base>-a``, ``-b``, ``-c``, in this order."""
    jobs = WireJobs(wire)
    base = jobs.name("listed")
    for letter, script in (("a", "print()"), ("b", "raise SystemExit(1)"), ("c", "print()")):
        jobs.trained(jobs.train(script, f"{base}-{letter}"))
    return base


class TestListing:
    def test_pages_orders_and_filters(self, jobs: WireJobs, base: str) -> None:
        def names(**given: Any) -> list[str]:
            call = jobs.client.list_training_jobs
            found = pages(call, "TrainingJobSummaries", NameContains=base.upper(), **given)
            return [each["TrainingJobName"][-1] for page in found for each in page]

        assert names() == ["a", "b", "c"]
        assert names(MaxResults=1) == ["a", "b", "c"]
        assert names(SortOrder="Descending", MaxResults=2) == ["c", "b", "a"]
        assert names(SortBy="Name", SortOrder="Descending") == ["c", "b", "a"]
        assert names(SortBy="Status", SortOrder="Ascending") == ["a", "c", "b"]
        assert names(StatusEquals="Failed") == ["b"]
        made = jobs.trained(f"{base}-b")["CreationTime"]
        assert names(CreationTimeAfter=made + timedelta(milliseconds=1)) == ["c"]
        assert names(CreationTimeBefore=made - timedelta(milliseconds=1)) == ["a"]
        assert names(LastModifiedTimeAfter=datetime.now(UTC)) == []
        assert names(WarmPoolStatusEquals="InUse") == []

    def test_a_summary(self, jobs: WireJobs, base: str) -> None:
        (summary,) = jobs.client.list_training_jobs(NameContains=f"{base}-b")["TrainingJobSummaries"]
        found = jobs.trained(f"{base}-b")
        for member in ("TrainingJobArn", "CreationTime", "TrainingEndTime", "LastModifiedTime"):
            assert summary[member] == found[member]
        assert (summary["TrainingJobStatus"], summary["SecondaryStatus"]) == ("Failed", "Failed")

    def test_an_order_that_only_tuning_has_is_refused(self, jobs: WireJobs) -> None:
        error = refused(jobs.client.list_training_jobs, SortBy="FinalObjectiveMetricValue")
        assert error.code == "ValidationException"
