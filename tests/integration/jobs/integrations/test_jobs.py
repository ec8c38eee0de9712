"""Task states that are a job and end with it: SageMaker's and Batch's, really run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.json import JsonObject
from stepmill.core.tasks import TaskFailed, TaskStopped, TaskSubmitted, TaskSucceeded
from stepmill.jobs.records import TRAINING_JOB, JobRecords, state_of
from stepmill.platform import Platform
from stepmill.storage.objects.uri import S3Uri
from support.cli import PYTHON_IMAGE, ROLE, eventually
from support.integrating import do, home, start, task_of
from support.transforms import archive

DONE = "open('/opt/ml/model/m', 'w').write('1')\n"
FAILS = "open('/opt/ml/output/failure', 'w').write('no data')\nraise SystemExit(3)\n"
SLEEPS = "import time\nprint('here', flush=True)\ntime.sleep(600)\n"
ARN = "arn:aws:sagemaker:us-west-2:123456789012:training-job/"


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with home(tmp_path) as opened:
        yield opened


def training(platform: Platform, script: str, name: str = "train", **more: Any) -> dict[str, Any]:
    bucket = platform.settings.default_bucket
    code = S3Uri(bucket, f"code/{name}/train.py")
    platform.objects.put_bytes(code, script.encode())
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": PYTHON_IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/train.py"],
        },
        "RoleArn": ROLE,
        "InputDataConfig": [
            {
                "ChannelName": "code",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": str(code)}},
            }
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        **more,
    }


def is_running(platform: Platform, name: str) -> bool:
    record = JobRecords(platform.records, TRAINING_JOB).find(name)
    return record is not None and state_of(record).secondary == "Training"


def test_a_training_job_is_submitted_and_its_description_is_the_output(platform: Platform) -> None:
    given = training(platform, DONE, Tags=[{"Key": "team", "Value": "churn"}])
    heard = do(platform, "sagemaker:createTrainingJob.sync", given)
    output = heard.succeeded()
    assert heard.kinds == ["TaskSubmitted", "TaskSucceeded"]
    assert heard.submitted()["TrainingJobArn"] == f"{ARN}train"
    assert "SdkHttpMetadata" in heard.submitted()
    assert isinstance(output, dict)
    assert output["TrainingJobStatus"] == "Completed"
    assert output["ModelArtifacts"]["S3ModelArtifacts"].endswith("/out/train/output/model.tar.gz")
    # Moments are milliseconds, as Step Functions shows them.
    assert isinstance(output["CreationTime"], int)
    assert output["CreationTime"] > 1_600_000_000_000
    assert list(output) == sorted(output)
    assert "SdkHttpMetadata" not in output
    assert platform.tags.of(f"{ARN}train") == {"team": "churn"}


def test_a_training_job_that_is_not_waited_for_goes_on_by_itself(platform: Platform) -> None:
    heard = do(platform, "sagemaker:createTrainingJob", training(platform, DONE))
    output = heard.succeeded()
    assert isinstance(output, dict)
    assert list(output) == ["SdkHttpMetadata", "SdkResponseMetadata", "TrainingJobArn"]

    def has_completed() -> bool:
        record = JobRecords(platform.records, TRAINING_JOB).get("train")
        return str(state_of(record).status) == "Completed"

    eventually(has_completed, "the job to complete")


def test_a_job_that_fails_fails_the_task_with_its_description_as_cause(platform: Platform) -> None:
    error, cause = do(platform, "sagemaker:createTrainingJob.sync", training(platform, FAILS)).failed()
    assert error == "States.TaskFailed"
    told = json.loads(cause)
    assert told["TrainingJobStatus"] == "Failed"
    assert "no data" in told["FailureReason"]
    assert told["TrainingJobArn"] == f"{ARN}train"


def test_a_processing_job_works_the_same(platform: Platform) -> None:
    given: JsonObject = {
        "ProcessingJobName": "prepare",
        "AppSpecification": {"ImageUri": PYTHON_IMAGE, "ContainerEntrypoint": ["python3", "-c", "print(1)"]},
        "RoleArn": ROLE,
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
    }
    heard = do(platform, "sagemaker:createProcessingJob.sync", given)
    output = heard.succeeded()
    assert isinstance(output, dict)
    assert output["ProcessingJobStatus"] == "Completed"
    assert str(heard.submitted()["ProcessingJobArn"]).endswith(":processing-job/prepare")


def test_a_tuning_job_works_the_same(platform: Platform) -> None:
    bucket = platform.settings.default_bucket
    source = S3Uri(bucket, "code/sourcedir.tar.gz")
    platform.objects.put_bytes(source, archive({"train.py": b"print('score=0.5;')"}))
    definition = training(platform, DONE)
    del definition["TrainingJobName"], definition["InputDataConfig"]
    definition["AlgorithmSpecification"] = {
        "TrainingImage": PYTHON_IMAGE,
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "score", "Regex": "score=([0-9.]+);"}],
    }
    definition["StaticHyperParameters"] = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": str(source),
    }
    given: JsonObject = {
        "HyperParameterTuningJobName": "tune",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": "9"}]},
        },
        "TrainingJobDefinition": definition,
    }
    heard = do(platform, "sagemaker:createHyperParameterTuningJob.sync", given)
    output = heard.succeeded()
    assert isinstance(output, dict)
    assert output["HyperParameterTuningJobStatus"] == "Completed"
    assert output["BestTrainingJob"]["TrainingJobName"].startswith("tune-00")
    assert "TrainingJobSummaries" not in output
    assert str(heard.submitted()["HyperParameterTuningJobArn"]).endswith(":hyper-parameter-tuning-job/tune")


def test_a_transform_job_works_the_same(platform: Platform) -> None:
    bucket = platform.settings.default_bucket
    code = "def model_fn(d): ...\ndef transform_fn(m, b, c, a): return b * 2, c"
    platform.objects.put_bytes(S3Uri(bucket, "model.tar.gz"), archive({"code/inference.py": code}))
    platform.objects.put_bytes(S3Uri(bucket, "in/a"), b"1")
    container = {"Image": PYTHON_IMAGE, "ModelDataUrl": f"s3://{bucket}/model.tar.gz"}
    platform.served_models.create({"ModelName": "twice", "PrimaryContainer": container})
    given: JsonObject = {
        "TransformJobName": "apply",
        "ModelName": "twice",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/in"}}
        },
        "TransformOutput": {"S3OutputPath": f"s3://{bucket}/out"},
        "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
    }
    heard = do(platform, "sagemaker:createTransformJob.sync", given)
    output = heard.succeeded()
    assert isinstance(output, dict)
    assert output["TransformJobStatus"] == "Completed"
    assert str(heard.submitted()["TransformJobArn"]).endswith(":transform-job/apply")
    assert platform.objects.read_bytes(S3Uri(bucket, "out/a.out")) == b"11"


def test_a_name_that_is_taken_is_refused_by_name(platform: Platform) -> None:
    do(platform, "sagemaker:createTrainingJob.sync", training(platform, DONE)).succeeded()
    heard = do(platform, "sagemaker:createTrainingJob.sync", training(platform, DONE))
    error, cause = heard.failed()
    assert error == "SageMaker.ResourceInUseException"
    assert "(Service: AmazonSageMaker; Status Code: 400; Error Code: ResourceInUse; " in cause
    assert heard.kinds == ["TaskFailed"]


def test_what_sagemaker_would_refuse_fails_the_task_before_it_is_submitted(platform: Platform) -> None:
    given = training(platform, DONE, name="bad_name")
    heard = do(platform, "sagemaker:createTrainingJob.sync", given)
    assert heard.failed()[0] == "SageMaker.AmazonSageMakerException"
    assert heard.kinds == ["TaskFailed"]
    unknown = training(platform, DONE, AlgorithmSpecification={"TrainingInputMode": "File", "Nope": 1})
    error, cause = do(platform, "sagemaker:createTrainingJob.sync", unknown).failed()
    assert error == "States.Runtime"
    assert cause.endswith('[The field "Nope" is not supported by Step Functions]')


def test_a_task_that_is_stopped_stops_its_job(platform: Platform) -> None:
    task = task_of("sagemaker:createTrainingJob.sync", training(platform, SLEEPS))
    heard = start(platform, task)
    eventually(lambda: is_running(platform, "train"), "the job to run")
    handler = platform.integrations.get(task.resource)
    assert handler is not None
    handler.stop(task)
    end = heard.end(TaskStopped)
    assert json.loads(end.cause)["TrainingJobStatus"] == "Stopped"


def test_a_job_that_somebody_else_stops_fails_its_task(platform: Platform) -> None:
    heard = do(platform, "sagemaker:createTrainingJob.sync", training(platform, SLEEPS))
    eventually(lambda: is_running(platform, "train"), "the job to run")
    platform.api_calls.call("sagemaker", "StopTrainingJob", {"TrainingJobName": "train"})
    end = heard.end(TaskFailed)
    assert end.error == "States.TaskFailed"
    assert json.loads(end.cause)["TrainingJobStatus"] == "Stopped"


def test_another_process_goes_on_with_the_job_of_a_task(tmp_path: Path) -> None:
    with home(tmp_path) as first:
        task = task_of(
            "sagemaker:createTrainingJob.sync", training(first, "import time\ntime.sleep(2)\n" + DONE)
        )
        heard = start(first, task)
        eventually(lambda: is_running(first, "train"), "the job to run")
        assert heard.finals == 0
    with home(tmp_path) as second:
        again = start(second, task)
        output = again.succeeded()
        assert isinstance(output, dict)
        assert output["TrainingJobStatus"] == "Completed"
        assert again.submitted()["TrainingJobArn"] == heard.submitted()["TrainingJobArn"]
        assert len(second.records.list(TRAINING_JOB).records) == 1


class Batch:
    """A queue of Batch, and definitions of jobs."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        environment: JsonObject = {"ComputeEnvironmentName": "machine", "Type": "UNMANAGED"}
        platform.api_calls.call("batch", "CreateComputeEnvironment", environment)
        queue: JsonObject = {
            "JobQueueName": "queue",
            "Priority": 1,
            "ComputeEnvironmentOrder": [{"Order": 1, "ComputeEnvironment": "machine"}],
        }
        platform.api_calls.call("batch", "CreateJobQueue", queue)

    def job(self, code: str, **more: Any) -> JsonObject:
        definition: JsonObject = {
            "JobDefinitionName": "definition",
            "Type": "container",
            "ContainerProperties": {
                "Image": PYTHON_IMAGE,
                "Command": ["python3", "-c", code],
                "ResourceRequirements": [
                    {"Type": "VCPU", "Value": "1"},
                    {"Type": "MEMORY", "Value": "256"},
                ],
            },
        }
        made = self.platform.api_calls.call("batch", "RegisterJobDefinition", definition).members
        return {"JobName": "job", "JobQueue": "queue", "JobDefinition": made["JobDefinitionArn"], **more}


