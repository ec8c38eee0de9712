"""Operations on training jobs.

Source: SageMaker API reference. The text of the error for a missing job is the service's, which answers
``ValidationException`` although its model says ``ResourceNotFound``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.service import Handler, IsSettled
from stepmill.aws.services.sagemaker.jobs import JobOperations
from stepmill.jobs.records import TRAINING_JOB, JobState
from stepmill.platform import Platform


def _more(state: JobState) -> dict[str, Any]:
    return {"SecondaryStatus": state.secondary}


_OPERATIONS = JobOperations(
    kind=TRAINING_JOB,
    member="TrainingJob",
    missing="Requested resource not found.",
    ended="TrainingEndTime",
    more=_more,
    no_job_has=("WarmPoolStatusEquals", "TrainingPlanArnEquals"),
)


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    return _OPERATIONS.handlers(platform)


def waits() -> Mapping[str, IsSettled]:
    """Return the operations whose waiting clients are held, and when there is nothing left to wait for."""
    return _OPERATIONS.waits()
