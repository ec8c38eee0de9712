"""Training and tuning jobs of built-in algorithms: what they may ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from stepmill.algorithms.algorithm import Metric
from stepmill.algorithms.checking import check_job, check_ranges, nearest_metric
from stepmill.algorithms.parameters import Kind
from stepmill.algorithms.programs.modules import IMPORTING_MODULES, TRAINING_MODULES
from stepmill.algorithms.registry import algorithm_of
from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.findings import Finding
from stepmill.core.json import JsonObject, object_of
from stepmill.images.families import shipped_image
from stepmill.images.reference import ImageReference
from stepmill.jobs.requests.common import JobRequest

# The hyperparameter, and in capitals the variable, that names the user's script.
PROGRAM = "sagemaker_program"


def algorithm_asked(request: JsonObject) -> str:
    """Return the built-in algorithm that a CreateTrainingJob request runs, by its image's name.

    Empty if there is none, or if a script or a command turns it off. The user may have set another image
    in its place; that is not known here.
    """
    specification = object_of(request.get("AlgorithmSpecification"))
    image = specification.get("TrainingImage")
    has_script = PROGRAM in object_of(request.get("HyperParameters"))
    has_script = has_script or PROGRAM.upper() in object_of(request.get("Environment"))
    if not isinstance(image, str) or has_script or specification.get("ContainerEntrypoint"):
        return ""
    try:
        shipped = shipped_image(ImageReference.parse(image))
    except InvalidInputError:
        return ""
    return shipped.algorithm if shipped else ""


def metrics_of(name: str) -> tuple[Metric, ...]:
    """Return the metrics that an algorithm writes to its log; none if it is unknown."""
    algorithm = algorithm_of(name)
    return algorithm.metrics if algorithm else ()


def nearest_metric_of(name: str, metric: str) -> str:
    """Return what to take in the place of a metric that an algorithm does not write; empty if it is none."""
    algorithm = algorithm_of(name)
    return nearest_metric(algorithm, metric) if algorithm else ""


def check_request(
    name: str, hyperparameters: Mapping[str, str], channels: Mapping[str, Mapping[str, str]]
) -> None:
    """Refuse a training job that the algorithm cannot do. All that is wrong is told at once.

    Args:
        name: Of the algorithm.
        hyperparameters: As given.
        channels: Name -> settings, as in ``inputdataconfig.json``.

    Raises:
        InvalidInputError: If a hyperparameter or a channel cannot be taken.
    """
    algorithm = algorithm_of(name)
    if algorithm is not None:
        _tell(check_job(algorithm, hyperparameters, channels))


def check_hosts(name: str, request: JobRequest, hyperparameters: Mapping[str, str]) -> None:
    """Refuse a training job of several hosts that could not train one model together.

    Args:
        name: Of the algorithm.
        request: The job.
        hyperparameters: As given.

    Raises:
        UnsupportedError: If the algorithm, or what is asked of it, is for one host; or if a channel is not
            for all hosts.
    """
    count, algorithm = len(request.hosts), algorithm_of(name)
    if count == 1 or algorithm is None:
        return
    alone = [each for each in algorithm.alone if each in hyperparameters]
    if alone or not algorithm.several_hosts:
        how = f" with {alone[0]}" if alone else ""
        raise UnsupportedError(
            f"The algorithm {name} trains on one host{how} here, and this job asks for {count}.",
            where="ResourceConfig",
            mend="Set InstanceCount to 1: the model is the one that several hosts would make together.",
        )
    everywhere = {host.group for host in request.hosts}
    for channel in request.inputs:
        if channel.groups and not everywhere <= set(channel.groups):
            raise UnsupportedError(
                f"The algorithm {name} needs the channel {channel.name!r} on all hosts, and it is not for "
                "all instance groups.",
                where=channel.where,
                mend="Leave InstanceGroupNames out: with ShardedByS3Key each host gets a share of the files.",
            )


def check_search(
    name: str, static: Mapping[str, str], ranges: Mapping[str, tuple[Kind, Sequence[str]]]
) -> None:
    """Refuse a tuning job whose ranges the algorithm does not have.

    Args:
        name: Of the algorithm.
        static: Hyperparameters that do not change.
        ranges: Name -> kind of range, and its ends or its values.

    Raises:
        InvalidInputError: If a range is of another kind, or reaches beyond what can be taken.
    """
    algorithm = algorithm_of(name)
    if algorithm is not None:
        _tell(check_ranges(algorithm, static, ranges))


def _tell(findings: Sequence[Finding]) -> None:
    if findings:
        told = [f"{finding.message} {finding.mend}".strip() for finding in findings]
        raise InvalidInputError(" ".join(told), where=findings[0].path)


def program_of(name: str, folder: Path) -> Path:
    """Return the file of the program that trains an algorithm: what it imports may be imported beforehand."""
    return folder / f"{IMPORTING_MODULES.get(name, TRAINING_MODULES[name])}.py"
