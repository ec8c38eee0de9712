"""Paths: steps, streams of bound variables, order-by, and the names and wildcards that steps are made of.

Source: the JSONata documentation, "Path operators", "Processing model"; its reference implementation 2.0.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cmp_to_key

from stepmill.language.states.jsonata.builders import Evaluate, build, build_filter, build_group, builds
from stepmill.language.states.jsonata.errors import QueryError
from stepmill.language.states.jsonata.nodes import Node, Stage
from stepmill.language.states.jsonata.running import Frame
from stepmill.language.states.jsonata.values import UNDEFINED, Items, Value, append, sequence


@dataclass(frozen=True, slots=True)
class _Step:
    evaluate: Evaluate
    # What follows the step: filters, and names to bind indexes to.
    stages: tuple[Evaluate | str, ...]
    is_sort: bool
    is_constructor: bool
    is_tuple: bool
    focus: str | None
    index: str | None
    ancestor: str | None


def lookup(value: Value, key: str) -> Value:
    """Return a member of an object; of every object, in an array."""
    if isinstance(value, dict):
        return value.get(key, UNDEFINED)
    if isinstance(value, list):
        found = sequence()
        for item in value:
            member = lookup(item, key)
            if isinstance(member, list):
                found.extend(member)
            elif member is not UNDEFINED:
                found.append(member)
        return found
    return UNDEFINED


@builds("name")
def _name(node: Node) -> Evaluate:
    key = str(node.value)
    return lambda context, frame: lookup(context, key)  # noqa: ARG005


@builds("wildcard")
def _wildcard(node: Node) -> Evaluate:  # noqa: ARG001
    def evaluate(context: Value, frame: Frame) -> Value:  # noqa: ARG001
        found: list[Value] = sequence()
        if isinstance(context, Items) and context.outer_wrapper:
            context = context[0]
        members = (
            context.values() if isinstance(context, dict) else context if isinstance(context, list) else ()
        )
        for value in members:
            if isinstance(value, list):
                found = append(found, _flat(value))
            else:
                found.append(value)
        return found

    return evaluate


def _flat(value: list[Value]) -> list[Value]:
    flat: list[Value] = []
    for item in value:
        if isinstance(item, list):
            flat.extend(_flat(item))
        else:
            flat.append(item)
    return flat


@builds("descendant")
def _descendant(node: Node) -> Evaluate:  # noqa: ARG001
    def evaluate(context: Value, frame: Frame) -> Value:
        found = sequence()
        if context is not UNDEFINED:
            _descend(context, found)
            frame.run.spend(len(found))
        return found

    return evaluate


def _descend(value: Value, found: list[Value]) -> None:
    if isinstance(value, list):
        for item in value:
            _descend(item, found)
        return
    found.append(value)
    if isinstance(value, dict):
        for item in value.values():
            _descend(item, found)


@builds("parent")
def _parent(node: Node) -> Evaluate:
    slot = node.slot
    # The label may still change while the tree is resolved, but no longer when it is built.
    label = slot.label if slot else ""
    return lambda context, frame: frame.lookup(label)  # noqa: ARG005


@builds("path")
def _path(node: Node) -> Evaluate:
    steps = [_step(step) for step in node.steps]
    starts_at_variable = node.steps[0].kind == "variable"
    group = build_group(node.group) if node.group is not None else None
    keeps_tuples, keeps_singleton = node.is_tuple, node.keep_singleton_array

    names = _names_only(node)

    def evaluate(context: Value, frame: Frame) -> Value:
        if names is not None:
            value = frame.lookup(names[0]) if starts_at_variable else context
            for name in names[starts_at_variable:]:
                if type(value) is not dict:
                    break
                value = value.get(name, UNDEFINED)
            else:
                # There were objects all the way: no step had more than one item.
                if type(value) is not Items:
                    return value
        given = context if isinstance(context, list) and not starts_at_variable else [context]
        result, stream = _walk(steps, given, frame)
        if stream is not None:
            result = stream if keeps_tuples else sequence(item["@"] for item in stream)
        if keeps_singleton and result is not UNDEFINED:
            if isinstance(result, Items) and result.cons and not result.sequence:
                result = sequence([result])
            elif not isinstance(result, Items):
                # The value may be shared: mark a copy.
                result = Items(result)
            result.keep_singleton = True
        if group is not None:
            result = group(result if stream is None else stream, frame)
        return result

    return evaluate


def _names_only(node: Node) -> tuple[str, ...] | None:
    """Return the names of a path that consists of nothing else, perhaps behind a variable."""
    if node.keep_singleton_array or node.group is not None or node.is_tuple:
        return None
    for place, step in enumerate(node.steps):
        if step.kind != "name" and (place or step.kind != "variable" or not step.value):
            return None
        if step.predicates or step.stages or step.group or step.keep_array or step.is_tuple:
            return None
    return tuple(str(step.value) for step in node.steps)


def _walk(steps: list[_Step], given: list[Value], frame: Frame) -> tuple[Value, list[Value] | None]:
    """Take the steps one by one. Return the last result and, if variables were bound, the stream of them."""
    result: Value = UNDEFINED
    stream: list[Value] | None = None
    is_stream = False
    last = len(steps) - 1
    for place, step in enumerate(steps):
        is_stream = is_stream or step.is_tuple
        if place == 0 and step.is_constructor:
            result = step.evaluate(given, frame)
            if place != last and not isinstance(result, list):
                # A filter or a group made something else of the array: it has no items to go on with.
                result = UNDEFINED
        elif is_stream:
            stream = _tuple_step(step, given, stream, frame)
        else:
            result = _plain_step(step, given, frame, is_last=place == last)
        if not is_stream and (result is UNDEFINED or result == []):
            break
        if step.focus is None:
            given = result
    return result, stream if is_stream else None


def _step(node: Node) -> _Step:
    return _Step(
        evaluate=_sort(node) if node.kind == "sort" else build(node),
        stages=tuple(_stage(stage) for stage in node.stages or ()),
        is_sort=node.kind == "sort",
        is_constructor=node.is_constructor and node.kind in ("unary", "block"),
        is_tuple=node.is_tuple,
        focus=node.focus,
        index=node.index,
        ancestor=node.ancestor.label if node.ancestor else None,
    )


def _stage(stage: Stage) -> Evaluate | str:
    return build_filter(stage.expression) if stage.expression is not None else stage.value


def _plain_step(step: _Step, given: list[Value], frame: Frame, *, is_last: bool) -> Value:
    if step.is_sort:
        return _staged(step, step.evaluate(given, frame), frame)
    frame.run.spend(len(given))
    evaluate, stages = step.evaluate, step.stages
    found = []
    for item in given:
        result = evaluate(item, frame)
        for stage in stages:
            if callable(stage):
                result = stage(result, frame)
        if result is not UNDEFINED:
            found.append(result)
    if is_last and len(found) == 1:
        only = found[0]
        if isinstance(only, list) and not (isinstance(only, Items) and only.sequence):
            return only
    flat = sequence()
    for result in found:
        if isinstance(result, list) and not (isinstance(result, Items) and result.cons):
            flat.extend(result)
        else:
            flat.append(result)
    frame.run.hold(len(flat))
    return flat


def _staged(step: _Step, value: Value, frame: Frame) -> Value:
    for stage in step.stages:
        if callable(stage):
            value = stage(value, frame)
        else:
            for index, bound in enumerate(value):
                bound[stage] = index
    return value


def _tuple_step(step: _Step, given: list[Value], stream: list[Value] | None, frame: Frame) -> list[Value]:
    made = sequence()
    made.tuple_stream = True
    if step.is_sort:
        if stream is not None:
            made = step.evaluate(stream, frame)
        else:
            for index, item in enumerate(step.evaluate(given, frame)):
                made.append({"@": item, str(step.index): index})
        result: list[Value] = _staged(step, made, frame)
        return result
    for bound in stream if stream is not None else [{"@": item} for item in given]:
        found = step.evaluate(bound["@"], frame.inner(bound))
        if found is UNDEFINED:
            continue
        items = found if isinstance(found, list) else [found]
        is_inner_stream = isinstance(found, Items) and found.tuple_stream
        frame.run.spend(len(items) + 1)
        for index, item in enumerate(items):
            made.append({**bound, **item} if is_inner_stream else _bound(step, bound, item, index))
    frame.run.hold(len(made))
    staged: list[Value] = _staged(step, made, frame)
    return staged


def _bound(step: _Step, bound: dict[str, Value], item: Value, index: int) -> dict[str, Value]:
    made = dict(bound)
    if step.focus:
        made[step.focus] = item
    else:
        made["@"] = item
    if step.index:
        made[step.index] = index
    if step.ancestor:
        made[step.ancestor] = bound["@"]
    return made


def _sort(node: Node) -> Evaluate:
    terms = [(build(term.expression), term.is_descending) for term in node.terms]
    position = node.position

    def evaluate(given: Value, frame: Frame) -> Value:
        is_stream = isinstance(given, Items) and given.tuple_stream
        frame.run.spend(len(given))

        def values(item: Value) -> list[Value]:
            scope = frame.inner(item) if is_stream else frame
            return [term(item["@"] if is_stream else item, scope) for term, _ in terms]

        if len(given) <= 1:
            return given
        keyed = [(values(item), item) for item in given]
        ordered = sorted(keyed, key=cmp_to_key(compare))
        made = Items(item for _, item in ordered)
        made.tuple_stream = is_stream
        return made

    def compare(one: tuple[list[Value], Value], other: tuple[list[Value], Value]) -> int:
        for (_, is_descending), left, right in zip(terms, one[0], other[0], strict=True):
            order = _order(left, right, position)
            if order:
                return -order if is_descending and UNDEFINED not in (left, right) else order
        return 0

    return evaluate


def _order(left: Value, right: Value, position: int) -> int:
    """Return -1, 0 or 1: whether the left value comes first. Undefined comes last."""
    if left is UNDEFINED or right is UNDEFINED:
        return (left is UNDEFINED) - (right is UNDEFINED)
    for value in (left, right):
        if type(value) not in (str, int, float):
            raise QueryError("T2008", position=position, value=value)
    if isinstance(left, str) != isinstance(right, str):
        raise QueryError("T2007", position=position, value=left, value2=right)
    return int(left > right) - int(left < right)
