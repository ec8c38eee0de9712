"""What is told of the end of an execution."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stepmill.core.statuses import StateMachineExecutionStatus as Status
from stepmill.engine.machines.summaries import MachineExecution
from stepmill.events.executions import execution_ended
from stepmill.storage.executions import MachineDetails

ARN = "arn:aws:states:us-west-2:123456789012:execution:m:e"
BEGAN, ENDED = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)


def ended(status: Status, output: str | None = None, **details: Any) -> Any:
    kept = MachineDetails(machine_arn="arn:m", name="e", stopped_at=ENDED, **details)
    execution = MachineExecution(
        "id", ARN, "m", status, BEGAN, "role", "d", kept, "", is_interrupted=False, position=5
    )
    return execution_ended(execution, '{"a": 1}', output, ENDED)


def test_a_success_has_its_output() -> None:
    told = ended(Status.SUCCEEDED, "[]")
    assert (told.source, told.kind) == ("aws.states", "Step Functions Execution Status Change")
    assert (told.resources, told.at) == ((ARN,), ENDED)
    assert told.detail["startDate"] == 1_767_225_600_000
    assert told.detail["stopDate"] == 1_767_225_601_500
    assert (told.detail["input"], told.detail["output"]) == ('{"a": 1}', "[]")
    assert told.detail["outputDetails"] == {"included": True}
    assert (told.detail["error"], told.detail["redriveStatus"]) == (None, "NOT_REDRIVABLE")


@pytest.mark.parametrize("status", [Status.FAILED, Status.TIMED_OUT, Status.ABORTED])
def test_others_have_an_error(status: Status) -> None:
    told = ended(status, error="Broken", cause="because")
    assert told.detail["status"] == status.value
    assert (told.detail["output"], told.detail["outputDetails"]) == (None, None)
    assert (told.detail["error"], told.detail["cause"]) == ("Broken", "because")
