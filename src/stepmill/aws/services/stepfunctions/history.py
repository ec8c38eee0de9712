"""The history of an execution, and what it runs, on the wire.

Source: Step Functions API reference, GetExecutionHistory, DescribeStateMachineForExecution.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.stepfunctions.arns import read_arn
from stepmill.aws.services.stepfunctions.executions import NO_EXECUTION
from stepmill.aws.services.stepfunctions.machines import page_size
from stepmill.aws.services.stepfunctions.refusals import told
from stepmill.core.errors import NotFoundError
from stepmill.core.json import read_json, write_json
from stepmill.core.states_arns import EXECUTION, StatesArn
from stepmill.engine.machines.summaries import MachineExecution
from stepmill.platform import Platform
from stepmill.storage.executions import HistoryRecord

# What is left out of the details of an event without execution data.
_DATA = ("input", "output", "parameters", "inputDetails", "outputDetails", "error", "cause")
# Members of a Map that are not the machine's that it runs.
_MODES = ("ProcessorConfig",)


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return the operations."""
    reader = platform.machine_executions

    def history(call: Call) -> dict[str, Any]:
        given = call.parameters
        read_arn(given["executionArn"], EXECUTION)
        limit = page_size(call)
        is_reversed = bool(given.get("reverseOrder"))
        place = _read_token(given.get("nextToken"), is_reversed=is_reversed)
        with told(missing=NO_EXECUTION):
            execution = reader.stored(given["executionArn"])
        # One more than is asked for tells whether there is more.
        if is_reversed:
            records = reader.history_backwards(execution.id, before_position=place, limit=limit + 1)
        else:
            records = reader.history(execution.id, after_position=place or 0, limit=limit + 1)
        with_data = given.get("includeExecutionData", True)
        answer: dict[str, Any] = {"events": [_event(each, with_data=with_data) for each in records[:limit]]}
        if len(records) > limit:
            answer["nextToken"] = f"{'b' if is_reversed else 'f'}{records[limit - 1].position}"
        return answer

    def describe_machine(call: Call) -> dict[str, Any]:
        arn = call.parameters["executionArn"]
        read_arn(arn, EXECUTION)
        with told(missing=NO_EXECUTION):
            execution = reader.describe(arn)
        return _machine_of(platform, execution, call)

    return {"GetExecutionHistory": history, "DescribeStateMachineForExecution": describe_machine}


def _read_token(token: str | None, *, is_reversed: bool) -> int | None:
    if token is None:
        return None
    direction, position = token[:1], token[1:]
    is_place = position.isascii() and position.isdecimal() and len(position) <= len("9" * 15)
    if direction != ("b" if is_reversed else "f") or not is_place:
        raise ApiError("InvalidToken", "Invalid Token: 'Invalid token'")
    return int(position)


def _event(record: HistoryRecord, *, with_data: bool) -> dict[str, Any]:
    body = record.body if with_data else {name: _bare(value) for name, value in record.body.items()}
    return {"timestamp": record.at, "type": record.type, "id": record.position, **body}


def _bare(details: object) -> object:
    if not isinstance(details, Mapping):
        return details
    return {name: value for name, value in details.items() if name not in _DATA}


def _machine_of(platform: Platform, execution: MachineExecution, call: Call) -> dict[str, Any]:
    details = execution.details
    name, _, label = execution.machine.partition("/")
    answer: dict[str, Any] = {
        "stateMachineArn": details.machine_arn,
        "name": name,
        "definition": "",
        "roleArn": execution.role,
        "updateDate": execution.started_at,
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
        "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
    }
    try:
        arn = StatesArn.read(details.version_arn)
        version = int(arn.rest) if arn is not None else 0
        machine = platform.state_machines.get(name, version)
    except NotFoundError:
        pass  # It has been deleted since.
    else:
        content = machine.content
        answer["updateDate"] = machine.modified_at
        answer["loggingConfiguration"] = content.logging or answer["loggingConfiguration"]
        answer["tracingConfiguration"] = content.tracing or answer["tracingConfiguration"]
        answer["encryptionConfiguration"] = content.encryption or answer["encryptionConfiguration"]
    if label:
        answer |= {"label": label, "mapRunArn": details.map_run}
    if call.parameters.get("includedData") != "METADATA_ONLY":
        text = platform.machine_executions.definition(execution.id)
        answer["definition"] = _processor(text, details.processor) if details.processor else text
    return answer


def _processor(definition: str, path: str) -> str:
    """Return the definition of what an iteration runs: the processor of the Map at that path."""
    found: Any = read_json(definition)
    for key in path.removeprefix("/").split("/"):
        found = found[int(key)] if isinstance(found, list) else found[key]
    processor = found.get("ItemProcessor") or found.get("Iterator") or {}
    return write_json({name: value for name, value in processor.items() if name not in _MODES})
