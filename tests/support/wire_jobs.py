"""Jobs started over the wire, for tests."""

from __future__ import annotations

import itertools
from typing import Any

from stepmill.compute.logs import read_log
from stepmill.jobs.host_folders import host_folders
from stepmill.jobs.records import TRAINING_JOB
from stepmill.storage.objects.uri import S3Uri
from support.cli import PYTHON_IMAGE, ROLE, eventually
from support.wire import Wire

BUCKET = "job-tests"
ENDED = ("Completed", "Failed", "Stopped")

_numbers = itertools.count(1)


class WireJobs:
    """Starts jobs whose script is given as text."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.client = wire.client("sagemaker")
        wire.platform.objects.create_bucket(BUCKET, exist_ok=True)

    def name(self, base: str = "job") -> str:
        """Return a name that no other test of this process uses."""
        return f"{base}-{next(_numbers)}"

    def put(self, key: str, data: str | bytes) -> str:
        """Store an object, and return its address."""
        uri = S3Uri(BUCKET, key)
        self.wire.platform.objects.put_bytes(uri, data.encode() if isinstance(data, str) else data)
        return str(uri)

    def read(self, uri: str) -> bytes:
        return self.wire.platform.objects.read_bytes(S3Uri.parse(uri))

    def training(self, script: str, name: str = "", **changes: Any) -> dict[str, Any]:
        """Return a CreateTrainingJob request that runs a Python script."""
        name = name or self.name()
        code = self.put(f"code/{name}/train.py", script)
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
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": code}},
                }
            ],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            **changes,
        }

    def processing(self, script: str, name: str = "", **changes: Any) -> dict[str, Any]:
        """Return a CreateProcessingJob request that runs a Python script."""
        name = name or self.name()
        code = self.put(f"code/{name}/script.py", script)
        folder = "/opt/ml/processing/input/code"
        return {
            "ProcessingJobName": name,
            "AppSpecification": {
                "ImageUri": PYTHON_IMAGE,
                "ContainerEntrypoint": ["python3", f"{folder}/script.py"],
            },
            "RoleArn": ROLE,
            "ProcessingInputs": [
                {
                    "InputName": "code",
                    "S3Input": {
                        "S3Uri": code,
                        "LocalPath": folder,
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
            ],
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
            },
            **changes,
        }

    def train(self, script: str, name: str = "", **changes: Any) -> str:
        """Start a training job, and return its name."""
        request = self.training(script, name, **changes)
        self.client.create_training_job(**request)
        return str(request["TrainingJobName"])

    def process(self, script: str, name: str = "", **changes: Any) -> str:
        """Start a processing job, and return its name."""
        request = self.processing(script, name, **changes)
        self.client.create_processing_job(**request)
        return str(request["ProcessingJobName"])

    def logged(self, name: str, text: str) -> str:
        """Wait until a training job has written a text, and return its log: that of each host in turn."""
        folder = self.wire.platform.layout.jobs / TRAINING_JOB / name

        def look() -> str:
            log = "".join(read_log(each) for _, each in host_folders(folder))
            return log if text in log else ""

        return eventually(look, f"{text!r} in the log of {name}")

    def trained(self, name: str, *statuses: str) -> dict[str, Any]:
        """Wait until a training job stands so, or has ended, and return what is said of it."""

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.client.describe_training_job(TrainingJobName=name)
            wanted = statuses or ENDED
            return found if {found["TrainingJobStatus"], found["SecondaryStatus"]} & {*wanted} else None

        return eventually(look, f"{statuses or 'the end'} of {name}")

    def processed(self, name: str) -> dict[str, Any]:
        """Wait until a processing job has ended, and return what is said of it."""

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.client.describe_processing_job(ProcessingJobName=name)
            return found if found["ProcessingJobStatus"] in ENDED else None

        return eventually(look, f"the end of {name}")
