from __future__ import annotations

import pytest

from stepmill.core import errors
from stepmill.core.findings import Finding, Severity
from stepmill.core.tasks import Task, TaskFailed
from stepmill.engine.failures import error_name, failure_of

TASK = Task("id/Step/1", "r", {}, "arn", "P", "Step")


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (errors.StorageFullError("Full."), "Step.SERVICE_FAULT"),
        (errors.StorageError("Locked."), "Step.SERVICE_FAULT"),
        (errors.ComputeError("No."), "SageMaker.JOB_INTERNAL_ERROR"),
        (errors.InvalidInputError("No."), "ClientError"),
        (errors.NotFoundError("No."), "ClientError"),
        (errors.ConflictError("No."), "ClientError"),
        (errors.WrongStateError("No."), "ClientError"),
        (errors.UnsupportedError("No."), "ClientError"),
        (errors.DefinitionError([Finding("C", Severity.ERROR, "", "No.")]), "ClientError"),
        (errors.IllegalTransitionError("Bug."), "InternalError"),
        (OSError(28, "No space left on device"), "Step.SERVICE_FAULT"),
        (MemoryError(), "Step.SERVICE_FAULT"),
        (ZeroDivisionError("division by zero"), "InternalError"),
    ],
)
def test_each_error_has_its_name(error: Exception, name: str) -> None:
    assert error_name(error) == name


def test_every_kind_of_error_is_in_the_table() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    ours = [kind for kind in kinds if issubclass(kind, errors.StepmillError)]
    finding = Finding("TYPE", Severity.ERROR, "rows[0].a", "What.")
    for kind in ours:
        if kind is not errors.DefinitionError:
            given = (finding,) if kind is errors.InvalidRowsError else "What."
            assert error_name(kind(given)) in {
                "ClientError",
                "InternalError",
                "Step.SERVICE_FAULT",
                "SageMaker.JOB_INTERNAL_ERROR",
            }


def test_the_cause_of_our_errors_says_how_to_mend() -> None:
    error = errors.NotFoundError("No image.", where="ImageUri", mend="Add one.")
    expected = TaskFailed("id/Step/1", "ClientError", "No image. (at ImageUri) Add one.")
    assert failure_of(TASK, error) == expected


def test_the_cause_of_foreign_errors_says_their_type() -> None:
    assert failure_of(TASK, KeyError("x")).cause == "KeyError: 'x'"
    assert failure_of(TASK, MemoryError()).cause == "MemoryError"
