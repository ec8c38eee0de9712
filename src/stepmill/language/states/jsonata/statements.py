"""Literals, variables, operators, constructors, conditions and blocks.

Source: the JSONata documentation; its reference implementation 2.0.6.
"""

from __future__ import annotations

from collections.abc import Callable

from stepmill.language.states.jsonata import operators
from stepmill.language.states.jsonata.builders import Evaluate, build, build_group, builds
from stepmill.language.states.jsonata.errors import QueryError
from stepmill.language.states.jsonata.nodes import Group, Node
from stepmill.language.states.jsonata.regexes import Regex
from stepmill.language.states.jsonata.running import Frame
from stepmill.language.states.jsonata.values import UNDEFINED, Items, Value, truth


@builds("string")
@builds("number")
@builds("value")
def _literal(node: Node) -> Evaluate:
    value = node.value
    return lambda context, frame: value  # noqa: ARG005


@builds("regex")
def _regex(node: Node) -> Evaluate:
    regex = Regex(node.value, node.position)
    return lambda context, frame: regex  # noqa: ARG005


@builds("variable")
def _variable(node: Node) -> Evaluate:
    name = str(node.value)
    if name == "":
        return lambda context, frame: (  # noqa: ARG005
            context[0] if type(context) is Items and context.outer_wrapper else context
        )
    return lambda context, frame: frame.lookup(name)  # noqa: ARG005


@builds("unary")
def _unary(node: Node) -> Evaluate:
    if node.value == "[":
        return _array(node)
    if node.value == "{":
        return build_group(Group(node.pairs, node.position))
    operand, position = build(_of(node.lhs)), node.position

    def negate(context: Value, frame: Frame) -> Value:
        try:
            return operators.negated(operand(context, frame), "-")
        except QueryError as error:
            error.position = position if error.position is None else error.position
            raise

    return negate


def _array(node: Node) -> Evaluate:
    # The items of an inner `[...]` stay together, those of any other array join this one.
    items = [(build(item), item.kind == "unary" and item.value == "[") for item in node.items]
    is_constructor = node.is_constructor

    def evaluate(context: Value, frame: Frame) -> Value:
        made: list[Value] = Items()
        for item, stays in items:
            value = item(context, frame)
            if value is UNDEFINED:
                continue
            if stays:
                made.append(value)
            elif isinstance(value, list):
                frame.run.hold(len(made) + len(value))
                made.extend(value)
            else:
                made.append(value)
        if is_constructor and isinstance(made, Items):
            made.cons = True
        return made

    return evaluate


@builds("binary")
def _binary(node: Node) -> Evaluate:
    operator, position = str(node.value), node.position
    left, right = build(_of(node.lhs)), build(_of(node.rhs))
    if operator in ("and", "or"):
        return _boolean(operator, position, left, right)
    apply = _operation(operator)

    def evaluate(context: Value, frame: Frame) -> Value:
        first = left(context, frame)
        second = right(context, frame)
        try:
            return apply(first, second, frame)
        except QueryError as error:
            error.position, error.token = position, operator
            raise

    return evaluate


def _operation(operator: str) -> Callable[[Value, Value, Frame], Value]:
    if operator in ("+", "-", "*", "/", "%"):
        return lambda left, right, frame: operators.arithmetic(operator, left, right)  # noqa: ARG005
    if operator in ("=", "!="):
        return lambda left, right, frame: operators.equality(operator, left, right)  # noqa: ARG005
    if operator in ("<", "<=", ">", ">="):
        return lambda left, right, frame: operators.compared(operator, left, right)  # noqa: ARG005
    if operator == "&":
        return lambda left, right, frame: operators.concatenated(left, right, frame.run)
    if operator == "..":
        return lambda left, right, frame: operators.span(left, right, frame.run)
    return lambda left, right, frame: operators.included(left, right)  # noqa: ARG005


def _boolean(operator: str, position: int, left: Evaluate, right: Evaluate) -> Evaluate:
    decided_by = operator == "or"

    def evaluate(context: Value, frame: Frame) -> Value:
        first = left(context, frame)
        try:
            if (truth(first) is True) is decided_by:
                return decided_by
            return truth(right(context, frame)) is True
        except QueryError as error:
            if error.code:
                error.position, error.token = position, operator
            raise

    return evaluate


@builds("condition")
def _condition(node: Node) -> Evaluate:
    test, then = build(_of(node.lhs)), build(_of(node.rhs))
    otherwise = build(node.third) if node.third else None

    def evaluate(context: Value, frame: Frame) -> Value:
        if truth(test(context, frame)) is True:
            return then(context, frame)
        return otherwise(context, frame) if otherwise else UNDEFINED

    return evaluate


@builds("block")
def _block(node: Node) -> Evaluate:
    parts = [build(item) for item in node.items]

    def evaluate(context: Value, frame: Frame) -> Value:
        scope = frame.inner()
        result: Value = UNDEFINED
        for part in parts:
            result = part(context, scope)
        return result

    return evaluate


@builds("bind")
def _bind(node: Node) -> Evaluate:
    name, value_of = str(_of(node.lhs).value), build(_of(node.rhs))

    def evaluate(context: Value, frame: Frame) -> Value:
        value = value_of(context, frame)
        frame.bind(name, value)
        return value

    return evaluate


def _of(node: Node | None) -> Node:
    if node is None:  # pragma: no cover - the resolver fills it in
        raise QueryError("D1002", value=None)
    return node
