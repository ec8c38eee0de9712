"""Operations on training jobs.

Source: SageMaker API reference. The text of the error for a missing job is the service's, which answers
``ValidationException`` although its model says ``ResourceNotFound``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.service import Call, Handler, IsSettled
from stepmill.aws.services.sagemaker.jobs import JobOperations
from stepmill.aws.services.sagemaker.refusals import VALIDATION, told_as
from stepmill.core.errors import UnsupportedError, WrongStateError
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
    no_job_has=("TrainingPlanArnEquals",),
)


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""

    def update(call: Call) -> dict[str, Any]:
        given = call.parameters
        record, state = _OPERATIONS.find(platform, given["TrainingJobName"])
        if "RemoteDebugConfig" in given:
            raise UnsupportedError(
                "Remote debugging by SSM is not offered.",
                where="RemoteDebugConfig",
                mend=f"Look into the job's folder on this machine: stepmill jobs show {record.name}.",
            )
        with told_as(VALIDATION, WrongStateError):
            if "ResourceConfig" in given:
                seconds = given["ResourceConfig"]["KeepAlivePeriodInSeconds"]
                platform.training_updates.keep_alive(record.name, seconds)
            if "ProfilerConfig" in given or "ProfilerRuleConfigurations" in given:
                rules = given.get("ProfilerRuleConfigurations")
                platform.training_updates.profiler(record.name, given.get("ProfilerConfig", {}), rules)
        return {"TrainingJobArn": state.arn}

    return {**_OPERATIONS.handlers(platform), "UpdateTrainingJob": update}


def waits() -> Mapping[str, IsSettled]:
    """Return the operations whose waiting clients are held, and when there is nothing left to wait for."""
    return _OPERATIONS.waits()