@pytest.fixture
def batch(platform: Platform) -> Batch:
    return Batch(platform)


def test_a_job_of_batch_is_waited_for_and_told_in_pascal_case(platform: Platform, batch: Batch) -> None:
    heard = do(platform, "batch:submitJob.sync", batch.job("print('done')"))
    output = heard.succeeded()
    submitted = heard.wait_for(TaskSubmitted).output
    assert isinstance(submitted, dict)
    assert list(submitted) == ["JobArn", "JobId", "JobName", "SdkHttpMetadata", "SdkResponseMetadata"]
    assert isinstance(output, dict)
    assert (output["JobId"], output["Status"]) == (submitted["JobId"], "SUCCEEDED")
    assert output["Container"]["ExitCode"] == 0
    assert {"Name": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"} in output["Container"][
        "Environment"
    ]
    assert isinstance(output["CreatedAt"], int)


def test_a_job_of_batch_that_fails_fails_its_task(platform: Platform, batch: Batch) -> None:
    error, cause = do(platform, "batch:submitJob.sync", batch.job("raise SystemExit(4)")).failed()
    assert error == "States.TaskFailed"
    told = json.loads(cause)
    assert told["Status"] == "FAILED"
    assert told["Attempts"][0]["Container"]["ExitCode"] == 4


def test_a_job_of_batch_is_ended_with_its_task(platform: Platform, batch: Batch) -> None:
    task = task_of("batch:submitJob.sync", batch.job("import time; time.sleep(600)"))
    heard = start(platform, task)
    handler = platform.integrations.get(task.resource)
    assert handler is not None
    handler.stop(task)
    error, cause = heard.failed()
    assert error == "States.TaskFailed"
    assert json.loads(cause)["Status"] == "FAILED"


def test_a_task_submits_one_job_however_often_it_is_handed_over(platform: Platform, batch: Batch) -> None:
    task = task_of("batch:submitJob.sync", batch.job("print('done')"))
    first, second = start(platform, task), start(platform, task)
    assert first.submitted()["JobId"] == second.submitted()["JobId"]
    assert first.end(TaskSucceeded).output == second.end(TaskSucceeded).output
    assert len(platform.records.list("batch-job").records) == 1


def test_a_queue_that_is_not_there_fails_the_task(platform: Platform, batch: Batch) -> None:
    error, cause = do(platform, "batch:submitJob.sync", batch.job("1", JobQueue="none")).failed()
    assert error == "Batch.ClientException"
    assert "(Service: AWSBatch; Status Code: 400; Error Code: ClientException; " in cause
