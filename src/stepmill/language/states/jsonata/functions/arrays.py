"""Functions on arrays, objects and any values.

Source: the JSONata documentation, "Array functions", "Object functions", "Higher-order functions"; its
reference implementation 2.0.6.
"""

from __future__ import annotations

from functools import cmp_to_key

from stepmill.language.states.jsonata.calls import call, call_with_place
from stepmill.language.states.jsonata.errors import QueryError
from stepmill.language.states.jsonata.paths import lookup as member_of
from stepmill.language.states.jsonata.running import Run
from stepmill.language.states.jsonata.values import (
    UNDEFINED,
    Function,
    Items,
    Value,
    append,
    copied,
    is_number,
    sequence,
    truth,
)


def boolean(_: Run, value: Value) -> Value:
    """``$boolean``: whether a value counts as true."""
    return truth(value)


def negation(_: Run, value: Value) -> Value:
    """``$not``: whether a value does not count as true."""
    return UNDEFINED if value is UNDEFINED else truth(value) is not True


def exists(_: Run, value: Value) -> Value:
    """``$exists``: whether a value is not undefined."""
    return value is not UNDEFINED


def type_of(_: Run, value: Value) -> Value:
    """``$type``: the name of a value's type."""
    if value is UNDEFINED:
        return UNDEFINED
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "array"
    if isinstance(value, Function):
        return "function"
    return "number" if is_number(value) else "object"


def map_items(run: Run, items: Value, function: Value) -> Value:
    """``$map``: what a function gives for each item."""
    if items is UNDEFINED:
        return UNDEFINED
    made = sequence()
    for place, item in enumerate(items):
        result = call_with_place(function, item, place, items, run)
        run.spend(1)
        if result is not UNDEFINED:
            made.append(result)
    return made


def filter_items(run: Run, items: Value, function: Value) -> Value:
    """``$filter``: the items for which a function holds."""
    if items is UNDEFINED:
        return UNDEFINED
    kept = sequence()
    for place, item in enumerate(items):
        run.spend(1)
        if truth(call_with_place(function, item, place, items, run)) is True:
            kept.append(item)
    return kept


def single(run: Run, items: Value, function: Value) -> Value:
    """``$single``: the only item for which a function holds.

    Raises:
        QueryError: D3138, if there are more; D3139, if there is none.
    """
    if items is UNDEFINED:
        return UNDEFINED
    found: list[Value] = []
    for place, item in enumerate(items):
        run.spend(1)
        if function is UNDEFINED or truth(call_with_place(function, item, place, items, run)) is True:
            if found:
                raise QueryError("D3138", index=place)
            found.append(item)
    if not found:
        raise QueryError("D3139")
    return found[0]


def reduce_items(run: Run, items: Value, function: Value, initial: Value) -> Value:
    """``$reduce``: what a function makes of all items, one by one.

    Raises:
        QueryError: D3050, if the function takes fewer than two arguments.
    """
    if items is UNDEFINED:
        return UNDEFINED
    if function.arity < 2:
        raise QueryError("D3050")
    result, start = initial, 0
    if initial is UNDEFINED and items:
        result, start = items[0], 1
    for place in range(start, len(items)):
        run.spend(1)
        arguments = [result, items[place], place, items][: max(2, min(4, function.arity))]
        result = call(function, arguments, UNDEFINED, run)
    return result


def sift(run: Run, value: Value, function: Value) -> Value:
    """``$sift``: the members of an object for which a function holds."""
    if not isinstance(value, dict):
        return UNDEFINED
    run.spend(len(value))
    kept = {
        name: member
        for name, member in value.items()
        if truth(call_with_place(function, member, name, value, run)) is True
    }
    return kept or UNDEFINED


def each(run: Run, value: Value, function: Value) -> Value:
    """``$each``: what a function gives for each member of an object."""
    made = sequence()
    for name, member in value.items() if isinstance(value, dict) else ():
        run.spend(1)
        result = call_with_place(function, member, name, value, run)
        if result is not UNDEFINED:
            made.append(result)
    return made


