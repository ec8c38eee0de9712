"""From a resolved tree to a function that evaluates it: what every node has in common.

Each kind of node has a builder, registered by ``builds``. What a builder returns is called with the context
and the frame. Around it ``build`` puts the bounds, the filters, the group, and the end of a sequence: one
item is that item, none is undefined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from stepmill.language.states.jsonata.errors import QueryError
from stepmill.language.states.jsonata.nodes import Group, Node
from stepmill.language.states.jsonata.running import Frame
from stepmill.language.states.jsonata.values import (
    UNDEFINED,
    Items,
    Value,
    append,
    is_number,
    sequence,
    truth,
)

Evaluate: TypeAlias = Callable[[Value, Frame], Value]
Builder: TypeAlias = Callable[[Node], Evaluate]

_BUILDERS: dict[str, Builder] = {}
# These evaluate no other node: they are checked with the node around them.
_LEAVES = frozenset(
    ["string", "number", "value", "name", "variable", "wildcard", "descendant", "parent", "regex"]
)


def builds(kind: str) -> Callable[[Builder], Builder]:
    """Register the builder of one kind of node."""

    def register(builder: Builder) -> Builder:
        _BUILDERS[kind] = builder
        return builder

    return register


def build(node: Node) -> Evaluate:
    """Return the function that evaluates a node."""
    inner = _BUILDERS[node.kind](node)
    filters = [build_filter(stage.expression) for stage in node.predicates or () if stage.expression]
    group = build_group(node.group) if node.group is not None and node.kind != "path" else None
    keep_array = node.keep_array
    if node.kind in _LEAVES or node.kind == "lambda":
        if not filters and group is None:
            if node.kind in ("string", "number", "value", "lambda", "regex"):
                return inner
            return _collapsing(inner, keep_array)
        return _filtering(inner, filters, group, keep_array)

    def evaluate(context: Value, frame: Frame) -> Value:
        run = frame.run
        run.enter()
        result = inner(context, frame)
        for each in filters:
            result = each(result, frame)
        if group is not None:
            result = group(result, frame)
        run.depth -= 1
        return collapsed(result, keep_array) if type(result) is Items else result

    return evaluate


def _collapsing(inner: Evaluate, keep_array: bool) -> Evaluate:
    def evaluate(context: Value, frame: Frame) -> Value:
        result = inner(context, frame)
        return collapsed(result, keep_array) if type(result) is Items else result

    return evaluate


def _filtering(
    inner: Evaluate, filters: Sequence[Evaluate], group: Evaluate | None, keep_array: bool
) -> Evaluate:
    def evaluate(context: Value, frame: Frame) -> Value:
        run = frame.run
        run.enter()
        result = inner(context, frame)
        for each in filters:
            result = each(result, frame)
        if group is not None:
            result = group(result, frame)
        run.depth -= 1
        return collapsed(result, keep_array) if type(result) is Items else result

    return evaluate


def collapsed(result: Items, keep_array: bool) -> Value:
    """Return what a sequence stands for: itself, its only item, or undefined."""
    if not result.sequence or result.tuple_stream:
        return result
    if keep_array:
        result.keep_singleton = True
    if not result:
        return UNDEFINED
    if len(result) == 1 and not result.keep_singleton:
        return result[0]
    return result


def build_filter(predicate: Node) -> Evaluate:
    """Return the function that keeps the items of a value for which a predicate holds, or at its indexes."""
    if predicate.kind == "number" and not predicate.predicates and predicate.group is None:
        return _at_index(predicate.value)
    test = build(predicate)

    def keep(value: Value, frame: Frame) -> Value:
        items, kept = _as_items(value)
        is_stream = kept.tuple_stream
        frame.run.spend(len(items))
        for index, item in enumerate(items):
            if is_stream:
                found = test(item["@"], frame.inner(item))
            else:
                found = test(item, frame)
            kind = type(found)
            if kind is bool:
                if found:
                    kept.append(item)
            elif (kind is int or kind is float) and is_number(found):
                if _position(found, len(items)) == index:
                    kept.append(item)
            elif isinstance(found, list) and all(is_number(each) for each in found):
                kept.extend(item for each in found if _position(each, len(items)) == index)
            elif truth(found) is True:
                kept.append(item)
        return kept

    return keep


def _as_items(value: Value) -> tuple[list[Value], Items]:
    kept = sequence()
    if isinstance(value, list):
        kept.tuple_stream = isinstance(value, Items) and value.tuple_stream
        return value, kept
    return [value], kept


def _position(number: int | float, length: int) -> int:
    index = int(number // 1)
    return index + length if index < 0 else index


def _at_index(number: int | float) -> Evaluate:
    def pick(value: Value, frame: Frame) -> Value:  # noqa: ARG001 - every filter takes one
        items, kept = _as_items(value)
        index = _position(number, len(items))
        if not 0 <= index < len(items) or items[index] is UNDEFINED:
            return kept
        item = items[index]
        if isinstance(item, list):
            return item
        kept.append(item)
        return kept

    return pick


def build_group(group: Group) -> Evaluate:
    """Return the function that makes an object of a value's items, by the keys of a group expression."""
    pairs = [(build(key), build(value)) for key, value in group.pairs]
    position = group.position

    def evaluate(value: Value, frame: Frame) -> Value:
        is_stream = isinstance(value, Items) and value.tuple_stream
        items: list[Value] = value if isinstance(value, list) else [value]
        if not items and not is_stream:
            items = [UNDEFINED]
        frame.run.spend(len(items))
        gathered: dict[str, tuple[Value, int]] = {}
        for item in items:
            scope = frame.inner(item) if is_stream else frame
            context = item["@"] if is_stream else item
            for place, (key_of, _) in enumerate(pairs):
                key = key_of(context, scope)
                if key is UNDEFINED:
                    continue
                if not isinstance(key, str):
                    raise QueryError("T1003", position=position, value=key)
                if key in gathered:
                    data, first = gathered[key]
                    if first != place:
                        raise QueryError("D1009", position=position, value=key)
                    gathered[key] = (_appended(data, item), place)
                else:
                    gathered[key] = (item, place)
        made: dict[str, Value] = {}
        for key, (data, place) in gathered.items():
            scope, context = frame, data
            if is_stream:
                bound = _joined_tuples(data)
                context = bound.pop("@")
                scope = frame.inner(bound)
            result = pairs[place][1](context, scope)
            if result is not UNDEFINED:
                made[key] = result
        return made

    return evaluate


def _appended(data: Value, item: Value) -> Value:
    """Return gathered data with one more item; a list that this made is only made longer."""
    if isinstance(data, _Gathered):
        if isinstance(item, list):
            data.extend(item)
        else:
            data.append(item)
        return data
    return _Gathered(append(data, item))


class _Gathered(list[Value]):
    """A list made here, which nobody else has seen yet."""


def _joined_tuples(tuples: Value) -> dict[str, Value]:
    if not isinstance(tuples, list):
        return dict(tuples)
    joined: dict[str, Value] = dict(tuples[0])
    for other in tuples[1:]:
        for name, value in other.items():
            joined[name] = append(joined.get(name, UNDEFINED), value)
    return joined
