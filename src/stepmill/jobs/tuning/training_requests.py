"""The training job of a trial: what CreateTrainingJob would get.

Source: API reference, HyperParameterTrainingJobDefinition, HyperParameterTuningResourceConfig.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepmill.core.json import Json, JsonObject
from stepmill.jobs.tuning.plan import Definition
from stepmill.jobs.warm_pools import without_keep_alive

_OBJECTIVE_KEY = "_tuning_objective_metric"

_SAME = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "RetryStrategy",
    "Environment",
)
_RESOURCES = ("InstanceType", "InstanceCount", "VolumeSizeInGB")


def training_request(definition: Definition, name: str, tuned: Mapping[str, str]) -> JsonObject:
    """Return the request for the training job of a trial.

    Args:
        definition: Of the tuning job.
        name: Of the training job.
        tuned: The hyperparameters that were chosen.
    """
    document = definition.document
    request: dict[str, Json] = {"TrainingJobName": name}
    request["HyperParameters"] = {**static_of(definition), **tuned}
    request |= {member: document[member] for member in _SAME if document.get(member) is not None}
    if (resources := resources_of(definition)) is not None:
        request["ResourceConfig"] = resources
    checkpoints = document.get("CheckpointConfig")
    if isinstance(checkpoints, Mapping):
        # Trials run side by side: each keeps its checkpoints in a folder of its own.
        uri = str(checkpoints.get("S3Uri", "")).rstrip("/")
        request["CheckpointConfig"] = {**checkpoints, "S3Uri": f"{uri}/{name}"}
    return request


def static_of(definition: Definition) -> dict[str, str]:
    """Return the hyperparameters that all trials of a definition share; the metric is one of them."""
    return {**definition.static, _OBJECTIVE_KEY: definition.objective.metric}


def resources_of(definition: Definition) -> JsonObject | None:
    """Return the instances of a training job: of several that would do, the ones that are asked for first."""
    document = definition.document
    flexible = document.get("HyperParameterTuningResourceConfig")
    if not isinstance(flexible, Mapping):
        own = document.get("ResourceConfig")
        # Trials leave no warm pools: HyperParameterTuningResourceConfig has no such member.
        return without_keep_alive(own) if isinstance(own, Mapping) else None
    configs = flexible.get("InstanceConfigs")
    first = (
        configs[0] if isinstance(configs, Sequence) and not isinstance(configs, str) and configs else flexible
    )
    chosen = {name: first[name] for name in _RESOURCES if isinstance(first, Mapping) and name in first}
    if flexible.get("VolumeKmsKeyId"):
        chosen["VolumeKmsKeyId"] = flexible["VolumeKmsKeyId"]
    return chosen
