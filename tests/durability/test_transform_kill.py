"""A transform job and a check step whose server is killed with kill -9: both go on, and do nothing twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.storage.objects.uri import S3Uri
from support.cli import PYTHON_IMAGE, ROLE, Cli, eventually
from support.served import Gate, Served
from support.transforms import archive

# The second record knocks, and waits until it is let go; the log counts the records.
CODE = """
import socket
def model_fn(model_dir): ...
def transform_fn(model, body, content_type, accept):
    print("asked", body, flush=True)
    if body == "2":
        with socket.create_connection(("127.0.0.1", PORT), timeout=120) as connection:
            connection.recv(10)
    return body * 2, content_type
"""

# Of the analyzer: it has written its reports by then, and the step has not judged them.
SCRIPT = """
import socket
def postprocess_handler():
    with socket.create_connection(("127.0.0.1", PORT), timeout=120) as connection:
        connection.recv(10)
"""
FOLDER = "/opt/ml/processing"


@pytest.fixture
def gate() -> Iterator[Gate]:
    with Gate() as gate:
        yield gate


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "project").mkdir()
    cli = Cli(tmp_path / "project", tmp_path / "home")
    yield Served(cli)
    cli.close()


def check(script: str) -> dict[str, Any]:
    """Return a pipeline of a check step that runs a script when its reports are written."""
    inputs = {"data": "s3://rows/usual.csv", "script": script}
    return {
        "Version": "2020-12-01",
        "Steps": [
            {
                "Name": "Check",
                "Type": "QualityCheck",
                "CheckType": "DATA_QUALITY",
                "SkipCheck": True,
                "RegisterNewBaseline": True,
                "Arguments": {
                    "AppSpecification": {"ImageUri": "sagemaker-model-monitor-analyzer"},
                    "Environment": {
                        "dataset_format": '{"csv": {"header": true}}',
                        "dataset_source": f"{FOLDER}/input/data",
                        "output_path": f"{FOLDER}/output",
                        "post_analytics_processor_script": f"{FOLDER}/input/script/post.py",
                    },
                    "ProcessingInputs": [
                        {
                            "InputName": name,
                            "S3Input": {
                                "S3Uri": uri,
                                "LocalPath": f"{FOLDER}/input/{name}",
                                "S3DataType": "S3Prefix",
                                "S3InputMode": "File",
                            },
                        }
                        for name, uri in inputs.items()
                    ],
                    "ProcessingOutputConfig": {
                        "Outputs": [
                            {
                                "OutputName": "quality_check_output",
                                "S3Output": {
                                    "S3Uri": "s3://rows/reports",
                                    "LocalPath": f"{FOLDER}/output",
                                    "S3UploadMode": "EndOfJob",
                                },
                            }
                        ]
                    },
                    "ProcessingResources": {
                        "ClusterConfig": {
                            "InstanceType": "ml.m5.large",
                            "InstanceCount": 1,
                            "VolumeSizeInGB": 1,
                        }
                    },
                    "RoleArn": ROLE,
                },
            }
        ],
    }


def test_a_transform_job_and_a_check_outlive_their_server_and_the_deletion_of_the_model(
    served: Served, gate: Gate
) -> None:
    client: Any = served.serve()
    with served.cli.platform() as platform:
        platform.objects.create_bucket("rows")
        model = archive({"code/inference.py": CODE.replace("PORT", str(gate.port))})
        platform.objects.put_bytes(S3Uri("rows", "model.tar.gz"), model)
        platform.objects.put_bytes(S3Uri("rows", "in/a.csv"), b"1\n2\n3\n")
        platform.objects.put_bytes(S3Uri("rows", "usual.csv"), b"age\n31\n44\n")
        script = SCRIPT.replace("PORT", str(gate.port)).encode()
        platform.objects.put_bytes(S3Uri("rows", "script/post.py"), script)
    definition = json.dumps(check("s3://rows/script/"))
    client.create_pipeline(
        PipelineName="Checks", PipelineDefinition=definition, ClientRequestToken="c" * 32, RoleArn=ROLE
    )
    execution = client.start_pipeline_execution(PipelineName="Checks", ClientRequestToken="s" * 32)
    client.create_model(
        ModelName="twice",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": PYTHON_IMAGE, "ModelDataUrl": "s3://rows/model.tar.gz"},
    )
    client.create_transform_job(
        TransformJobName="outlives",
        ModelName="twice",
        BatchStrategy="SingleRecord",
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://rows/in/"}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        TransformOutput={"S3OutputPath": "s3://rows/out", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    eventually(lambda: len(gate.knocked) == 2, "the second record and the reports")
    client.delete_model(ModelName="twice")
    served.kill()
    gate.open()
    client = served.serve()

    def ended() -> Any:
        found = client.describe_transform_job(TransformJobName="outlives")
        return found if found["TransformJobStatus"] not in ("InProgress", "Stopping") else None

    found = eventually(ended, "the end of the job")
    assert found["TransformJobStatus"] == "Completed", found
    arn = execution["PipelineExecutionArn"]

    def checked() -> Any:
        (step,) = client.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
        return step if step["StepStatus"] != "Executing" else None

    step = eventually(checked, "the end of the check")
    assert step["StepStatus"] == "Succeeded", step
    about = step["Metadata"]["QualityCheck"]
    assert about["BaselineUsedForDriftCheckConstraints"] == "s3://rows/reports/constraints.json"
    assert len(client.list_processing_jobs()["ProcessingJobSummaries"]) == 1
    assert len(gate.knocked) == 2
    with served.cli.platform() as platform:
        assert platform.objects.read_bytes(S3Uri("rows", "out/a.csv.out")) == b"11\n22\n33\n"
        report = platform.objects.read_bytes(S3Uri("rows", "reports/statistics.json"))
        assert json.loads(report)["dataset"] == {"item_count": 2}
        log = (platform.layout.jobs / "transform-job" / "outlives" / "log").read_text()
    assert log.count("asked") == 3
