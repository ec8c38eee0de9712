"""A state machine, compiled: every path, template and expression is a function, every state has its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from stepmill.core.json import Json, JsonObject
from stepmill.engine.interpreters.states.choosing import compile_test
from stepmill.engine.interpreters.states.evaluation import (
    Evaluate,
    Put,
    Scope,
    compile_assign,
    compile_field,
    compile_given,
    compile_items_path,
    compile_jsonata,
    compile_path,
    compile_put,
)
from stepmill.engine.interpreters.states.resources import TaskResource, resource_of
from stepmill.language.states.definition import (
    ABSENT,
    Absent,
    Branch,
    Catcher,
    ChoiceRule,
    ChoiceState,
    FailState,
    Given,
    MapState,
    ParallelState,
    PassState,
    State,
    StateMachine,
    SucceedState,
    TaskState,
    WaitState,
    WorkState,
)


@dataclass(slots=True)
class PlannedCatcher:
    """A catcher, compiled."""

    catcher: Catcher
    next: str
    put: Put | None
    assign: Callable[[Scope], JsonObject] | None
    output: Evaluate | None


@dataclass(slots=True)
class PlannedRule:
    """A rule of a Choice, compiled."""

    next: str
    written: Json
    field: str
    holds: Callable[[Scope], Json]
    assign: Callable[[Scope], JsonObject] | None
    output: Evaluate | None


@dataclass(slots=True)
class PlannedState:
    """A state, compiled. What is ``None`` changes nothing.

    Args:
        state: As it was read.
        kind: ``Pass``, ``Task``, ...
        next: Path of the next state; ``None`` at an end.
        read: InputPath.
        drops_input: Whether InputPath is null.
        arguments: Parameters or Arguments.
        select: ResultSelector.
        put: ResultPath, unless it is ``$``.
        drops_result: Whether ResultPath is null.
        assign: Assign.
        write: OutputPath, or JSONata's Output.
        drops_output: Whether OutputPath is null.
        catchers: Of the state.
        rules: Of a Choice.
        givens: Other fields that are written or computed, by their names.
        branches: Of a Parallel; of a Map its processor: paths of the first states.
        resource: Of a Task.
        uses_scope: Whether anything of it is computed.
    """

    state: State
    kind: str
    next: str | None
    read: Evaluate | None = None
    drops_input: bool = False
    arguments: Evaluate | None = None
    select: Evaluate | None = None
    put: Put | None = None
    drops_result: bool = False
    assign: Callable[[Scope], JsonObject] | None = None
    write: Evaluate | None = None
    drops_output: bool = False
    catchers: tuple[PlannedCatcher, ...] = ()
    rules: tuple[PlannedRule, ...] = ()
    givens: Mapping[str, Evaluate] = field(default_factory=dict)
    branches: tuple[str, ...] = ()
    resource: TaskResource | None = None
    uses_scope: bool = False
    entered: str = ""
    exited: str = ""


# Given by whoever knows the services; the same for the same values.
Problems: TypeAlias = Callable[[str, Json], Sequence[str]]


def _no_problems(_resource: str, _parameters: Json) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A machine that can be run.

    Args:
        start_at: Path of the first state.
        states: By path.
        timeout_s: Of the whole execution; ``None``: it may take for ever.
        parity: Whether AWS's limits hold: 256 KiB of data, 25,000 events.
        problems: Tells, of a resource and parameters, what keeps these from being those of its operation.
    """

    start_at: str
    states: Mapping[str, PlannedState]
    timeout_s: int | None = None
    parity: bool = False
    problems: Problems = _no_problems


def plan_of(
    machine: StateMachine,
    *,
    processor: str = "",
    parity: bool = False,
    problems: Problems = _no_problems,
) -> Plan:
    """Compile a machine.

    Args:
        machine: Read and checked.
        processor: Path of a Map: its processor is what is run, as an iteration of a distributed Map does.
        parity: Whether AWS's limits hold.
        problems: See ``Plan``.

    Raises:
        KeyError: If there is no Map at that path.
    """
    states = {state.path: _plan_state(state, branch) for branch, state in _all_states(machine)}
    if not processor:
        start = machine.states[machine.start_at].path
        return Plan(start, states, machine.timeout_s, parity, problems)
    return Plan(states[processor].branches[0], states, None, parity, problems)


def _all_states(branch: Branch) -> Iterator[tuple[Branch, State]]:
    for state in branch.states.values():
        yield branch, state
        for inner in inner_branches(state):
            yield from _all_states(inner)


def inner_branches(state: State) -> tuple[Branch, ...]:
    """Return the branches of a Parallel, the processor of a Map; of others none."""
    match state:
        case ParallelState():
            return state.branches
        case MapState():
            return (state.processor,)
    return ()


def _plan_state(state: State, branch: Branch) -> PlannedState:
    paths = {name: each.path for name, each in branch.states.items()}
    kind = type(state).__name__.removesuffix("State")
    planned = PlannedState(state, kind, paths[state.next] if state.next is not None else None)
    planned.entered, planned.exited = f"{kind}StateEntered", f"{kind}StateExited"
    planned.branches = tuple(inner.states[inner.start_at].path for inner in inner_branches(state))
    if state.assign:
        planned.assign = compile_assign(state, state.assign)
    if state.uses_jsonata:
        if state.output is not ABSENT:
            planned.write = compile_jsonata(state.output, "Output")
    else:
        _plan_paths(planned, state)
    if isinstance(state, WorkState):
        _plan_work(planned, state, paths)
    _plan_kind(planned, state, paths)
    planned.uses_scope = any(
        (planned.read, planned.arguments, planned.select, planned.assign, planned.write, planned.givens)
    )
    return planned


