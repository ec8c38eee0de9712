"""Operations on jobs.

Source: Batch API reference, SubmitJob, DescribeJobs, ListJobs, CancelJob, TerminateJob.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import IDEMPOTENCY_HEADER, Call, Handler
from stepmill.aws.services.batch.paging import page_of
from stepmill.catalog.tags import read_tags, write_tags
from stepmill.jobs.batch.details import JobDetails
from stepmill.jobs.batch.exits import milliseconds
from stepmill.jobs.batch.job import JOB_KIND, BatchStatus, Job, queue_parent, read_job
from stepmill.jobs.batch.names import name_of
from stepmill.jobs.batch.queues import QUEUE
from stepmill.platform import Platform
from stepmill.storage.records import Selection

MOST_DESCRIBED = 100
_PAGE = 1000
_FINAL = frozenset(str(status) for status in BatchStatus if status.is_final)


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    batch = platform.batch
    details = JobDetails(platform.records, platform.tags, platform.settings.arns)

    def submit(call: Call) -> dict[str, Any]:
        tags = read_tags(write_tags(call.parameters.get("tags") or {}), where="tags")
        job = batch.submit(call.parameters, call.request.headers.get(IDEMPOTENCY_HEADER, ""))
        arn = platform.settings.arns.batch("job", job.id)
        platform.tags.set(arn, tags)
        return {"jobArn": arn, "jobName": job.order.name, "jobId": job.id}

    def describe(call: Call) -> dict[str, Any]:
        wanted = call.parameters["jobs"]
        if len(wanted) > MOST_DESCRIBED:
            raise ApiError(
                "ClientException", f"At most {MOST_DESCRIBED} jobs are described at once.", where="jobs"
            )
        found = (batch.jobs.find(name_of(str(one), "job")) for one in wanted)
        return {"jobs": [details.of(job) for job in found if job is not None]}

    def list_(call: Call) -> dict[str, Any]:
        page, token = page_of(_listed(platform, call.parameters), call.parameters)
        return {"jobSummaryList": [_summary(platform, job) for job in page], **token}

    def stop(call: Call) -> dict[str, Any]:
        given = call.parameters
        identifier = name_of(str(given["jobId"]), "job")
        terminates = call.operation == "TerminateJob"
        batch.scheduler.stop(identifier, str(given["reason"]), terminates=terminates)
        return {}

    return {
        "SubmitJob": submit,
        "DescribeJobs": describe,
        "ListJobs": list_,
        "CancelJob": stop,
        "TerminateJob": stop,
    }


def have_ended(_call: Call, answer: Mapping[str, Any]) -> bool:
    """Return whether there is nothing left to wait for in an answer of DescribeJobs."""
    return all(job["status"] in _FINAL for job in answer["jobs"])


def _summary(platform: Platform, job: Job) -> dict[str, Any]:
    state = job.state
    summary: dict[str, Any] = {
        "jobArn": platform.settings.arns.batch("job", job.id),
        "jobId": job.id,
        "jobName": job.order.name,
        "createdAt": milliseconds(job.created_at),
        "status": str(state.status),
        "jobDefinition": job.order.definition,
    }
    last = state.attempts[-1] if state.attempts else None
    container: dict[str, Any] = {}
    if last is not None and last.exit_code is not None:
        container["exitCode"] = last.exit_code
    if last is not None and last.reason:
        container["reason"] = last.reason
    array = {name: value for name, value in (("size", job.order.size),) if value}
    told = {
        "statusReason": state.reason,
        "startedAt": state.started_at,
        "stoppedAt": state.stopped_at,
        "container": container,
        "arrayProperties": {"index": job.order.index} if job.order.array else array,
    }
    return {**summary, **{name: value for name, value in told.items() if value}}


def _listed(platform: Platform, given: Mapping[str, Any]) -> list[Job]:
    if given.get("multiNodeJobId"):
        raise ApiError("ClientException", "Jobs of several nodes are not offered.", where="multiNodeJobId")
    if given.get("arrayJobId"):
        parent = name_of(str(given["arrayJobId"]), "job")
    elif given.get("jobQueue"):
        parent = queue_parent(platform.batch.queues.get(QUEUE, str(given["jobQueue"])).name)
    else:
        raise ApiError("ClientException", "One of jobQueue and arrayJobId must be given.")
    filters = [_filter(one) for one in given.get("filters") or ()]
    status = None if filters else str(given.get("jobStatus") or BatchStatus.RUNNING)
    chosen = Selection(parent=parent, status=status, descending=True, limit=_PAGE)
    found = (read_job(record) for record in chosen.all(platform.records, JOB_KIND))
    return [job for job in found if all(fits(job) for fits in filters)]


def _filter(given: Mapping[str, Any]) -> Callable[[Job], bool]:
    name, values = str(given.get("name")), [str(value) for value in given.get("values") or ()]
    if name in ("BEFORE_CREATED_AT", "AFTER_CREATED_AT"):
        if not values or not values[0].isdecimal():
            raise ApiError("ClientException", f"{name} needs a moment in milliseconds.", where="filters")
        moment, is_before = int(values[0][:18]), name.startswith("BEFORE")
        return lambda job: (milliseconds(job.created_at) < moment) == is_before
    if name == "JOB_NAME":
        return lambda job: any(_fits(value, job.order.name) for value in values)
    if name == "JOB_DEFINITION":
        return lambda job: any(_fits(value, text) for value in values for text in _definition_names(job))
    raise ApiError(
        "ClientException",
        f"{name[:80]} is no filter of jobs here.",
        where="filters",
        mend="There are JOB_NAME, JOB_DEFINITION, BEFORE_CREATED_AT and AFTER_CREATED_AT.",
    )


def _definition_names(job: Job) -> tuple[str, str, str]:
    arn = job.order.definition
    return arn, arn.rpartition("/")[2], job.order.definition_name


def _fits(pattern: str, text: str) -> bool:
    pattern, text = pattern.lower(), text.lower()
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern
