"""The documents that Describe answers of jobs, made of what is kept of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from stepmill.core.clock import as_text
from stepmill.core.json import Json, JsonObject, object_of
from stepmill.jobs.algorithms import algorithm_asked, metrics_of
from stepmill.jobs.records import PROCESSING_JOB, TRANSFORM_JOB, JobState, request_of, seconds_of, state_of
from stepmill.jobs.warm_pools import pool_document
from stepmill.storage.records import Record

# API reference, SecondaryStatusTransition: what each secondary status of a training job means.
_STATUS_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Pending": "Waiting until other jobs have ended",
    "Downloading": "Staging the input data",
    "Training": "Training image is ready; training in progress",
    "Uploading": "Storing the generated training model",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "Interrupted": "Training job interrupted: spot capacity was taken away; waiting for more",
    "Restarting": "Starting the training job again after an internal error",
    "MaxWaitTimeExceeded": "Training job exceeded MaxWaitTimeInSeconds",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
}


def describe(record: Record, now: datetime | None = None) -> dict[str, Any]:
    """Return the answer of DescribeProcessingJob, DescribeTrainingJob or DescribeTransformJob for a record.

    The request is echoed as it came. Moments are ISO 8601 in UTC.

    Args:
        record: Of the job.
        now: The moment; ``None``: that of its last change.
    """
    if record.kind == PROCESSING_JOB:
        return describe_processing(record)
    if record.kind == TRANSFORM_JOB:
        return describe_transform(record)
    return describe_training(record, now or record.modified_at)


def describe_processing(record: Record) -> dict[str, Any]:
    """Return the answer of DescribeProcessingJob. All required members are there."""
    state = state_of(record)
    return {
        **_echo(request_of(record)),
        "ProcessingJobName": record.name,
        "ProcessingJobArn": state.arn,
        "ProcessingJobStatus": str(state.status),
        **_given("ExitMessage", state.exit_message),
        **_given("FailureReason", state.reason),
        **_times(record, state, "ProcessingStartTime", "ProcessingEndTime"),
    }


def describe_training(record: Record, now: datetime) -> dict[str, Any]:
    """Return the answer of DescribeTrainingJob at a moment. All required members are there."""
    state = state_of(record)
    request = _echo(request_of(record))
    output = request.get("OutputDataConfig")
    algorithm = request.get("AlgorithmSpecification")
    seconds = seconds_of(state)
    return {
        **request,
        "TrainingJobName": record.name,
        "TrainingJobArn": state.arn,
        **_given("TuningJobArn", state.tuning_arn),
        "TrainingJobStatus": str(state.status),
        "SecondaryStatus": state.secondary,
        "SecondaryStatusTransitions": _transitions(state),
        "ModelArtifacts": {"S3ModelArtifacts": state.model},
        # The SDK reads it without asking whether it is there.
        "OutputDataConfig": {"KmsKeyId": "", **(output if isinstance(output, Mapping) else {})},
        "AlgorithmSpecification": {
            "TrainingInputMode": "File",
            **(algorithm if isinstance(algorithm, Mapping) else {}),
            **_metrics_of_algorithm(request),
        },
        "StoppingCondition": request.get("StoppingCondition") or {},
        "EnableNetworkIsolation": bool(request.get("EnableNetworkIsolation")),
        "EnableInterContainerTrafficEncryption": bool(request.get("EnableInterContainerTrafficEncryption")),
        "EnableManagedSpotTraining": bool(request.get("EnableManagedSpotTraining")),
        **pool_document(request, state.pool, now, has_ended=state.status.is_final),
        **_given("FailureReason", state.reason),
        **({"FinalMetricDataList": _final_metrics(state)} if state.metrics else {}),
        **({} if seconds is None else _training_times(seconds, state.spot_share)),
        **_times(record, state, "TrainingStartTime", "TrainingEndTime"),
    }


def _metrics_of_algorithm(request: JsonObject) -> dict[str, Json]:
    """Return the metric definitions of a built-in algorithm, as AWS tells them, before the request's own."""
    metrics = metrics_of(algorithm_asked(request))
    if not metrics:
        return {}
    given = object_of(request.get("AlgorithmSpecification")).get("MetricDefinitions")
    own = list(given) if isinstance(given, Sequence) else []
    return {"MetricDefinitions": [*({"Name": m.name, "Regex": m.regex} for m in metrics), *own]}


def describe_transform(record: Record) -> dict[str, Any]:
    """Return the answer of DescribeTransformJob. All required members are there."""
    state = state_of(record)
    request = _echo(request_of(record))
    source, output = object_of(request.get("TransformInput")), object_of(request.get("TransformOutput"))
    return {
        **request,
        "TransformJobName": record.name,
        "TransformJobArn": state.arn,
        "TransformJobStatus": str(state.status),
        "TransformInput": {"CompressionType": "None", "SplitType": "None", **source},
        "TransformOutput": {"AssembleWith": "None", "KmsKeyId": "", **output},
        "DataProcessing": {
            "InputFilter": "$",
            "OutputFilter": "$",
            "JoinSource": "None",
            **object_of(request.get("DataProcessing")),
        },
        **_given("FailureReason", state.reason),
        **_times(record, state, "TransformStartTime", "TransformEndTime"),
    }


def _echo(request: JsonObject) -> dict[str, Any]:
    return {key: value for key, value in request.items() if key != "Tags"}


def _given(name: str, value: str) -> dict[str, Any]:
    return {name: value} if value else {}


def _times(record: Record, state: JobState, started: str, ended: str) -> dict[str, Any]:
    return {
        "CreationTime": as_text(record.created_at),
        "LastModifiedTime": as_text(record.modified_at),
        **({started: as_text(state.started_at)} if state.started_at else {}),
        **({ended: as_text(state.ended_at)} if state.ended_at else {}),
    }


def _training_times(seconds: int, share: float) -> dict[str, int]:
    # Developer guide, "Managed Spot Training": what is saved is 1 - billable / training.
    return {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": max(1, round(seconds * share))}


def _transitions(state: JobState) -> list[dict[str, Any]]:
    entries = []
    for index, transition in enumerate(state.transitions):
        later = state.transitions[index + 1 :]
        last = not later and state.status.is_final
        ended = later[0].at if later else transition.at if last else None
        reason = state.reason if last else ""
        entries.append(
            {
                "Status": transition.status,
                "StartTime": as_text(transition.at),
                **({"EndTime": as_text(ended)} if ended else {}),
                "StatusMessage": reason or transition.message or _STATUS_MESSAGES.get(transition.status, ""),
            }
        )
    return entries


def _final_metrics(state: JobState) -> list[dict[str, Any]]:
    return [
        {"MetricName": metric.name, "Value": metric.last.value, "Timestamp": as_text(metric.last.at)}
        for metric in state.metrics
    ]
