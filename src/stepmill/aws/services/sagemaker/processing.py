"""Operations on processing jobs.

Source: SageMaker API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.service import Handler, IsSettled
from stepmill.aws.services.sagemaker.jobs import JobOperations
from stepmill.jobs.records import PROCESSING_JOB, JobState
from stepmill.platform import Platform


def _more(state: JobState) -> dict[str, Any]:
    given = {"FailureReason": state.reason, "ExitMessage": state.exit_message}
    return {name: text for name, text in given.items() if text}


_OPERATIONS = JobOperations(
    kind=PROCESSING_JOB,
    member="ProcessingJob",
    missing="Could not find requested job with name: {}",
    ended="ProcessingEndTime",
    more=_more,
)


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    return _OPERATIONS.handlers(platform)


def waits() -> Mapping[str, IsSettled]:
    """Return the operations whose waiting clients are held, and when there is nothing left to wait for."""
    return _OPERATIONS.waits()
