"""The files and variables that a job finds: SageMaker's container contract.

Source: developer guide, "How Amazon SageMaker AI provides training information" and "How to build your
own processing container"; container contract, C1 and C4.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stepmill.core.arns import Arns
from stepmill.core.json import Json, write_json
from stepmill.jobs.outputs import CONTAINER_ROOT
from stepmill.jobs.requests.processing import ProcessingRequest
from stepmill.jobs.requests.training import TrainingRequest

HOST = "algo-1"
NETWORK_INTERFACE = "eth0"
INSTANCE_GROUP = "homogeneousCluster"

# Folders that are there when a training job starts.
_TRAINING_FOLDERS = (
    "input/config",
    "input/data",
    "model",
    "output/data",
    "output/intermediate",
    "checkpoints",
    "code",
)
# Members of the request that are files of their own where they are given.
_CONFIG_FILES = {
    "CheckpointConfig": "checkpointconfig.json",
    "DebugHookConfig": "debughookconfig.json",
    "ProfilerConfig": "profilerconfig.json",
}


def lay_out_training(ml: Path, request: TrainingRequest) -> None:
    """Make the folders and configuration files of a training job.

    Args:
        ml: What the job will see as ``/opt/ml``.
        request: What it does.
    """
    for folder in _TRAINING_FOLDERS:
        (ml / folder).mkdir(parents=True, exist_ok=True)
    for extra in (request.checkpoints, request.tensorboard):
        if extra is not None:
            inside(ml, extra.path).mkdir(parents=True, exist_ok=True)
    _write_metadata(ml, request.role)
    config = ml / "input" / "config"
    _write(config / "hyperparameters.json", request.hyperparameters)
    _write(config / "inputdataconfig.json", request.channels)
    _write(config / "resourceconfig.json", _training_resources(request.instance_type))
    for member, name in _CONFIG_FILES.items():
        if request.document.get(member) is not None:
            _write(config / name, request.document[member])


def lay_out_processing(ml: Path, request: ProcessingRequest, name: str, arn: str) -> None:
    """Make the folders and configuration files of a processing job.

    Args:
        ml: What the job will see as ``/opt/ml``.
        request: What it does.
        name: Of the job.
        arn: Of the job.
    """
    for folder in ("processing", "output", "config"):
        (ml / folder).mkdir(parents=True, exist_ok=True)
    for output in request.outputs:
        inside(ml, output.path).mkdir(parents=True, exist_ok=True)
    _write_metadata(ml, request.role)
    job = {"ProcessingJobArn": arn, **request.document, "ProcessingJobName": name}
    _write(ml / "config" / "processingjobconfig.json", job)
    _write(ml / "config" / "resourceconfig.json", {"current_host": HOST, "hosts": [HOST]})


def inside(ml: Path, path: str) -> Path:
    """Return where a path below ``/opt/ml`` that a request names lies on this machine."""
    return ml / path.removeprefix(CONTAINER_ROOT).lstrip("/")


def job_environment(arns: Arns, given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of any job: region, unbuffered output, and those that the request gives."""
    return {
        "AWS_REGION": arns.region,
        "AWS_DEFAULT_REGION": arns.region,
        "PYTHONUNBUFFERED": "1",
        **given,
    }


def training_environment(name: str, arn: str) -> dict[str, str]:
    """Return the variables that only training jobs have."""
    return {"TRAINING_JOB_NAME": name, "TRAINING_JOB_ARN": arn}


def _training_resources(instance_type: str) -> Json:
    group = {"instance_group_name": INSTANCE_GROUP, "instance_type": instance_type, "hosts": [HOST]}
    return {
        "current_host": HOST,
        "current_instance_type": instance_type,
        "current_group_name": INSTANCE_GROUP,
        "hosts": [HOST],
        "instance_groups": [group],
        "network_interface_name": NETWORK_INTERFACE,
    }


def _write_metadata(ml: Path, role: str) -> None:
    """Tell the job's role, as SageMaker's own machines do: the SDK's get_execution_role looks here first."""
    if role:
        (ml / "metadata").mkdir(exist_ok=True)
        _write(ml / "metadata" / "resource-metadata.json", {"ExecutionRoleArn": role})


def _write(path: Path, document: object) -> None:
    path.write_text(write_json(document))
