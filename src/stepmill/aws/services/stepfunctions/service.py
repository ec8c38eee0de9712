"""Step Functions' service: the handlers of its modules in one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stepmill.aws.service import Handler, Service, joined
from stepmill.aws.services.stepfunctions import (
    activities,
    definitions,
    executions,
    history,
    machines,
    map_runs,
    tags,
    tokens,
    trials,
    versions,
)
from stepmill.platform import Platform

# One line for each module.
_HANDLERS: tuple[Callable[[Platform], Mapping[str, Handler]], ...] = (
    activities.handlers,
    definitions.handlers,
    executions.handlers,
    history.handlers,
    machines.handlers,
    map_runs.handlers,
    tags.handlers,
    tokens.handlers,
    trials.handlers,
    versions.handlers,
)


def stepfunctions(platform: Platform) -> Service:
    """Return Step Functions over a platform."""
    return Service(
        "stepfunctions",
        joined(handlers(platform) for handlers in _HANDLERS),
        joined((activities.waits(), executions.waits())),
        patience={**activities.patience(), "StartSyncExecution": executions.patience},
    )
