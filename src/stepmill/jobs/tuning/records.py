"""What is kept of a tuning job and its trials, and the documents that are made of it.

A tuning job is a record like that of other jobs. Each of its trials is one more, made in the same transaction
as the record of its training job: there is none without the other.

Source: API reference, DescribeHyperParameterTuningJob, HyperParameterTrainingJobSummary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from stepmill.core.arns import Arns
from stepmill.core.clock import as_text
from stepmill.core.json import Json, JsonObject, object_of
from stepmill.core.statuses import JobStatus
from stepmill.core.typed import converter
from stepmill.jobs.records import TRAINING_JOB, request_of, state_of
from stepmill.jobs.tuning.plan import Definition, Plan, Strategy, WarmStartType
from stepmill.jobs.tuning.request import read_tuning_request
from stepmill.jobs.tuning.training_requests import resources_of, static_of
from stepmill.jobs.tuning.trials import (
    Trial,
    best_first,
    best_of,
    converged_at,
    not_improving,
    objective_counters,
    status_counters,
)
from stepmill.storage.records import Record, RecordStore, Selection, SortBy

TUNING_JOB = "hyper-parameter-tuning-job"
TRIAL_KIND = "tuning-trial"

# The member of a step's output with its best training jobs.
SUMMARIES = "TrainingJobSummaries"
# What a property of a step can name: TrainingJobSummaries[0] to [49].
MOST_SUMMARIES = 50
_PAGE = 1000


class TrialRecords:
    """The trials of tuning jobs.

    Args:
        records: Where they are kept.
    """

    def __init__(self, records: RecordStore) -> None:
        self._records = records

    def of(self, tuning_job: str) -> list[Trial]:
        """Return all trials of a tuning job, by number."""
        chosen = Selection(parent=tuning_job, sort_by=SortBy.NUMBER, limit=_PAGE)
        return [_trial(record) for record in chosen.all(self._records, TRIAL_KIND)]

    def add(self, tuning_job: str, trial: Trial) -> None:
        """Keep a trial that begins.

        Raises:
            ConflictError: If there is one of its name.
        """
        self._records.create(
            TRIAL_KIND,
            trial.name,
            msgspec.to_builtins(trial),
            parent=tuning_job,
            number=trial.number,
            status=trial.status,
        )

    def put(self, trial: Trial) -> None:
        """Keep how a trial stands now."""
        self._records.update(
            TRIAL_KIND,
            trial.name,
            lambda record: replace(record, status=trial.status, body=msgspec.to_builtins(trial)),
        )

    def remove(self, tuning_job: str) -> None:
        """Remove the trials of a tuning job; their training jobs stay."""
        for trial in self.of(tuning_job):
            self._records.delete(TRIAL_KIND, trial.name)


_to_trial = converter(Trial)


def _trial(record: Record) -> Trial:
    return _to_trial(record.body)


def plan_of(record: Record) -> Plan:
    """Return the plan of a tuning job that was taken."""
    return read_tuning_request(request_of(record))


def seed_of(record: Record, plan: Plan) -> int:
    """Return the seed of a tuning job: the one of its request, or one that is its own."""
    if plan.seed is not None:
        return plan.seed
    return int.from_bytes(state_of(record).task_id.encode()) % 2**63


def describe_tuning(
    record: Record,
    plan: Plan,
    trials: Sequence[Trial],
    arns: Arns,
    *,
    now: datetime,
    best_before: Trial | None = None,
) -> dict[str, Any]:
    """Return the answer of DescribeHyperParameterTuningJob. All required members are there.

    Args:
        record: Of the tuning job.
        plan: What it is to do.
        trials: Its trials.
        arns: Builds ARNs.
        now: The time.
        best_before: The best trial of its parents.
    """
    state = state_of(record)
    ended = state.ended_at
    described: dict[str, Any] = {
        **_echo(request_of(record), plan),
        "HyperParameterTuningJobName": record.name,
        "HyperParameterTuningJobArn": state.arn,
        "HyperParameterTuningJobStatus": str(state.status),
        "CreationTime": as_text(record.created_at),
        "LastModifiedTime": as_text(record.modified_at),
        "TrainingJobStatusCounters": status_counters(trials),
        "ObjectiveStatusCounters": objective_counters(trials),
        "TuningJobCompletionDetails": _completion_details(plan, trials),
        "ConsumedResources": {
            "RuntimeInSeconds": max(0, round(((ended or now) - record.created_at).total_seconds()))
        },
    }
    if ended is not None:
        described["HyperParameterTuningEndTime"] = as_text(ended)
    if state.reason:
        described["FailureReason"] = state.reason
    best = best_of(plan, trials)
    if best is not None:
        described["BestTrainingJob"] = summary(plan, best, arns)
    if plan.warm_start is not None and plan.warm_start.type is WarmStartType.IDENTICAL:
        overall = best_of(plan, [one for one in (best, best_before) if one is not None])
        if overall is not None:
            described["OverallBestTrainingJob"] = {
                **summary(plan, overall, arns),
                "TuningJobName": tuning_job_of(overall),
            }
    return described


def tuning_job_of(trial: Trial) -> str:
    """Return the name of the tuning job of a trial."""
    return trial.name.rsplit("-", 2)[0]


def summary(plan: Plan, trial: Trial, arns: Arns) -> dict[str, Any]:
    """Return the HyperParameterTrainingJobSummary of a trial.

    Args:
        plan: Of its tuning job.
        trial: The trial.
        arns: Builds ARNs.
    """
    definition = plan.definitions[trial.definition]
    shown: dict[str, Any] = {
        "TrainingJobName": trial.name,
        "TrainingJobArn": arns.sagemaker(TRAINING_JOB, trial.name),
        "CreationTime": as_text(trial.created_at),
        "TrainingJobStatus": str(trial.status),
        "TunedHyperParameters": dict(trial.tuned),
        "ObjectiveStatus": trial.objective_status,
    }
    if definition.name:
        shown["TrainingJobDefinitionName"] = definition.name
    if trial.started_at is not None:
        shown["TrainingStartTime"] = as_text(trial.started_at)
    if trial.ended_at is not None:
        shown["TrainingEndTime"] = as_text(trial.ended_at)
    if trial.reason:
        shown["FailureReason"] = trial.reason
    if trial.has_result:
        shown["FinalHyperParameterTuningJobObjectiveMetric"] = {
            "Type": str(definition.objective.direction),
            "MetricName": definition.objective.metric,
            "Value": trial.objective,
        }
    return shown


def step_output(
    described: Mapping[str, Any], plan: Plan, trials: Iterable[Trial], arns: Arns
) -> dict[str, Any]:
    """Return what a Tuning step gives: the description, and its best training jobs."""
    best = best_first(plan, trials)[:MOST_SUMMARIES]
    return {**described, SUMMARIES: [summary(plan, trial, arns) for trial in best]}


def as_it_stands(trial: Trial, record: Record | None) -> Trial:
    """Return a trial that runs with what its training job tells by now.

    Args:
        trial: As it was kept.
        record: Of its training job, if that is still there.
    """
    if record is None or trial.status.is_final:
        return trial
    state = state_of(record)
    # How it ended is written with the trial's own record, in a moment.
    status = JobStatus.IN_PROGRESS if state.status.is_final else state.status
    return msgspec.structs.replace(trial, status=status, started_at=state.started_at)


def _completion_details(plan: Plan, trials: Sequence[Trial]) -> dict[str, Any]:
    details: dict[str, Any] = {"NumberOfTrainingJobsObjectiveNotImproving": not_improving(plan, trials)}
    if (converged := converged_at(plan, trials)) is not None:
        details["ConvergenceDetectedTime"] = as_text(converged)
    return details


def _echo(request: JsonObject, plan: Plan) -> dict[str, Any]:
    """Return the request with what SageMaker adds: the metric as a hyperparameter, the size of a grid.

    The SDK's ``attach`` counts on the metric, and on instances that stand in ``ResourceConfig``, too.
    """
    echo: dict[str, Any] = {name: value for name, value in request.items() if name != "Tags"}
    definitions = [
        {
            **definition.document,
            **_instances(definition),
            "StaticHyperParameters": static_of(definition),
        }
        for definition in plan.definitions
    ]
    if request.get("TrainingJobDefinition") is not None:
        echo["TrainingJobDefinition"] = definitions[0]
    else:
        echo["TrainingJobDefinitions"] = definitions
    config = request.get("HyperParameterTuningJobConfig")
    if plan.strategy is Strategy.GRID and isinstance(config, Mapping):
        echo["HyperParameterTuningJobConfig"] = {**config, "ResourceLimits": _grid_limits(config, plan)}
    return echo


def _instances(definition: Definition) -> dict[str, Json]:
    resources = resources_of(definition)
    return {} if resources is None else {"ResourceConfig": resources}


def _grid_limits(config: JsonObject, plan: Plan) -> dict[str, Json]:
    return {**object_of(config.get("ResourceLimits")), "MaxNumberOfTrainingJobs": plan.most_trials}
