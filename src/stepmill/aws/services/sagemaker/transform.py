"""Operations on transform jobs. There is none that deletes one.

Source: SageMaker API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.service import Handler, IsSettled
from stepmill.aws.services.sagemaker.jobs import JobOperations
from stepmill.jobs.records import TRANSFORM_JOB, JobState
from stepmill.platform import Platform


def _more(state: JobState) -> dict[str, Any]:
    return {"FailureReason": state.reason} if state.reason else {}


_OPERATIONS = JobOperations(
    kind=TRANSFORM_JOB,
    member="TransformJob",
    missing="Could not find requested job with name: {}",
    ended="TransformEndTime",
    more=_more,
    newest_first=True,
    can_be_deleted=False,
)


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    return _OPERATIONS.handlers(platform)


def waits() -> Mapping[str, IsSettled]:
    """Return the operations whose waiting clients are held, and when there is nothing left to wait for."""
    return _OPERATIONS.waits()
