"""What a job leaves in experiments: the trial component of a processing or training job. Pure.

Source: what SageMaker records of jobs by itself: instances and hyperparameters as parameters, images,
channels and outputs as artifacts; developer guide, "View experiments, trials, and trial components".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stepmill.catalog.entities import usable_name
from stepmill.core.json import Json, JsonObject, object_of, objects_of

# API reference, TrialComponentParameterValue and TrialComponentArtifact.
LONGEST_TEXT = 2500
LONGEST_ADDRESS = 2048
LONGEST_MEDIA_TYPE = 64
LONGEST_MESSAGE = 1024
LONGEST_DISPLAY_NAME = 120


@dataclass(frozen=True)
class ExperimentConfig:
    """Where a job is to be recorded.

    Args:
        experiment: Name of the experiment; may be empty.
        trial: Name of the trial; may be empty.
        display_name: Of the trial component; may be empty.
        run: Name of the trial component of the SDK's ``Run`` that it was begun in; may be empty.
    """

    experiment: str = ""
    trial: str = ""
    display_name: str = ""
    run: str = ""


def experiment_config(request: JsonObject, job: str) -> ExperimentConfig:
    """Return where a job is to be recorded; if its request does not say, in no trial.

    Names that AWS does not take become the nearest that it does: a pipeline's may be longer.

    Args:
        request: That made the job.
        job: Its name: that of its trial, if only an experiment is named.
    """
    config = request.get("ExperimentConfig")
    if not isinstance(config, Mapping):
        return ExperimentConfig()
    given = {name: str(value) for name, value in config.items() if value}
    experiment, trial = given.get("ExperimentName", ""), given.get("TrialName", "")
    display_name = given.get("TrialComponentDisplayName", "")[:LONGEST_DISPLAY_NAME]
    run = given.get("RunName", "")
    if not experiment and not trial:
        return ExperimentConfig(display_name=display_name, run=run)
    return ExperimentConfig(
        usable_name(experiment) if experiment else "", usable_name(trial or job), display_name, run
    )


def component_of_job(described: JsonObject, member: str, config: ExperimentConfig) -> JsonObject:
    """Return the CreateTrialComponent request that records a job.

    Args:
        described: What its Describe operation answers.
        member: What its members begin with: ``TrainingJob`` or ``ProcessingJob``.
        config: Where it is recorded.
    """
    name = component_name(str(described[f"{member}Name"]), member)
    kind = member.removesuffix("Job")
    status: dict[str, Json] = {"PrimaryStatus": described[f"{member}Status"]}
    if reason := described.get("FailureReason"):
        status["Message"] = str(reason)[:LONGEST_MESSAGE]
    component: dict[str, Json] = {
        "TrialComponentName": name,
        "DisplayName": config.display_name or name,
        "Status": status,
        "Parameters": _entries(_parameters(described)),
        "InputArtifacts": _entries(_inputs(described)),
        "OutputArtifacts": _entries(_outputs(described)),
    }
    for moment, of_job in (("StartTime", f"{kind}StartTime"), ("EndTime", f"{kind}EndTime")):
        if of_job in described:
            component[moment] = described[of_job]
    return component


def component_name(job: str, member: str) -> str:
    """Return the name of a job's trial component.

    Example:
        >>> component_name("fit-1", "TrainingJob")
        'fit-1-aws-training-job'
    """
    return f"{job}-aws-{member.removesuffix('Job').lower()}-job"


def _parameters(described: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    resources = (
        _part(described, "ResourceConfig")
        or _part(described, "TransformResources")
        or _part(_part(described, "ProcessingResources"), "ClusterConfig")
    )
    for name in ("InstanceCount", "InstanceType", "VolumeSizeInGB"):
        if name in resources:
            yield f"SageMaker.{name}", _parameter(resources[name])
    for name, value in _part(described, "HyperParameters").items():
        yield name, _parameter(value)


def _parameter(value: Json) -> JsonObject:
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    return {"NumberValue": number} if math.isfinite(number) else {"StringValue": str(value)[:LONGEST_TEXT]}


def _inputs(described: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    algorithm = _part(described, "AlgorithmSpecification") or _part(described, "AppSpecification")
    if image := algorithm.get("TrainingImage") or algorithm.get("ImageUri"):
        yield "SageMaker.ImageUri", _artifact(image)
    for channel in objects_of(described.get("InputDataConfig")):
        source = _part(_part(channel, "DataSource"), "S3DataSource")
        yield str(channel.get("ChannelName")), _artifact(source.get("S3Uri"), channel.get("ContentType"))
    transform = _part(described, "TransformInput")
    if uri := _part(_part(transform, "DataSource"), "S3DataSource").get("S3Uri"):
        yield "SageMaker.TransformInput", _artifact(uri, transform.get("ContentType"))
    for one in objects_of(described.get("ProcessingInputs")):
        yield str(one.get("InputName")), _artifact(_part(one, "S3Input").get("S3Uri"))


def _outputs(described: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    if model := _part(described, "ModelArtifacts").get("S3ModelArtifacts"):
        yield "SageMaker.ModelArtifact", _artifact(model)
    for one in objects_of(_part(described, "ProcessingOutputConfig").get("Outputs")):
        yield str(one.get("OutputName")), _artifact(_part(one, "S3Output").get("S3Uri"))


def _artifact(address: Json, media_type: Json = None) -> JsonObject:
    value = str(address or "")[:LONGEST_ADDRESS]
    return {"Value": value, **({"MediaType": str(media_type)[:LONGEST_MEDIA_TYPE]} if media_type else {})}


def _entries(entries: Iterator[tuple[str, JsonObject]]) -> dict[str, Json]:
    # An input need not lie in S3; one without an address is no artifact that could be looked at.
    return {name: entry for name, entry in entries if entry.get("Value") != ""}


def _part(document: JsonObject, name: str) -> JsonObject:
    return object_of(document.get(name))
