"""Follows the data from state to state, and finds what no earlier state can have produced.

Each state is visited with what may come in, over all ways to it, until nothing is added any more; then once
again to tell what was found. What a task gives is anything, but for a few answers that are known.
"""

from __future__ import annotations

from collections.abc import Mapping

from stepmill.core.errors import InvalidInputError
from stepmill.language.states.collector import Collector
from stepmill.language.states.definition import (
    ABSENT,
    AllOf,
    AnyOf,
    Branch,
    ChoiceState,
    ChoiceTest,
    Comparison,
    FailState,
    MapState,
    NotTrue,
    ParallelState,
    PassState,
    ProcessorMode,
    State,
    StateMachine,
    TaskState,
    WaitState,
    WorkState,
)
from stepmill.language.states.flow import is_terminal
from stepmill.language.states.jsonpath import PathSyntaxError, ReferencePath
from stepmill.language.states.linting.reads import Sight
from stepmill.language.states.linting.shapes import (
    ERROR_OUTPUT,
    PLAIN,
    Items,
    Members,
    Shape,
    clip,
    join,
    join_all,
    of_json,
    put,
)
from stepmill.language.states.resources import parse_resource

# Visits of states; a machine that needs more is left alone.
MOST_VISITS = 20_000
_NOTHING = Members()
# Source: Lambda's Invoke, as the integration gives it.
_INVOKED = Members(
    {
        "ExecutedVersion": PLAIN,
        "FunctionError": PLAIN,
        "LogResult": PLAIN,
        "Payload": None,
        "SdkHttpMetadata": None,
        "SdkResponseMetadata": None,
        "StatusCode": PLAIN,
    }
)
_KNOWN_RESULTS: Mapping[str, Shape] = {"lambda:invoke": _INVOKED}


class _TooLongError(Exception):
    pass


def check_data(machine: StateMachine, collector: Collector) -> None:
    """Tell of each path and variable that no earlier state can have produced."""
    try:
        _Flow(None).run(machine, None, frozenset())
        _Flow(collector).run(machine, None, frozenset())
    except _TooLongError:
        return


class _Flow:
    """One walk over a machine.

    Args:
        collector: Takes findings, once nothing is added any more; ``None``: nothing is told.
    """

    def __init__(self, collector: Collector | None) -> None:
        self._collector = collector
        self._visits = 0

    def run(self, branch: Branch, document: Shape, outer: frozenset[str], *, quiet: bool = False) -> Shape:
        """Return the shape of what a branch gives."""
        variables = outer | _assigned(branch)
        inputs: dict[str, Shape] = {branch.start_at: document}
        outputs: dict[str, Shape] = {}
        waiting = [branch.start_at]
        while waiting:
            name = waiting.pop()
            state = branch.states[name]
            steps = self._step(state, inputs[name], variables, None)
            if name in steps.ends:
                outputs[name] = steps.ends[name]
            for target, shape in steps.targets:
                joined = clip(join(inputs[target], shape)) if target in inputs else clip(shape)
                if target not in inputs or joined != inputs[target]:
                    inputs[target] = joined
                    waiting.append(target)
        if self._collector and not quiet:
            for name in branch.states:
                if name in inputs:
                    self._step(branch.states[name], inputs[name], variables, self._collector)
        return join_all(list(outputs.values()))

    def _step(
        self, state: State, document: Shape, variables: frozenset[str], collector: Collector | None
    ) -> _Steps:
        self._visits += 1
        if self._visits > MOST_VISITS:
            raise _TooLongError
        sight = Sight(state, document, variables, collector)
        steps = _Steps()
        if isinstance(state, FailState):
            sight.given(state.error, "Error", document)
            sight.given(state.cause, "Cause", document)
            return steps
        given = self._leave(state, sight)
        if isinstance(state, ChoiceState):
            _choose(state, sight, given, steps)
        elif is_terminal(state):
            steps.ends[state.name] = given
        elif state.next is not None:
            steps.targets.append((state.next, given))
        if isinstance(state, WorkState):
            for catcher in state.catch:
                caught: Shape = ERROR_OUTPUT
                if state.uses_jsonata:
                    caught = ERROR_OUTPUT if catcher.output is ABSENT else None
                else:
                    caught = _placed(catcher.result_path, document, ERROR_OUTPUT)
                steps.targets.append((catcher.next, caught))
        return steps

    def _leave(self, state: State, sight: Sight) -> Shape:
        """Return the shape of what a state gives."""
        document = sight.document
        if state.uses_jsonata:
            return self._leave_in_jsonata(state, sight)
        effective = (
            _NOTHING if state.input_path is None else sight.path(state.input_path, "InputPath", document)
        )
        if isinstance(state, WaitState):
            sight.given(state.seconds, "Seconds", effective)
            sight.given(state.timestamp, "Timestamp", effective)
        result, result_path = effective, "$"
        if isinstance(state, PassState):
            computed = sight.template(state.parameters, "Parameters", effective)
            result = computed if state.result is ABSENT else of_json(state.result)
            raw: Shape = _placed(state.result_path, document, result)
        elif isinstance(state, WorkState):
            result = self._work(state, sight, effective)
            result = sight.template(state.result_selector, "ResultSelector", result)
            raw = _placed(state.result_path, document, result)
        else:
            raw = _placed(result_path, document, result)
        sight.template(state.assign or ABSENT, "Assign", result)
        return _NOTHING if state.output_path is None else sight.path(state.output_path, "OutputPath", raw)

    def _leave_in_jsonata(self, state: State, sight: Sight) -> Shape:
        document = sight.document
        result = document
        if isinstance(state, WaitState):
            sight.given(state.seconds, "Seconds", document)
            sight.given(state.timestamp, "Timestamp", document)
        if isinstance(state, WorkState):
            result = self._work(state, sight, document)
            sight = Sight(state, document, sight.variables, sight.collector, result)
        if state.assign:
            sight.template(state.assign, "Assign", document)
        return sight.template(state.output, "Output", result)

    def _work(self, state: WorkState, sight: Sight, effective: Shape) -> Shape:
        """Return the shape of the result of a Task, a Parallel or a Map."""
        quiet = sight.collector is None
        arguments = sight.template(
            state.arguments, "Arguments" if state.uses_jsonata else "Parameters", effective
        )
        if isinstance(state, TaskState):
            sight.given(state.timeout, "TimeoutSeconds", effective)
            sight.given(state.heartbeat, "HeartbeatSeconds", effective)
            return _known_result(state)
        if isinstance(state, ParallelState):
            found = [self.run(each, arguments, sight.variables, quiet=quiet) for each in state.branches]
            return Items(join_all(found))
        assert isinstance(state, MapState)
        sight.given(state.max_concurrency, "MaxConcurrency", effective)
        item = self._item(state, sight, effective)
        outer = frozenset[str]() if state.mode is ProcessorMode.DISTRIBUTED else sight.variables
        given = self.run(state.processor, item, outer, quiet=quiet)
        return None if state.writer is not None else Items(given)

    def _item(self, state: MapState, sight: Sight, effective: Shape) -> Shape:
        item: Shape = None
        if state.reader is None and not state.uses_jsonata:
            items = sight.path(state.items_path, "ItemsPath", effective)
            item = items.item if isinstance(items, Items) else None
        if state.uses_jsonata and state.items is not ABSENT:
            sight.template(state.items, "Items", effective)
        if state.item_selector is not ABSENT:
            item = sight.template(state.item_selector, "ItemSelector", effective)
        return None if state.batcher is not None else item


