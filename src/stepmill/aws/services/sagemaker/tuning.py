"""Operations on hyperparameter tuning jobs.

Source: SageMaker API reference. The texts of the errors for a name that is taken and for a missing job are
the service's, which answers ``ValidationException`` to the latter, and not ``ResourceNotFound`` as its model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler, IsSettled
from stepmill.aws.services.sagemaker.listing import listed_in_memory, read_listing
from stepmill.aws.services.sagemaker.refusals import VALIDATION, told_as
from stepmill.catalog.tags import read_tags
from stepmill.core.clock import as_text
from stepmill.core.errors import ConflictError, WrongStateError
from stepmill.core.json import object_of
from stepmill.core.statuses import JobStatus
from stepmill.jobs.records import JobRecords, state_of
from stepmill.jobs.tuning.jobs import TuningJobs
from stepmill.jobs.tuning.records import TUNING_JOB, plan_of, summary
from stepmill.jobs.tuning.trials import Trial, objective_counters, status_counters
from stepmill.platform import Platform
from stepmill.storage.records import Record, SortBy

_NAME = "HyperParameterTuningJobName"
_MISSING = "Amazon SageMaker can't find a tuning job with the name {}."
_TAKEN = "A hyperparameter tuning job with the name, {}, already exists. Choose a different name."
_SORT: Mapping[str, SortBy] = {
    "Name": SortBy.NAME,
    "CreationTime": SortBy.CREATED,
    "Status": SortBy.STATUS,
}


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    return {
        "CreateHyperParameterTuningJob": partial(_create, platform),
        "DescribeHyperParameterTuningJob": partial(_describe, platform),
        "StopHyperParameterTuningJob": partial(_stop, platform),
        "DeleteHyperParameterTuningJob": partial(_delete, platform),
        "ListHyperParameterTuningJobs": partial(_list, platform),
        "ListTrainingJobsForHyperParameterTuningJob": partial(_list_trials, platform),
    }


def waits() -> Mapping[str, IsSettled]:
    """Return the operations whose waiting clients are held, and when there is nothing left to wait for."""

    def has_ended(_call: Call, answer: Mapping[str, Any]) -> bool:
        return JobStatus(answer["HyperParameterTuningJobStatus"]).is_final

    return {"DescribeHyperParameterTuningJob": has_ended}


def _create(platform: Platform, call: Call) -> dict[str, Any]:
    tags = read_tags(call.parameters.get("Tags"))
    taken = _TAKEN.format(call.parameters[_NAME])
    with told_as("ResourceInUse", ConflictError, taken):
        arn = state_of(platform.direct_jobs.create(TUNING_JOB, call.parameters)).arn
    if tags:
        platform.tags.set(arn, tags)
    return {"HyperParameterTuningJobArn": arn}


def _describe(platform: Platform, call: Call) -> dict[str, Any]:
    return platform.tuning_jobs.describe(_found(platform, call))


def _stop(platform: Platform, call: Call) -> None:
    platform.direct_jobs.stop(TUNING_JOB, _found(platform, call).name)


def _delete(platform: Platform, call: Call) -> None:
    record = JobRecords(platform.records, TUNING_JOB).find(call.parameters[_NAME])
    if record is None:
        return  # as SageMaker, which answers that it is not there any more
    with told_as("ResourceInUse", WrongStateError):
        platform.direct_jobs.delete(TUNING_JOB, record.name)
    platform.tuning_jobs.forget(record.name)
    platform.tags.clear(state_of(record).arn)


def _list(platform: Platform, call: Call) -> dict[str, Any]:
    listing = read_listing(call, sort=_SORT, descending=False)
    page = listing.page(platform.records, TUNING_JOB)
    jobs = platform.tuning_jobs
    summaries = [_summary(record, jobs) for record in page.records]
    return listing.answer("HyperParameterTuningJobSummaries", summaries, page.next_token)


def _summary(record: Record, jobs: TuningJobs) -> dict[str, Any]:
    state, plan, trials = state_of(record), plan_of(record), jobs.trials(record)
    shown: dict[str, Any] = {
        "HyperParameterTuningJobName": record.name,
        "HyperParameterTuningJobArn": state.arn,
        "HyperParameterTuningJobStatus": str(state.status),
        "Strategy": str(plan.strategy),
        "CreationTime": as_text(record.created_at),
        "LastModifiedTime": as_text(record.modified_at),
        "TrainingJobStatusCounters": status_counters(trials),
        "ObjectiveStatusCounters": objective_counters(trials),
        "ResourceLimits": object_of(plan.document["HyperParameterTuningJobConfig"])["ResourceLimits"],
    }
    if state.ended_at is not None:
        shown["HyperParameterTuningEndTime"] = as_text(state.ended_at)
    return shown


def _list_trials(platform: Platform, call: Call) -> dict[str, Any]:
    record = _found(platform, call)
    plan, given = plan_of(record), call.parameters
    status = given.get("StatusEquals")
    trials = [one for one in platform.tuning_jobs.trials(record) if status in (None, str(one.status))]
    ordered = _ordered(trials, given.get("SortBy") or "Name")
    if given.get("SortOrder") == "Descending":
        ordered.reverse()
    page, token = listed_in_memory(call, ordered, key=lambda one: one.name)
    arns = platform.settings.arns
    answer: dict[str, Any] = {"TrainingJobSummaries": [summary(plan, one, arns) for one in page]}
    return {**answer, "NextToken": token} if token else answer


def _ordered(trials: Sequence[Trial], by: str) -> list[Trial]:
    match by:
        case "FinalObjectiveMetricValue":
            # Source: API reference: those that returned no metric are not listed.
            return sorted((one for one in trials if one.has_result), key=lambda one: one.objective or 0.0)
        case "Status":
            return sorted(trials, key=lambda one: (str(one.status), one.name))
        case "CreationTime":
            return sorted(trials, key=lambda one: (one.created_at, one.number))
    return sorted(trials, key=lambda one: one.name)


def _found(platform: Platform, call: Call) -> Record:
    name = call.parameters[_NAME]
    # It may be as the ARN has it, in lower case.
    record = JobRecords(platform.records, TUNING_JOB).find(name)
    if record is None:
        raise ApiError(VALIDATION, _MISSING.format(name))
    return record
