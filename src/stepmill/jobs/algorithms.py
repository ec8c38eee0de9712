"""Training jobs of built-in algorithms: what they may ask for, and what is read from their logs."""

from __future__ import annotations

from pathlib import Path

from stepmill.algorithms.checking import check_job
from stepmill.algorithms.programs.modules import TRAINING_MODULES
from stepmill.algorithms.registry import algorithm_of
from stepmill.core.errors import InvalidInputError
from stepmill.jobs.requests.training import MetricDefinition, TrainingRequest


def check_request(name: str, request: TrainingRequest) -> None:
    """Refuse a request that the algorithm cannot do. All that is wrong is told at once.

    Args:
        name: Of the algorithm.
        request: What is asked for.

    Raises:
        InvalidInputError: If a hyperparameter or a channel cannot be taken.
    """
    algorithm = algorithm_of(name)
    if algorithm is None:
        return
    findings = check_job(algorithm, request.hyperparameters, request.channels)
    if findings:
        told = [f"{finding.message} {finding.mend}".strip() for finding in findings]
        raise InvalidInputError(" ".join(told), where=findings[0].path)


def metrics_of(name: str) -> tuple[MetricDefinition, ...]:
    """Return the metrics that an algorithm writes to its log; none if it is unknown."""
    algorithm = algorithm_of(name)
    return tuple(MetricDefinition(m.name, m.regex) for m in algorithm.metrics) if algorithm else ()


def program_of(name: str, folder: Path) -> Path:
    """Return the file of the program that trains an algorithm: what it imports may be imported beforehand."""
    return folder / f"{TRAINING_MODULES[name]}.py"
