"""The nodes that define and call functions, and the transform.

Source: the JSONata documentation, "Functional programming", "Other operators";
its reference implementation 2.0.6.
"""

from __future__ import annotations

from stepmill.language.states.jsonata.builders import Evaluate, build, builds
from stepmill.language.states.jsonata.calls import Chain, Partial, call
from stepmill.language.states.jsonata.errors import QueryError
from stepmill.language.states.jsonata.nodes import Node
from stepmill.language.states.jsonata.running import Frame, Run
from stepmill.language.states.jsonata.signatures import Signature
from stepmill.language.states.jsonata.values import UNDEFINED, Builtin, Function, Lambda, Value, copied


@builds("lambda")
def _lambda(node: Node) -> Evaluate:
    body = _of(node.body)
    if node.is_thunk:
        # What a thunk holds is not evaluated but called, by `calls.call`.
        parts = (build(_of(body.lhs)), [build(item) for item in body.items], _called_name(body))
        return lambda context, frame: Lambda((), parts, context, frame, is_thunk=True)
    parameters, signature, built = node.parameters, node.signature, build(body)
    return lambda context, frame: Lambda(parameters, built, context, frame, signature=signature)


def _called_name(node: Node) -> str | None:
    procedure = _of(node.lhs)
    value = procedure.steps[0].value if procedure.kind == "path" else procedure.value
    return value if isinstance(value, str) else None


class _Call:
    """A call: what is called, its arguments, and where it stands."""

    __slots__ = ("arguments", "is_path", "name", "position", "procedure")

    def __init__(self, node: Node) -> None:
        procedure = _of(node.lhs)
        self.procedure = build(procedure)
        self.arguments = [build(item) for item in node.items if item.kind != "operator"]
        self.position = node.position
        self.is_path = procedure.kind == "path"
        self.name = _called_name(node)

    def function(self, context: Value, frame: Frame, code: str) -> Value:
        """Return what is called; raise, if only its dollar sign was forgotten."""
        function = self.procedure(context, frame)
        if function is UNDEFINED and self.is_path and self.name and frame.lookup(self.name) is not UNDEFINED:
            raise QueryError(code, position=self.position, token=self.name)
        return function

    def evaluate(self, context: Value, frame: Frame, *first: Value) -> Value:
        """Make the call, with arguments that stand before those in the parentheses."""
        function = self.function(context, frame, "T1005")
        arguments = [*first, *[argument(context, frame) for argument in self.arguments]]
        try:
            return call(function, arguments, context, frame.run)
        except QueryError as error:
            error.position = self.position if error.position is None else error.position
            error.token = error.token or self.name
            raise


@builds("function")
def _function(node: Node) -> Evaluate:
    made = _Call(node)
    return made.evaluate


@builds("partial")
def _partial(node: Node) -> Evaluate:
    made = _Call(node)
    open_places = [place for place, item in enumerate(node.items) if item.kind == "operator"]

    def evaluate(context: Value, frame: Frame) -> Value:
        evaluated = iter([argument(context, frame) for argument in made.arguments])
        given = [UNDEFINED if place in open_places else next(evaluated) for place in range(len(node.items))]
        function = made.function(context, frame, "T1007")
        if not isinstance(function, Function):
            raise QueryError("T1008", position=made.position, token=made.name)
        return Partial(function, given, open_places)

    return evaluate


@builds("apply")
def _apply(node: Node) -> Evaluate:
    left, right, position = build(_of(node.lhs)), _of(node.rhs), node.position
    if right.kind == "function" and not right.predicates and right.group is None:
        made = _Call(right)

        def called(context: Value, frame: Frame) -> Value:
            return made.evaluate(context, frame, left(context, frame))

        return called
    function_of = build(right)

    def evaluate(context: Value, frame: Frame) -> Value:
        value = left(context, frame)
        function = function_of(context, frame)
        if not isinstance(function, Function):
            raise QueryError("T2006", position=position, value=function)
        if isinstance(value, Function):
            return Chain(value, function)
        return call(function, [value], UNDEFINED, frame.run)

    return evaluate


@builds("transform")
def _transform(node: Node) -> Evaluate:
    pattern, update = build(_of(node.lhs)), build(_of(node.rhs))
    delete = build(node.third) if node.third else None
    position = node.position
    signature = Signature.of("<(oa):o>")

    def evaluate(context: Value, frame: Frame) -> Value:  # noqa: ARG001
        def transform(run: Run, value: Value) -> Value:
            if value is UNDEFINED:
                return UNDEFINED
            clone = frame.lookup("clone")
            if not isinstance(clone, Function):
                raise QueryError("T2013", position=position)
            copy = call(clone, [value], UNDEFINED, run)
            if not isinstance(clone, Builtin):
                # Whatever an expression calls `$clone`: the data that it was given stay as they are.
                copy = copied(copy)
            matches = pattern(copy, frame)
            if matches is UNDEFINED:
                return copy
            for match in matches if isinstance(matches, list) else [matches]:
                _change(match, update(match, frame), position)
                if delete is not None:
                    _remove(match, delete(match, frame), position)
            return copy

        return Builtin("transform", transform, 1, signature)

    return evaluate


def _change(match: Value, change: Value, position: int) -> None:
    if change is UNDEFINED:
        return
    if not isinstance(change, dict):
        raise QueryError("T2011", position=position, value=change)
    if isinstance(match, dict):
        match.update(change)


def _remove(match: Value, names: Value, position: int) -> None:
    if names is UNDEFINED:
        return
    listed = names if isinstance(names, list) else [names]
    if not all(isinstance(name, str) for name in listed):
        raise QueryError("T2012", position=position, value=names)
    if isinstance(match, dict):
        for name in listed:
            match.pop(name, None)


def _of(node: Node | None) -> Node:
    if node is None:  # pragma: no cover - the resolver fills it in
        raise QueryError("T1006")
    return node
