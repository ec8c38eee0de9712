"""What is told of a job: by DescribeJobs, and on the bus of events.

Source: Batch API reference, JobDetail; EventBridge user guide, events from AWS Batch.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from stepmill.catalog.tags import Tags
from stepmill.core.arns import Arns
from stepmill.core.happenings import Happening
from stepmill.jobs.batch.attempts import stream_of
from stepmill.jobs.batch.container import requirements_of
from stepmill.jobs.batch.exits import milliseconds
from stepmill.jobs.batch.job import JOB_KIND, Attempt, BatchStatus, Job
from stepmill.storage.records import RecordStore, Selection

_PAGE = 1000


class JobDetails:
    """Describes jobs.

    Args:
        records: Where they are kept.
        tags: Keeps their tags.
        arns: Builds their ARNs.
    """

    def __init__(self, records: RecordStore, tags: Tags, arns: Arns) -> None:
        self._records = records
        self._tags = tags
        self._arns = arns

    def happening(self, job: Job, now: datetime) -> Happening:
        """Return what the bus of events is told of a job whose status has changed."""
        arn = self._arns.batch("job", job.id)
        return Happening("aws.batch", "Batch Job State Change", now, self.of(job), (arn,))

    def of(self, job: Job) -> dict[str, Any]:
        """Return what DescribeJobs tells of a job."""
        order, state, arns = job.order, job.state, self._arns
        detail: dict[str, Any] = {
            "jobArn": arns.batch("job", job.id),
            "jobName": order.name,
            "jobId": job.id,
            "jobQueue": arns.batch("job-queue", order.queue),
            "status": str(state.status),
            "attempts": [_attempt(attempt) for attempt in state.attempts],
            "createdAt": milliseconds(job.created_at),
            # The model demands it, of jobs that have not begun, too.
            "startedAt": state.started_at,
            "retryStrategy": {"attempts": 1, "evaluateOnExit": [], **order.retries},
            "dependsOn": [
                {name: text for name, text in (("jobId", need.job), ("type", need.kind)) if text}
                for need in order.needs
            ],
            "jobDefinition": order.definition,
            "parameters": order.parameters,
            "container": _container(job),
            "tags": self._tags.of(arns.batch("job", job.id)),
            "platformCapabilities": ["EC2"],
            "eksAttempts": [],
            "isCancelled": state.is_cancelled,
            "isTerminated": state.is_terminated,
        }
        told = {
            "statusReason": state.reason,
            "stoppedAt": state.stopped_at,
            "timeout": {"attemptDurationSeconds": order.timeout_s} if order.timeout_s else None,
            "schedulingPriority": order.priority,
            "shareIdentifier": order.share,
            "arrayProperties": self._array(job),
        }
        return {**detail, **{name: value for name, value in told.items() if value}}

    def _array(self, job: Job) -> dict[str, Any]:
        if job.order.array:
            return {"index": job.order.index}
        if not job.order.size:
            return {}
        children = Selection(parent=job.id, limit=_PAGE).all(self._records, JOB_KIND)
        counts = Counter(record.status for record in children)
        summary = {str(status): counts[str(status)] for status in BatchStatus}
        return {"size": job.order.size, "statusSummary": summary}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    container: dict[str, Any] = {"logStreamName": attempt.stream, "networkInterfaces": []}
    if attempt.exit_code is not None:
        container["exitCode"] = attempt.exit_code
    if attempt.reason:
        container["reason"] = attempt.reason
    return {
        "container": container,
        "startedAt": attempt.started_at,
        "stoppedAt": attempt.stopped_at,
        "statusReason": attempt.status_reason,
    }


def _container(job: Job) -> dict[str, Any]:
    """Return the container of a job, with what its newest attempt came to."""
    container: dict[str, Any] = dict(job.order.container)
    needs = requirements_of(container)
    if float(needs["VCPU"]).is_integer():
        container["vcpus"] = int(float(needs["VCPU"]))
    container["memory"] = int(float(needs["MEMORY"]))
    if job.state.status.has_begun:
        return {**container, "logStreamName": stream_of(job)}
    if job.state.attempts:
        container |= _attempt(job.state.attempts[-1])["container"]
    return container
