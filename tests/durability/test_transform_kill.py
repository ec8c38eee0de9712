"""A transform job whose server is killed with kill -9: model and client go on, and nothing is sent twice."""

from __future__ import annotations

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


def test_a_transform_job_outlives_its_server_and_the_deletion_of_its_model(
    served: Served, gate: Gate
) -> None:
    client: Any = served.serve()
    with served.cli.platform() as platform:
        platform.objects.create_bucket("rows")
        model = archive({"code/inference.py": CODE.replace("PORT", str(gate.port))})
        platform.objects.put_bytes(S3Uri("rows", "model.tar.gz"), model)
        platform.objects.put_bytes(S3Uri("rows", "in/a.csv"), b"1\n2\n3\n")
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
    eventually(lambda: gate.knocked, "the second record")
    client.delete_model(ModelName="twice")
    served.kill()
    gate.open()
    client = served.serve()

    def ended() -> Any:
        found = client.describe_transform_job(TransformJobName="outlives")
        return found if found["TransformJobStatus"] not in ("InProgress", "Stopping") else None

    found = eventually(ended, "the end of the job")
    assert found["TransformJobStatus"] == "Completed", found
    assert len(gate.knocked) == 1
    with served.cli.platform() as platform:
        assert platform.objects.read_bytes(S3Uri("rows", "out/a.csv.out")) == b"11\n22\n33\n"
        log = (platform.layout.jobs / "transform-job" / "outlives" / "log").read_text()
    assert log.count("asked") == 3
