"""Runs of distributed maps on the wire.

Source: Step Functions API reference, DescribeMapRun, ListMapRuns.
"""

from __future__ import annotations

from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.stepfunctions.arns import read_arn
from stepmill.aws.services.stepfunctions.executions import NO_EXECUTION
from stepmill.aws.services.stepfunctions.machines import next_token, page_size
from stepmill.aws.services.stepfunctions.refusals import NO_RESOURCE, told
from stepmill.core.states_arns import EXECUTION, MAP_RUN
from stepmill.engine.interpreters.states.frames import RunCounts
from stepmill.engine.machines.map_runs import MapRun
from stepmill.platform import Platform


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return the operations."""
    runs = platform.map_runs

    def describe(call: Call) -> dict[str, Any]:
        arn = call.parameters["mapRunArn"]
        read_arn(arn, MAP_RUN)
        with told(missing=NO_RESOURCE):
            return _described(runs.describe(arn))

    def list_(call: Call) -> dict[str, Any]:
        arn = call.parameters["executionArn"]
        read_arn(arn, EXECUTION)
        with told(missing=NO_EXECUTION):
            found = runs.of_execution(arn)
        first = _place(call.parameters.get("nextToken"))
        last = first + page_size(call)
        more = str(last) if last < len(found) else None
        return {"mapRuns": [_entry(each) for each in found[first:last]], **next_token(more)}

    return {"DescribeMapRun": describe, "ListMapRuns": list_}


def _place(token: str | None) -> int:
    if token is None:
        return 0
    if not (token.isascii() and token.isdecimal() and len(token) < len("9" * 10)):
        raise ApiError("InvalidToken", "Invalid Token: 'Invalid token'")
    return int(token)


def _described(found: MapRun) -> dict[str, Any]:
    run = found.run
    answer: dict[str, Any] = {
        "mapRunArn": run.arn,
        "executionArn": found.execution.arn,
        "status": run.status.value,
        "startDate": run.started_at,
        "maxConcurrency": run.max_concurrency,
        "toleratedFailurePercentage": run.tolerated_percentage or 0.0,
        "toleratedFailureCount": run.tolerated_count or 0,
        "itemCounts": _counts(run.items),
        "executionCounts": _counts(run.iterations),
        "redriveCount": run.redrives,
    }
    if run.stopped_at is not None:
        answer["stopDate"] = run.stopped_at
    if run.redriven_at is not None:
        answer["redriveDate"] = run.redriven_at
    return answer


def _counts(counts: RunCounts) -> dict[str, int]:
    return {
        "pending": counts.pending,
        "running": counts.running,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "timedOut": counts.timed_out,
        "aborted": counts.aborted,
        "total": counts.total,
        "resultsWritten": counts.written,
        "failuresNotRedrivable": 0,
        "pendingRedrive": 0,
    }


def _entry(found: MapRun) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "executionArn": found.execution.arn,
        "mapRunArn": found.run.arn,
        # With the label of the Map, as the service shows it.
        "stateMachineArn": f"{found.execution.details.machine_arn}/{_label(found.run.arn)}",
        "startDate": found.run.started_at,
    }
    if found.run.stopped_at is not None:
        answer["stopDate"] = found.run.stopped_at
    return answer


def _label(arn: str) -> str:
    return arn.rpartition("/")[2].partition(":")[0]
