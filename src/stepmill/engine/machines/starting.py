"""What must be right before an execution of a state machine is written, and what is written then."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from stepmill.catalog.state_machine_records import check_name
from stepmill.core.errors import ConflictError, InvalidInputError
from stepmill.core.json import read_json
from stepmill.core.states_arns import StatesArns
from stepmill.core.statuses import StateMachineExecutionStatus
from stepmill.engine.interpreters.states.events import ExecutionStarted, encode_event
from stepmill.engine.machines.kept import INPUT_TEXT, execution_id, machine_of
from stepmill.engine.machines.language import MachinePlans
from stepmill.language.states.definition import ExecutionType
from stepmill.language.states.json_faults import json_fault
from stepmill.storage.executions import (
    STATES,
    ExecutionDetails,
    ExecutionStore,
    MachineDetails,
    NewExecution,
)
from stepmill.storage.texts import check_text

# Source: API reference, StartExecution, "name": unique for so long after the execution has ended.
NAME_HELD = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Iteration:
    """What an execution is that iterates for a distributed Map.

    Args:
        map_run: ARN of the Map Run.
        processor: Path of the Map in the definition.
        index: Of its item, or of its batch.
        item: JSON text of the item; empty: none is told.
        redrive_count: How often it was started anew before.
        parent: Id of the execution that the Map Run is of.
        item_count: How many items it works on.
    """

    map_run: str
    processor: str
    index: int = -1
    item: str = ""
    redrive_count: int = 0
    parent: str = ""
    item_count: int | None = None


@dataclass(frozen=True, slots=True)
class MachineStart:
    """A wish for an execution.

    Args:
        machine: Name of the machine; of an iteration with the label of its Map: ``Churn/Each``.
        machine_arn: Its ARN, without version and alias.
        definition: Text of the document to run.
        role: ARN of the role that it runs under.
        input: JSON text.
        name: Of the execution; empty: one is made.
        is_express: Whether it is kept as those of express machines are: its name may come again.
        version_arn: ARN of the version that was asked for, or that the alias leads to; empty: none.
        alias_arn: ARN of the alias that was asked for; empty: none.
        trace_header: Of AWS X-Ray; only kept.
        iteration: If it is one of a distributed Map.
        by: Name of the key of whoever starts it; empty for the terminal.
    """

    machine: str
    machine_arn: str
    definition: str
    role: str
    input: str = "{}"
    name: str = ""
    is_express: bool = False
    version_arn: str = ""
    alias_arn: str = ""
    trace_header: str = ""
    iteration: Iteration | None = None
    by: str = ""


def prepare_machine(
    request: MachineStart,
    *,
    plans: MachinePlans,
    arns: StatesArns,
    owner: str,
    at: datetime,
    unique: str = "",
) -> NewExecution:
    """Check all that can be checked, and return what is to be written.

    Args:
        request: The wish.
        plans: Reads the definition.
        arns: Builder of ARNs.
        owner: The engine that will drive it.
        at: Now.
        unique: Last part of the ARN of an express execution; empty: one is made.

    Raises:
        InvalidInputError: If the name or the input cannot be taken.
        DefinitionError: If the definition is wrong. Carries all findings.
    """
    name = request.name or str(uuid.uuid4())
    if request.iteration is None:
        check_name(name)
    check_text(request.definition, request.input, request.trace_header)
    _check_input(request.input)
    iteration = request.iteration or Iteration("", "")
    digest, _plan = plans.read(request.definition, iteration.processor)
    arn = (
        arns.express_execution(request.machine, name, unique or str(uuid.uuid4()))
        if request.is_express
        else arns.execution(request.machine, name)
    )
    identifier = execution_id(arn)
    started = ExecutionStarted(
        execution_id=identifier,
        execution_arn=arn,
        name=name,
        machine_arn=request.machine_arn,
        machine_name=request.machine.partition("/")[0],
        role_arn=request.role,
        input_text=request.input,
        started_at=at,
        seed=secrets.token_hex(16),
        kind=ExecutionType.EXPRESS if request.is_express else ExecutionType.STANDARD,
        version_arn=request.version_arn,
        alias_arn=request.alias_arn,
        map_run_arn=iteration.map_run,
        map_index=iteration.index,
        map_item=iteration.item,
        redrive_count=iteration.redrive_count,
    )
    details = MachineDetails(
        name=name,
        machine_arn=request.machine_arn,
        is_express=request.is_express,
        version_arn=request.version_arn,
        alias_arn=request.alias_arn,
        trace_header=request.trace_header,
        redrive_count=iteration.redrive_count,
        map_run=iteration.map_run,
        processor=iteration.processor,
        parent=iteration.parent,
        map_index=iteration.index,
        item_count=iteration.item_count,
    )
    return NewExecution(
        id=identifier,
        language=STATES,
        pipeline=request.machine,
        status=StateMachineExecutionStatus.RUNNING,
        owner=owner,
        created_at=at,
        details=ExecutionDetails(
            arn=arn, definition=digest, role=request.role, started_by=request.by, machine=details
        ),
        definition=request.definition,
        first_event=encode_event(started),
        parent=iteration.map_run,
        texts={INPUT_TEXT: request.input},
        is_durable=not request.is_express,
    )


def _check_input(text: str) -> None:
    try:
        read_json(text)
    except InvalidInputError as error:
        raise InvalidInputError(
            f"Invalid State Machine Execution Input: '{json_fault(text)}'", where="input"
        ) from error


def is_same_start(store: ExecutionStore, new: NewExecution) -> bool:
    """Return whether a start whose id is taken means the execution that has it; one too old is removed.

    Raises:
        ConflictError: If it means another: its name is that of an execution that has ended within 90 days, or
            that runs with another input.
        NotFoundError: If it is gone.
    """
    old = store.get(new.id)
    stopped_at = machine_of(old.details).stopped_at
    if stopped_at is not None and new.created_at - stopped_at > NAME_HELD:
        store.remove(old.id, statuses={old.status})
        return False
    if stopped_at is None and store.frame(old.id, INPUT_TEXT) == new.texts[INPUT_TEXT]:
        return True
    raise ConflictError(f"Execution Already Exists: '{old.details.arn}'", where=old.details.arn)