def zipped(run: Run, *arrays: Value) -> Value:
    """``$zip``: the first items of all arrays, the second ones, and so on."""
    lists = [array if isinstance(array, list) else [] for array in arrays]
    run.spend(sum(map(len, lists)))
    return [list(items) for items in zip(*lists, strict=False)]


def keys(run: Run, value: Value) -> Value:
    """``$keys``: the names of an object's members; of all objects', in an array."""
    names: dict[str, None] = {}
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, list):
            inner = keys(run, item)
            names.update(dict.fromkeys(inner))
        elif isinstance(item, dict):
            names.update(dict.fromkeys(item))
    run.spend(len(names))
    return sequence(names)


def lookup(_: Run, value: Value, key: Value) -> Value:
    """``$lookup``: the member of an object; of all objects, in an array."""
    return member_of(value, key)


def appended(run: Run, first: Value, second: Value) -> Value:
    """``$append``: both values in one array."""
    for value in (first, second):
        run.spend(len(value) >> 3 if isinstance(value, list) else 0)
    made = append(first, second)
    if isinstance(made, list):
        run.hold(len(made))
    return made


def spread(run: Run, value: Value) -> Value:
    """``$spread``: an object as objects with one member each."""
    if isinstance(value, list):
        # What is appended is an array, even of one item; nothing at all is an empty sequence.
        parts: list[Value] = []
        for item in value:
            part = spread(run, item)
            parts.extend(part if isinstance(part, list) else [part])
        return parts if value else sequence()
    if isinstance(value, dict):
        run.spend(len(value))
        return sequence({name: member} for name, member in value.items())
    return value


def merged(run: Run, objects: Value) -> Value:
    """``$merge``: all members in one object; later ones win."""
    if objects is UNDEFINED:
        return UNDEFINED
    made: dict[str, Value] = {}
    for item in objects:
        made.update(item)
    run.spend(len(made) + len(objects))
    return made


def reversed_items(_: Run, items: Value) -> Value:
    """``$reverse``: the items from the last to the first."""
    return UNDEFINED if items is UNDEFINED else items if len(items) <= 1 else items[::-1]


def shuffled(run: Run, items: Value) -> Value:
    """``$shuffle``: the items in an order by chance."""
    if items is UNDEFINED or len(items) <= 1:
        return items
    run.spend(len(items))
    made: list[Value] = []
    for place, item in enumerate(items):
        other = run.chance.below(place + 1)
        made.append(item)
        made[place], made[other] = made[other], made[place]
    return made


def sort(run: Run, items: Value, function: Value) -> Value:
    """``$sort``: the items in order; a function tells whether the first of two belongs behind the second.

    Raises:
        QueryError: D3070, if there is no function, and the items are neither all numbers nor all strings.
    """
    if items is UNDEFINED or len(items) <= 1:
        return items
    run.spend(len(items))
    if function is UNDEFINED:
        if not all(map(is_number, items)) and not all(isinstance(item, str) for item in items):
            raise QueryError("D3070")
        return sorted(items)

    def compare(left: Value, right: Value) -> int:
        # Python asks whether a later item belongs before an earlier one, and for nothing else.
        run.spend(1)
        return -1 if truth(call(function, [right, left], UNDEFINED, run)) is True else 1

    return sorted(items, key=cmp_to_key(compare))


def distinct(run: Run, items: Value) -> Value:
    """``$distinct``: the items without those that are equal to an earlier one."""
    if not isinstance(items, list) or len(items) <= 1:
        return items
    kept: list[Value] = sequence() if isinstance(items, Items) and items.sequence else []
    seen: set[object] = set()
    for item in items:
        run.spend(1)
        mark = _mark(item)
        if mark not in seen:
            seen.add(mark)
            kept.append(item)
    return kept


def _mark(value: Value) -> object:
    """Return something that is equal, and has an equal hash, for equal values alone."""
    if isinstance(value, list):
        return ("array", *map(_mark, value))
    if isinstance(value, dict):
        return frozenset((name, _mark(member)) for name, member in value.items())
    return (value,) if isinstance(value, bool) else value


def cloned(_: Run, value: Value) -> Value:
    """``$clone``: a copy that can be changed."""
    return copied(value)
