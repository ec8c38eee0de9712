"""Executions of state machines on the wire: started, described, listed, stopped, redriven.

Source: Step Functions API reference.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler, IsSettled
from stepmill.aws.services.stepfunctions.arns import read_arn, read_machine_arn, version_in
from stepmill.aws.services.stepfunctions.machines import next_token, page_size
from stepmill.aws.services.stepfunctions.refusals import told
from stepmill.catalog.state_machine_records import StateMachine
from stepmill.core.errors import WrongStateError
from stepmill.core.states_arns import EXECUTION, MAP_RUN, StatesArn
from stepmill.core.statuses import StateMachineExecutionStatus as Status
from stepmill.engine.interpreters.states.events import RedriveRequested, StopRequested
from stepmill.engine.machines.control import why_not_redrivable
from stepmill.engine.machines.summaries import MachineExecution
from stepmill.platform import Platform

NO_EXECUTION = "ExecutionDoesNotExist"
_WRONG_TYPE = "This operation is not supported by this type of state machine"
_INCLUDED = {"included": True}

# Source: quotas of Step Functions: an express execution takes five minutes at most.
LONGEST_SYNC = timedelta(minutes=5)
# So long a thread waits; then the client is held without one.
_THREAD_WAITS = timedelta(seconds=2)
# Calls of StartSyncExecution that are held at one time.
_MOST_HELD = 4096


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return the operations on executions."""
    begun = _BegunCalls()

    def start(call: Call) -> dict[str, Any]:
        execution = _start(platform, call)
        return {"executionArn": execution.arn, "startDate": execution.started_at}

    def start_sync(call: Call) -> dict[str, Any]:
        known = begun.get(call.request_id)
        if known is None:
            machine, _ = _machine_to_start(platform, call)
            if not machine.is_express:
                raise ApiError("StateMachineTypeNotSupported", _WRONG_TYPE)
            known = _start(platform, call).id
            begun.put(call.request_id, known)
        # Whoever calls from the inside cannot be held.
        patience = _THREAD_WAITS if call.caller.access_key else LONGEST_SYNC
        execution = platform.machine_control.wait(known, patience)
        if execution.status.is_final:
            begun.forget(call.request_id)
        return _sync_answer(platform, execution, call)

    def describe(call: Call) -> dict[str, Any]:
        arn = call.parameters["executionArn"]
        read_arn(arn, EXECUTION)
        with told(missing=NO_EXECUTION):
            execution = platform.machine_executions.describe(arn)
        return _described(platform, execution, call)

    def stop(call: Call) -> dict[str, Any]:
        given = call.parameters
        read_arn(given["executionArn"], EXECUTION)
        wish = StopRequested(given.get("error"), given.get("cause"), by=call.caller.name)
        with told(missing=NO_EXECUTION):
            stopped = platform.machine_control.stop(given["executionArn"], wish)
        return {"stopDate": stopped.details.stopped_at}

    def redrive(call: Call) -> dict[str, Any]:
        arn = call.parameters["executionArn"]
        read_arn(arn, EXECUTION)
        wish = RedriveRequested(call.parameters.get("clientToken") or "", call.caller.name)
        try:
            with told(missing=NO_EXECUTION):
                redriven = platform.machine_control.redrive(arn, wish)
        except WrongStateError as error:
            raise ApiError("ExecutionNotRedrivable", error.what) from error
        return {"redriveDate": redriven.details.redriven_at}

    def list_(call: Call) -> dict[str, Any]:
        return _listed(platform, call)

    return {
        "StartExecution": start,
        "StartSyncExecution": start_sync,
        "DescribeExecution": describe,
        "StopExecution": stop,
        "RedriveExecution": redrive,
        "ListExecutions": list_,
    }


def waits() -> dict[str, IsSettled]:
    """Return at which operations waiting clients are held, and until when."""

    def is_over(_call: Call, answer: Mapping[str, Any]) -> bool:
        return Status(answer["status"]).is_final

    return {"DescribeExecution": is_over, "StartSyncExecution": is_over}


def patience(_call: Call) -> timedelta:
    """Return for how long a call of StartSyncExecution waits."""
    return LONGEST_SYNC


