"""How an error that a handler raises reads in the language of pipelines.

Source: developer guide, "Retry Policy for Pipeline Steps": ``Step.SERVICE_FAULT`` is retried even
without a policy, so only what may well pass by itself is called so.
"""

from __future__ import annotations

from stepmill.core.errors import (
    ComputeError,
    ConflictError,
    DefinitionError,
    IllegalTransitionError,
    InvalidInputError,
    NotFoundError,
    StepmillError,
    StorageError,
    UnsupportedError,
    WrongStateError,
)
from stepmill.core.tasks import Task, TaskFailed

SERVICE_FAULT = "Step.SERVICE_FAULT"
CLIENT_ERROR = "ClientError"
INTERNAL_ERROR = "InternalError"

# The first that fits counts.
_NAMES: tuple[tuple[type[Exception], str], ...] = (
    (StorageError, SERVICE_FAULT),
    (ComputeError, "SageMaker.JOB_INTERNAL_ERROR"),
    (InvalidInputError, CLIENT_ERROR),
    (DefinitionError, CLIENT_ERROR),
    (NotFoundError, CLIENT_ERROR),
    (ConflictError, CLIENT_ERROR),
    (WrongStateError, CLIENT_ERROR),
    (UnsupportedError, CLIENT_ERROR),
    (IllegalTransitionError, INTERNAL_ERROR),
    (StepmillError, CLIENT_ERROR),
    (OSError, SERVICE_FAULT),
    (MemoryError, SERVICE_FAULT),
)


def error_name(error: Exception) -> str:
    """Return the language's name for an error; for one that nobody foresaw ``InternalError``.

    Example:
        >>> error_name(NotFoundError("There is no image."))
        'ClientError'
        >>> error_name(ZeroDivisionError())
        'InternalError'
    """
    return next((name for kind, name in _NAMES if isinstance(error, kind)), INTERNAL_ERROR)


def failure_of(task: Task, error: Exception) -> TaskFailed:
    """Return the report that stands for an error that a task's handler raised."""
    if isinstance(error, StepmillError):
        cause = str(error)
    else:
        cause = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return TaskFailed(task.id, error_name(error), cause)