def _plan_paths(planned: PlannedState, state: State) -> None:
    planned.drops_input, planned.drops_output = state.input_path is None, state.output_path is None
    if state.input_path not in (None, "$"):
        planned.read = compile_path(state.input_path)
    if state.output_path not in (None, "$"):
        planned.write = compile_path(state.output_path)
    if isinstance(state, PassState | WorkState):
        planned.drops_result = state.result_path is None
        if state.result_path not in (None, "$"):
            planned.put = compile_put(state.result_path)


def _plan_work(planned: PlannedState, state: WorkState, paths: Mapping[str, str]) -> None:
    field = "Arguments" if state.uses_jsonata else "Parameters"
    planned.arguments = _optional(state, state.arguments, field)
    planned.select = _optional(state, state.result_selector, "ResultSelector")
    planned.catchers = tuple(
        _plan_catcher(state, each, paths, index) for index, each in enumerate(state.catch)
    )


def _optional(state: WorkState, value: Json | Absent, field: str) -> Evaluate | None:
    return None if value is ABSENT else compile_field(state, value, field)


def _plan_catcher(state: WorkState, catcher: Catcher, paths: Mapping[str, str], index: int) -> PlannedCatcher:
    put = None
    if not state.uses_jsonata and catcher.result_path not in (None, "$"):
        put = compile_put(catcher.result_path)
    return PlannedCatcher(
        catcher,
        paths[catcher.next],
        put,
        compile_assign(state, catcher.assign, f"Catch[{index}]/Assign") if catcher.assign else None,
        None if catcher.output is ABSENT else compile_jsonata(catcher.output, f"Catch[{index}]/Output"),
    )


def _plan_kind(planned: PlannedState, state: State, paths: Mapping[str, str]) -> None:
    givens: dict[str, Given | None] = {}
    match state:
        case PassState():
            if state.parameters is not ABSENT:
                planned.arguments = compile_field(state, state.parameters, "Parameters")
        case FailState():
            givens = {"Error": state.error, "Cause": state.cause}
        case WaitState():
            givens = {"Seconds": state.seconds, "Timestamp": state.timestamp}
        case ChoiceState():
            planned.next = None if state.default is None else paths[state.default]
            planned.rules = tuple(
                _plan_rule(state, rule, paths, index) for index, rule in enumerate(state.choices)
            )
        case TaskState():
            planned.resource = resource_of(state.resource)
            givens = {"TimeoutSeconds": state.timeout, "HeartbeatSeconds": state.heartbeat}
            if state.credentials is not None:
                planned.givens = {"Credentials": compile_field(state, state.credentials, "Credentials")}
        case MapState():
            planned.givens = _map_fields(state)
            givens = {
                "MaxConcurrency": state.max_concurrency,
                "ToleratedFailureCount": state.tolerated_failures,
                "ToleratedFailurePercentage": state.tolerated_percentage,
            }
            if state.batcher is not None:
                givens["MaxItemsPerBatch"] = state.batcher.max_items
                givens["MaxInputBytesPerBatch"] = state.batcher.max_bytes
        case SucceedState() | ParallelState():
            pass
    found = {name: compile_given(state, given, name) for name, given in givens.items() if given is not None}
    planned.givens = {**planned.givens, **found}


def _map_fields(state: MapState) -> dict[str, Evaluate]:
    fields: dict[str, Evaluate] = {}
    if state.items is not ABSENT:
        fields["Items"] = compile_jsonata(state.items, "Items")
    elif state.items_path not in (None, "$") and not state.uses_jsonata:
        fields["Items"] = compile_items_path(state.items_path)
    if state.item_selector is not ABSENT:
        fields["ItemSelector"] = compile_field(state, state.item_selector, "ItemSelector")
    if state.batcher is not None and state.batcher.batch_input is not ABSENT:
        fields["BatchInput"] = compile_field(state, state.batcher.batch_input, "ItemBatcher/BatchInput")
    for name, part in (("ItemReader", state.reader), ("ResultWriter", state.writer)):
        if part is not None and part.arguments is not ABSENT:
            inner = "Arguments" if state.uses_jsonata else "Parameters"
            fields[name] = compile_field(state, part.arguments, f"{name}/{inner}")
    config = {} if state.reader is None else state.reader.config or {}
    if isinstance(path := config.get("MaxItemsPath"), str):
        fields["MaxItems"] = compile_path(path)
    elif "MaxItems" in config:
        most = Given(config["MaxItems"])
        fields["MaxItems"] = compile_given(state, most, "MaxItems")
    return fields


def _plan_rule(state: ChoiceState, rule: ChoiceRule, paths: Mapping[str, str], index: int) -> PlannedRule:
    holds: Callable[[Scope], Json]
    field = f"Choices[{index}]/Condition"
    holds = compile_jsonata(rule.condition, field) if rule.test is None else compile_test(rule.test)
    return PlannedRule(
        paths[rule.next],
        rule.condition,
        field,
        holds,
        compile_assign(state, rule.assign, f"Choices[{index}]/Assign") if rule.assign else None,
        None if rule.output is ABSENT else compile_jsonata(rule.output, f"Choices[{index}]/Output"),
    )
