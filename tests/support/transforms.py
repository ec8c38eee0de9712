"""Models and transform jobs, as boto3 makes them."""

from __future__ import annotations

import io
import tarfile
import uuid
from collections.abc import Mapping
from typing import Any

from stepmill.storage.objects.uri import S3Uri
from support.cli import PYTHON_IMAGE, ROLE, eventually
from support.wire_jobs import BUCKET, ENDED, WireJobs

# Answers each line with the sum of its numbers; refuses what is none.
SUMS = """
def model_fn(model_dir): return 0
def input_fn(body, content_type):
    if content_type != "text/csv":
        raise Refused(f"Content type {content_type} is not supported.")
    return [[float(cell) for cell in line.split(",")] for line in body.splitlines()]
def predict_fn(data, model): return [sum(row) for row in data]
def output_fn(prediction, accept): return "".join(f"{value:g}\\n" for value in prediction), "text/csv"
class Refused(ValueError):
    status = 415
"""


def archive(files: Mapping[str, str | bytes]) -> bytes:
    """Return a tar.gz of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


class WireTransforms(WireJobs):
    """Transform jobs of a server."""

    def model(self, code: str = SUMS, *, image: str = PYTHON_IMAGE, **container: Any) -> str:
        """Make a model whose archive holds this inference code; return its name."""
        name = f"model-{uuid.uuid4().hex[:12]}"
        self.put(f"{name}/model.tar.gz", archive({"code/inference.py": code}))
        data = f"s3://{BUCKET}/{name}/model.tar.gz"
        self.client.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={"Image": image, "ModelDataUrl": data, **container},
        )
        return name

    def inputs(self, objects: Mapping[str, str | bytes]) -> str:
        """Store objects below a folder of their own; return its address."""
        folder = f"in-{uuid.uuid4().hex[:12]}"
        for name, content in objects.items():
            self.put(f"{folder}/{name}", content.encode() if isinstance(content, str) else content)
        return f"s3://{BUCKET}/{folder}"

    def request(self, model: str, source: str, **changes: Any) -> dict[str, Any]:
        """Return a CreateTransformJob request: rows of CSV, line by line, answered as CSV."""
        name = f"transform-{uuid.uuid4().hex[:12]}"
        request = {
            "TransformJobName": name,
            "ModelName": model,
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}},
                "ContentType": "text/csv",
                "SplitType": "Line",
                **changes.pop("TransformInput", {}),
            },
            "TransformOutput": {
                "S3OutputPath": f"s3://{BUCKET}/out-{name}",
                "Accept": "text/csv",
                "AssembleWith": "Line",
                **changes.pop("TransformOutput", {}),
            },
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            **changes,
        }
        return {key: value for key, value in request.items() if value is not None}

    def transform(self, model: str, source: str, **changes: Any) -> dict[str, Any]:
        """Do a job to its end; return its description."""
        request = self.request(model, source, **changes)
        self.client.create_transform_job(**request)
        return self.transformed(request["TransformJobName"])

    def transformed(self, name: str) -> dict[str, Any]:
        """Wait until a job has ended; return its description."""

        def ended() -> dict[str, Any] | None:
            found = self.client.describe_transform_job(TransformJobName=name)
            return found if found["TransformJobStatus"] in ENDED else None

        return eventually(ended, f"the end of {name}")

    def logged(self, name: str, text: str) -> None:
        """Wait until a job has written a text to its log."""
        log = self.wire.platform.layout.jobs / "transform-job" / name / "log"
        eventually(lambda: log.exists() and text in log.read_text(), f"{text!r} in the log of {name}")

    def outputs(self, described: Mapping[str, Any]) -> dict[str, str]:
        """Return what a job has stored: name below its output path -> text."""
        prefix = described["TransformOutput"]["S3OutputPath"].partition(f"{BUCKET}/")[2] + "/"
        found = self.wire.platform.objects.all(S3Uri(BUCKET, prefix))
        return {one.key.removeprefix(prefix): self.read(str(one.uri)).decode() for one in found}
