"""The handler of the iterations of distributed maps: ``stepmill:startIteration``. Each is an execution.

``interpreters/states/mapruns.py`` tells of the payload. An iteration runs the definition of its parent, from
the processor of the Map on. Its ARN is made of the task: handed over again after a crash, the task finds the
execution that it began.
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from stepmill.core.clock import Clock
from stepmill.core.errors import ConflictError, NotFoundError, WrongStateError
from stepmill.core.json import Json, read_json, write_json
from stepmill.core.states_arns import StatesArns
from stepmill.core.statuses import StateMachineExecutionStatus as Status
from stepmill.core.tasks import Report, Task, TaskFailed, TaskStopped, TaskSucceeded
from stepmill.core.typed import converter
from stepmill.engine.endings import Ending, Endings
from stepmill.engine.hands import ExecutionHands
from stepmill.engine.interpreters.states.events import RedriveRequested, StopRequested, encode_event
from stepmill.engine.machines.kept import OUTPUT_TEXT, execution_id, machine_of
from stepmill.engine.machines.language import MachinePlans, StatesLanguage
from stepmill.engine.machines.starting import Iteration, MachineStart, prepare_machine
from stepmill.language.states.definition import ExecutionType
from stepmill.storage.executions import ExecutionDetails, ExecutionStore, NewExecution, StoredExecution

RESOURCE = "stepmill:startIteration"

# How often is looked at an iteration that another engine drives.
_LOOK_AGAIN_S = 1.0
# Of some kilobytes each.
_MOST_PARENTS = 64
_NAMESPACE = uuid.UUID("9f6f1c0e-58a6-5c0b-9a45-2f0f4e3b7d11")


class EndingHands(ExecutionHands, Protocol):
    """An engine: it drives, and tells of ends."""

    @property
    def id(self) -> str:
        """Id of the engine."""
        ...

    @property
    def endings(self) -> Endings:
        """Tells who waits of the ends of executions that it drives."""
        ...


class _Payload(msgspec.Struct, frozen=True):
    input: Any
    index: int
    name: str
    mapRunArn: str  # noqa: N815 - as it is spelt in the payload
    label: str
    processor: str
    executionType: ExecutionType  # noqa: N815
    redrive: int = 0


_to_payload = converter(_Payload)


class IterationHandler:
    """Runs iterations as executions. See ``core.tasks.TaskHandler``.

    Args:
        store: Where executions are kept.
        plans: Of the definitions.
        engine: Returns the engine of this process, which drives the parents.
        clock: Tells the time.
        arns: Builder of ARNs.
    """

    def __init__(
        self,
        store: ExecutionStore,
        plans: MachinePlans,
        engine: Callable[[], EndingHands],
        *,
        clock: Clock,
        arns: StatesArns,
    ) -> None:
        self._store = store
        self._plans = plans
        self._engine = engine
        self._clock = clock
        self._arns = arns
        self._lock = threading.Lock()
        self._parents: OrderedDict[str, tuple[StoredExecution, str]] = OrderedDict()

    def start(self, task: Task, report: Report) -> None:
        """Begin the execution, or pick up the one that was begun; report its end."""
        payload = _to_payload(task.payload)
        request, unique = self._request(task, payload)
        child = self._id_of(request, unique)
        engine = self._engine()

        def prepare(owner: str) -> NewExecution:
            at = self._clock.now()
            return prepare_machine(
                request, plans=self._plans, arns=self._arns, owner=owner, at=at, unique=unique
            )

        engine.endings.listen(child, lambda ending: _tell(task, report, ending))
        try:
            engine.begin(prepare)
        except ConflictError:
            self._pick_up(task, payload, child, report)
        except BaseException:
            engine.endings.forget(child)
            raise

    def stop(self, task: Task) -> None:
        """End the execution."""
        payload = _to_payload(task.payload)
        request, unique = self._request(task, payload)
        child = self._id_of(request, unique)
        try:
            self._store.post(child, encode_event(StopRequested()), statuses=StatesLanguage.open)
        except (NotFoundError, WrongStateError):
            return
        self._engine().have_driven(child)

    # ---- inside -----------------------------------------------------------------------------

    def _pick_up(self, task: Task, payload: _Payload, child: str, report: Report) -> None:
        engine = self._engine()
        stored = self._store.get(child)
        if stored.status in StatesLanguage.final and self._must_redrive(task, payload, stored):
            event = encode_event(RedriveRequested(token=task.id))
            self._store.post(child, event, statuses=StatesLanguage.final)
        elif stored.status in StatesLanguage.final:
            if engine.endings.forget(child):
                output = self._store.frame(child, OUTPUT_TEXT)
                report(_end_of(task, stored.status, stored.details, output))
            return
        engine.have_driven(child)
        if self._store.get(child).owner not in ("", engine.id):
            # Another engine drives it, and tells its own listeners only.
            timer = threading.Timer(_LOOK_AGAIN_S, self._pick_up, (task, payload, child, report))
            timer.daemon = True
            timer.start()

    def _must_redrive(self, task: Task, payload: _Payload, stored: StoredExecution) -> bool:
        return (
            payload.redrive > 0
            and stored.status != Status.SUCCEEDED
            and machine_of(stored.details).redrive_token != task.id
        )

    def _request(self, task: Task, payload: _Payload) -> tuple[MachineStart, str]:
        parent, definition = self._parent_of(task.id.partition("/")[0])
        machine = machine_of(parent.details)
        is_express = payload.executionType is ExecutionType.EXPRESS
        # An express execution cannot be redriven: it is begun anew, and is another one.
        redrives = payload.redrive if is_express else 0
        iteration = Iteration(
            payload.mapRunArn,
            payload.processor,
            payload.index,
            redrive_count=redrives,
            parent=parent.id,
            item_count=_item_count(payload.input),
        )
        request = MachineStart(
            machine=f"{parent.pipeline}/{payload.label}",
            machine_arn=f"{machine.machine_arn}/{payload.label}",
            definition=definition,
            role=parent.details.role,
            input=write_json(payload.input),
            name=payload.name,
            is_express=is_express,
            version_arn=machine.version_arn,
            alias_arn=machine.alias_arn,
            iteration=iteration,
            by=parent.details.started_by,
        )
        return request, str(uuid.uuid5(_NAMESPACE, task.id)) if is_express else ""

    def _id_of(self, request: MachineStart, unique: str) -> str:
        if unique:
            return execution_id(self._arns.express_execution(request.machine, request.name, unique))
        return execution_id(self._arns.execution(request.machine, request.name))

    def _parent_of(self, execution: str) -> tuple[StoredExecution, str]:
        with self._lock:
            found = self._parents.get(execution)
            if found is not None:
                return found
        stored = self._store.get(execution)
        found = stored, self._store.definition(stored.details.definition)
        with self._lock:
            self._parents[execution] = found
            while len(self._parents) > _MOST_PARENTS:
                self._parents.popitem(last=False)
        return found


def _item_count(value: Json) -> int:
    """Return how many items an iteration works on: those of its batch, or one."""
    items = value.get("Items") if isinstance(value, dict) else None
    return len(items) if isinstance(items, list) else 1


def _tell(task: Task, report: Report, ending: Ending) -> None:
    change = ending.change
    assert change.details is not None
    report(_end_of(task, change.status, change.details, change.frames.get(OUTPUT_TEXT)))


def _end_of(
    task: Task, status: str, details: ExecutionDetails, output: str | None
) -> TaskSucceeded | TaskFailed | TaskStopped:
    if status == Status.SUCCEEDED:
        value: Json = read_json(output) if output else None
        return TaskSucceeded(task.id, value)
    machine = machine_of(details)
    if status == Status.ABORTED:
        return TaskStopped(task.id, machine.cause or "")
    return TaskFailed(task.id, machine.error or "", machine.cause or "", metadata={"status": str(status)})
