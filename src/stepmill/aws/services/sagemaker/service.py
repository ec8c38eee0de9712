"""SageMaker's service: the handlers of its modules in one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stepmill.aws.service import Handler, IsSettled, Service, joined
from stepmill.aws.services.sagemaker import (
    executions,
    experiments,
    feature_groups,
    groups,
    lineage,
    models,
    packages,
    pipelines,
    processing,
    search,
    tags,
    training,
    transform,
    tuning,
)
from stepmill.platform import Platform

# One line for each module: its operations, and which of them waiting clients are held at.
_HANDLERS: tuple[Callable[[Platform], Mapping[str, Handler]], ...] = (
    executions.handlers,
    experiments.handlers,
    feature_groups.handlers,
    groups.handlers,
    lineage.handlers,
    models.handlers,
    packages.handlers,
    pipelines.handlers,
    processing.handlers,
    search.handlers,
    tags.handlers,
    training.handlers,
    tuning.handlers,
    transform.handlers,
)
_WAITS: tuple[Callable[[], Mapping[str, IsSettled]], ...] = (
    executions.waits,
    processing.waits,
    training.waits,
    tuning.waits,
    transform.waits,
)


def sagemaker(platform: Platform) -> Service:
    """Return SageMaker over a platform."""
    return Service(
        "sagemaker",
        joined(handlers(platform) for handlers in _HANDLERS),
        joined(waits() for waits in _WAITS),
    )