class _BegunCalls:
    """The executions that calls of StartSyncExecution have begun: a call that is held is asked again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: OrderedDict[str, str] = OrderedDict()

    def get(self, request_id: str) -> str | None:
        with self._lock:
            return self._begun.get(request_id)

    def put(self, request_id: str, execution: str) -> None:
        with self._lock:
            self._begun[request_id] = execution
            while len(self._begun) > _MOST_HELD:
                self._begun.popitem(last=False)

    def forget(self, request_id: str) -> None:
        with self._lock:
            self._begun.pop(request_id, None)


# ---- starting -----------------------------------------------------------------------------------


def _start(platform: Platform, call: Call) -> MachineExecution:
    given = call.parameters
    machine, alias_arn = _machine_to_start(platform, call)
    with told(conflict="ExecutionAlreadyExists", invalid="InvalidExecutionInput"):
        return platform.start_machine(
            machine,
            input=given.get("input", "{}"),
            name=given.get("name") or "",
            alias_arn=alias_arn,
            trace_header=given.get("traceHeader") or "",
            by=call.caller.name,
        )


def _machine_to_start(platform: Platform, call: Call) -> tuple[StateMachine, str]:
    """Return what is to be run, and the ARN of the alias that leads to it; empty: none does."""
    text = call.parameters["stateMachineArn"]
    arn = read_machine_arn(text)
    if arn.label:
        raise ApiError("InvalidArn", f"Invalid Arn: 'Resource type not valid in this context: {arn.label}'")
    with told():
        if not arn.rest:
            return platform.state_machines.get(arn.name), ""
        if arn.rest.isdecimal():
            return platform.state_machines.get(arn.name, version_in(arn)), ""
        alias = platform.state_machine_aliases.get(arn.name, arn.rest)
        draw = secrets.randbelow(100) / 100
        return platform.state_machines.get(arn.name, alias.version_for(draw)), alias.arn


def _sync_answer(platform: Platform, execution: MachineExecution, call: Call) -> dict[str, Any]:
    answer = _described(platform, execution, call)
    stopped_at = execution.details.stopped_at or execution.started_at
    duration = stopped_at - execution.started_at
    kept = {"redriveCount", "redriveStatus", "redriveStatusReason", "stateMachineVersionArn"}
    kept |= {"stateMachineAliasArn", "mapRunArn"}
    return {
        **{member: value for member, value in answer.items() if member not in kept},
        "stopDate": stopped_at,
        "billingDetails": {
            "billedMemoryUsedInMB": 64,
            # Rounded up to the next hundred.
            "billedDurationInMilliseconds": (duration // timedelta(milliseconds=100) + 1) * 100,
        },
    }


# ---- describing ---------------------------------------------------------------------------------


def _described(platform: Platform, execution: MachineExecution, call: Call) -> dict[str, Any]:
    reader, details = platform.machine_executions, execution.details
    answer: dict[str, Any] = {
        "executionArn": execution.arn,
        "stateMachineArn": details.machine_arn,
        "name": details.name,
        "status": execution.status.value,
        "startDate": execution.started_at,
        "redriveCount": details.redrive_count,
        **_redrive_status(execution),
    }
    if call.parameters.get("includedData") != "METADATA_ONLY":
        answer |= {"input": reader.input(execution.id), "inputDetails": _INCLUDED}
        output = reader.output(execution.id) if execution.status is Status.SUCCEEDED else None
        if output is not None:
            answer |= {"output": output, "outputDetails": _INCLUDED}
        answer |= _given(error=details.error, cause=details.cause)
    return answer | _given(
        stopDate=details.stopped_at,
        traceHeader=details.trace_header or None,
        mapRunArn=details.map_run or None,
        stateMachineVersionArn=details.version_arn or None,
        stateMachineAliasArn=details.alias_arn or None,
        redriveDate=details.redriven_at,
    )


def _redrive_status(execution: MachineExecution) -> dict[str, str]:
    if execution.details.map_run:
        is_open = execution.status is Status.SUCCEEDED or execution.details.is_express
        return {"redriveStatus": "NOT_REDRIVABLE" if is_open else "REDRIVABLE_BY_MAP_RUN"}
    reason = why_not_redrivable(execution)
    if reason is None:
        return {"redriveStatus": "REDRIVABLE"}
    return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


# ---- listing ------------------------------------------------------------------------------------


def _listed(platform: Platform, call: Call) -> dict[str, Any]:
    given = call.parameters
    machine, map_run = given.get("stateMachineArn"), given.get("mapRunArn")
    if bool(machine) == bool(map_run):
        raise ApiError(
            "ValidationException",
            "You must provide either stateMachineArn or mapRunArn, and not both of them.",
        )
    filters: dict[str, Any]
    if machine:
        filters = _of_machine(platform, read_machine_arn(machine), machine)
    else:
        read_arn(given["mapRunArn"], MAP_RUN)
        filters = {"map_run": map_run}
    status, redriven = given.get("statusFilter"), given.get("redriveFilter")
    with told(invalid="InvalidToken"):
        page = platform.machine_executions.find(
            **filters,
            statuses=[Status(status)] if status else None,
            is_redriven=redriven == "REDRIVEN" if redriven else None,
            limit=page_size(call),
            after=given.get("nextToken"),
        )
    return {
        "executions": [_entry(each, with_run=bool(map_run)) for each in page.executions],
        **next_token(page.next_token),
    }


def _of_machine(platform: Platform, arn: StatesArn, text: str) -> dict[str, Any]:
    with told():
        machine = platform.state_machines.get(arn.name)
    if machine.is_express:
        raise ApiError("StateMachineTypeNotSupported", _WRONG_TYPE)
    if not arn.rest:
        return {"machine": arn.name}
    return {"machine": arn.name, "version_arn" if arn.rest.isdecimal() else "alias_arn": text}


def _entry(execution: MachineExecution, *, with_run: bool) -> dict[str, Any]:
    details = execution.details
    return {
        "executionArn": execution.arn,
        "stateMachineArn": details.machine_arn,
        "name": details.name,
        "status": execution.status.value,
        "startDate": execution.started_at,
        "redriveCount": details.redrive_count,
        **_given(
            stopDate=details.stopped_at,
            mapRunArn=details.map_run if with_run else None,
            itemCount=details.item_count if with_run else None,
            stateMachineVersionArn=details.version_arn or None,
            stateMachineAliasArn=details.alias_arn or None,
            redriveDate=details.redriven_at,
        ),
    }
