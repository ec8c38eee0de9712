"""Activities: made, listed, removed; and workers that fetch the tasks that wait for them.

Source: Step Functions API reference, CreateActivity to GetActivityTask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler, IsSettled
from stepmill.aws.services.stepfunctions.arns import read_arn
from stepmill.aws.services.stepfunctions.machines import page_size
from stepmill.aws.services.stepfunctions.refusals import told
from stepmill.catalog.activities import ActivityWork
from stepmill.catalog.tags import read_tags
from stepmill.core.errors import NotFoundError, UnsupportedError, WrongStateError
from stepmill.core.states_arns import ACTIVITY
from stepmill.core.tasks import TaskStarted
from stepmill.platform import Platform
from stepmill.storage.records import Record

NO_ACTIVITY = "ActivityDoesNotExist"
# Source: API reference, GetActivityTask: the service holds the connection so long.
LONGEST_POLL = timedelta(seconds=60)
_FETCH = "GetActivityTask"


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return the operations on activities."""
    activities = platform.activities

    def name_of(call: Call) -> str:
        return read_arn(call.parameters["activityArn"], ACTIVITY).name

    def create(call: Call) -> dict[str, Any]:
        encryption = call.parameters.get("encryptionConfiguration") or {}
        if encryption.get("type", "AWS_OWNED_KEY") != "AWS_OWNED_KEY":
            raise UnsupportedError("Keys of a customer are not offered.", where="encryptionConfiguration")
        given = call.parameters.get("tags") or ()
        with told():
            tags = read_tags([{"Key": tag.get("key"), "Value": tag.get("value")} for tag in given])
            record = activities.create(call.parameters["name"])
        arn = activities.arns.activity(record.name)
        if tags:
            platform.tags.add(arn, tags)
        return {"activityArn": arn, "creationDate": record.created_at}

    def delete(call: Call) -> dict[str, Any]:
        name = name_of(call)
        activities.delete(name)
        platform.tags.clear(activities.arns.activity(name))
        return {}

    def describe(call: Call) -> dict[str, Any]:
        with told(missing=NO_ACTIVITY):
            return _shown(platform, activities.get(name_of(call)))

    def list_(call: Call) -> dict[str, Any]:
        token = call.parameters.get("nextToken")
        with told(invalid="InvalidToken"):
            page = activities.list(limit=page_size(call), after=token)
        shown = [_shown(platform, record) for record in page.records]
        return {"activities": shown, "nextToken": page.next_token}

    def fetch(call: Call) -> dict[str, Any]:
        worker = call.parameters.get("workerName") or ""
        with told(missing=NO_ACTIVITY):
            name = activities.get(name_of(call)).name
        while (work := activities.fetch(name, worker)) is not None:
            if _begin(platform, work, worker):
                return {"taskToken": work.token, "input": work.input}
        return {}

    return {
        "CreateActivity": create,
        "DeleteActivity": delete,
        "DescribeActivity": describe,
        "ListActivities": list_,
        _FETCH: fetch,
    }


def waits() -> dict[str, IsSettled]:
    """Return the operations whose clients are held, and when there is nothing left to wait for."""
    return {_FETCH: lambda _call, answer: "taskToken" in answer}


def patience() -> Mapping[str, Callable[[Call], timedelta]]:
    """Return for how long a worker waits for a task."""
    return {_FETCH: lambda _call: LONGEST_POLL}


def _begin(platform: Platform, work: ActivityWork, worker: str) -> bool:
    """Say that a worker has begun; return whether anybody still waits for the work."""
    metadata = {"workerName": worker} if worker else {}
    try:
        platform.machine_control.report(work.token, lambda task: TaskStarted(task, metadata))
    except (NotFoundError, WrongStateError, ApiError):
        platform.activities.withdraw(work.task_id)
        return False
    return True


def _shown(platform: Platform, record: Record) -> dict[str, Any]:
    return {
        "activityArn": platform.activities.arns.activity(record.name),
        "name": record.name,
        "creationDate": record.created_at,
    }
