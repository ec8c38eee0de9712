"""What the bus of events is told of the end of a state machine's execution. Pure.

Source: Step Functions developer guide, "Automating Step Functions event delivery with EventBridge".
"""

from __future__ import annotations

from datetime import datetime

from stepmill.core.happenings import Happening
from stepmill.core.json import Json
from stepmill.engine.machines.control import why_not_redrivable
from stepmill.engine.machines.summaries import MachineExecution

_INCLUDED: dict[str, Json] = {"included": True}


def execution_ended(execution: MachineExecution, given: str, output: str | None, now: datetime) -> Happening:
    """Return what is told of the end of an execution.

    Args:
        execution: That has ended.
        given: Its input, JSON text.
        output: What it gave, JSON text; ``None`` if it has not succeeded.
        now: When it is told.
    """
    details, reason = execution.details, why_not_redrivable(execution)
    detail: dict[str, Json] = {
        "executionArn": execution.arn,
        "stateMachineArn": details.machine_arn,
        "name": details.name,
        "status": execution.status.value,
        "startDate": _milliseconds(execution.started_at),
        "stopDate": _milliseconds(details.stopped_at),
        "input": given,
        "output": output,
        "inputDetails": _INCLUDED,
        "outputDetails": _INCLUDED if output is not None else None,
        "error": details.error,
        "cause": details.cause,
        "stateMachineVersionArn": details.version_arn or None,
        "stateMachineAliasArn": details.alias_arn or None,
        "redriveCount": details.redrive_count,
        "redriveDate": _milliseconds(details.redriven_at),
        "redriveStatus": "REDRIVABLE" if reason is None else "NOT_REDRIVABLE",
        "redriveStatusReason": reason,
    }
    at = details.stopped_at or now
    return Happening("aws.states", "Step Functions Execution Status Change", at, detail, (execution.arn,))


def _milliseconds(moment: datetime | None) -> int | None:
    return int(moment.timestamp() * 1000) if moment is not None else None