class _Steps:
    """Where a state leads, with the shape of what goes there; what it gives if a branch ends with it."""

    def __init__(self) -> None:
        self.targets: list[tuple[str, Shape]] = []
        self.ends: dict[str, Shape] = {}


def _choose(state: ChoiceState, sight: Sight, given: Shape, steps: _Steps) -> None:
    comparisons = [each for rule in state.choices for each in _comparisons(rule.test)]
    is_guarded = any(each.operator == "IsPresent" for each in comparisons)
    if not is_guarded:
        for index, rule in enumerate(state.choices):
            for each in _comparisons(rule.test):
                sight.path(each.variable, f"Choices[{index}]/Variable", sight.document)
    for rule in state.choices:
        chosen: Shape = given
        if state.uses_jsonata and rule.output is not ABSENT:
            chosen = None
        steps.targets.append((rule.next, chosen))
    if state.default is not None:
        steps.targets.append((state.default, given))


def _comparisons(test: ChoiceTest | None) -> list[Comparison]:
    match test:
        case Comparison():
            return [test]
        case NotTrue(rule):
            return _comparisons(rule)
        case AllOf(rules) | AnyOf(rules):
            return [each for rule in rules for each in _comparisons(rule)]
    return []


def _placed(result_path: str | None, document: Shape, result: Shape) -> Shape:
    if result_path is None:
        return document
    try:
        return put(document, ReferencePath.of(result_path).keys, result)
    except PathSyntaxError:
        return None


def _known_result(state: TaskState) -> Shape:
    try:
        return _KNOWN_RESULTS.get(parse_resource(state.resource).integration)
    except InvalidInputError:
        return None


def _assigned(branch: Branch) -> frozenset[str]:
    """Return the names of all variables that the states of a branch set."""
    names: set[str] = set()
    for state in branch.states.values():
        assigns = [state.assign]
        if isinstance(state, ChoiceState):
            assigns += [rule.assign for rule in state.choices]
        if isinstance(state, WorkState):
            assigns += [catcher.assign for catcher in state.catch]
        for assign in assigns:
            names.update(name.removesuffix(".$") for name in assign or ())
    return frozenset(names)
