"""The files and variables that a job finds: SageMaker's container contract.

Source: developer guide, "How Amazon SageMaker AI provides training information" and "How to build your
own processing container"; container contract, C1 and C4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from stepmill.core.arns import Arns
from stepmill.core.json import Json, write_json
from stepmill.jobs.hosts import inputs_of
from stepmill.jobs.outputs import CONTAINER_ROOT
from stepmill.jobs.requests.hosts import Host
from stepmill.jobs.requests.processing import ProcessingRequest
from stepmill.jobs.requests.training import TrainingRequest

NETWORK_INTERFACE = "eth0"
# Several hosts are processes of one machine, and reach each other there.
_LOOPBACK = "lo"

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


def lay_out_training(ml: Path, request: TrainingRequest, host: Host | None = None) -> None:
    """Make the folders and configuration files of a training job.

    Args:
        ml: What the job will see as ``/opt/ml``.
        request: What it does.
        host: For which of its hosts; ``None``: the first.
    """
    for folder in _TRAINING_FOLDERS:
        (ml / folder).mkdir(parents=True, exist_ok=True)
    for extra in (request.checkpoints, request.tensorboard):
        if extra is not None:
            inside(ml, extra.path).mkdir(parents=True, exist_ok=True)
    _write_metadata(ml, request.role)
    config = ml / "input" / "config"
    _write(config / "hyperparameters.json", request.hyperparameters)
    host = host or request.hosts[0]
    own = {item.name for item in inputs_of(request, host)}
    channels = {name: settings for name, settings in request.channels.items() if name in own}
    _write(config / "inputdataconfig.json", channels)
    _write(config / "resourceconfig.json", _training_resources(request.hosts, host))
    for member, name in _CONFIG_FILES.items():
        if request.document.get(member) is not None:
            _write(config / name, request.document[member])


def lay_out_processing(
    ml: Path, request: ProcessingRequest, name: str, arn: str, host: Host | None = None
) -> None:
    """Make the folders and configuration files of a processing job.

    Args:
        ml: What the job will see as ``/opt/ml``.
        request: What it does.
        name: Of the job.
        arn: Of the job.
        host: For which of its hosts; ``None``: the first.
    """
    for folder in ("processing", "output", "config"):
        (ml / folder).mkdir(parents=True, exist_ok=True)
    for output in request.outputs:
        inside(ml, output.path).mkdir(parents=True, exist_ok=True)
    _write_metadata(ml, request.role)
    job = {"ProcessingJobArn": arn, **request.document, "ProcessingJobName": name}
    _write(ml / "config" / "processingjobconfig.json", job)
    resources = {
        "current_host": (host or request.hosts[0]).name,
        "hosts": sorted(each.name for each in request.hosts),
    }
    _write(ml / "config" / "resourceconfig.json", resources)


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


def _training_resources(hosts: Sequence[Host], host: Host) -> Json:
    groups: dict[str, list[Host]] = {}
    for each in hosts:
        groups.setdefault(each.group, []).append(each)
    return {
        "current_host": host.name,
        "current_instance_type": host.instance_type,
        "current_group_name": host.group,
        # Sorted as texts are, which the guide says of it: algo-10 comes before algo-2.
        "hosts": sorted(each.name for each in hosts),
        "instance_groups": [
            {
                "instance_group_name": name,
                "instance_type": members[0].instance_type,
                "hosts": sorted(each.name for each in members),
            }
            for name, members in groups.items()
        ],
        "network_interface_name": NETWORK_INTERFACE if len(hosts) == 1 else _LOOPBACK,
    }


def _write_metadata(ml: Path, role: str) -> None:
    """Tell the job's role, as SageMaker's own machines do: the SDK's get_execution_role looks here first."""
    if role:
        (ml / "metadata").mkdir(exist_ok=True)
        _write(ml / "metadata" / "resource-metadata.json", {"ExecutionRoleArn": role})


def _write(path: Path, document: object) -> None:
    path.write_text(write_json(document))
