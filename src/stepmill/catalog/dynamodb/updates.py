"""Updates: what an update expression says, and an item after it. Pure.

All operands are looked up in the item as it was before.

Source: DynamoDB developer guide, "Using update expressions in DynamoDB".
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from stepmill.catalog.dynamodb import numbers
from stepmill.catalog.dynamodb.paths import Part, Path
from stepmill.catalog.dynamodb.values import SETS, Item, Value, type_of
from stepmill.core.errors import InvalidInputError

_WRONG_TYPE = "An operand in the update expression has an incorrect data type"
_NO_ATTRIBUTE = "The provided expression refers to an attribute that does not exist in the item"
_NO_PATH = "The document path provided in the update expression is invalid for update"


@dataclass(frozen=True, slots=True)
class Given:
    """A value of the call's."""

    value: Value


@dataclass(frozen=True, slots=True)
class IfNotExists:
    """What lies at a path; if nothing does, something else."""

    path: Path
    otherwise: Source


@dataclass(frozen=True, slots=True)
class ListAppend:
    """One list and another after it."""

    first: Source
    second: Source


@dataclass(frozen=True, slots=True)
class Sum:
    """``left + right``, or ``left - right``."""

    operator: str
    left: Source
    right: Source


Source: TypeAlias = Given | Path | IfNotExists | ListAppend | Sum


@dataclass(frozen=True, slots=True)
class Update:
    """What an expression does.

    Args:
        sets: Where to put what.
        removes: Where to remove what is there.
        adds: Where to add a number, or the members of a set.
        deletes: Where to delete the members of a set.
    """

    sets: tuple[tuple[Path, Source], ...] = ()
    removes: tuple[Path, ...] = ()
    adds: tuple[tuple[Path, Value], ...] = ()
    deletes: tuple[tuple[Path, Value], ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """Where it changes something."""
        pairs = (*self.sets, *self.adds, *self.deletes)
        return (*(path for path, _ in pairs), *self.removes)


def apply_update(update: Update, item: Item) -> dict[str, Value]:
    """Return an item after an update; the item itself is not changed.

    Raises:
        InvalidInputError: If the item does not have what the update needs.
    """
    values = [(path, _value(source, item)) for path, source in update.sets]
    values += [(path, _added(path.find(item), value)) for path, value in update.adds]
    changed: dict[str, Any] = copy.deepcopy(dict(item))
    # In the order of their places, so that what is set beyond a list's end comes there in that order.
    for path, value in sorted(values, key=_place):
        _put(changed, path, value)
    removes = list(update.removes)
    for path, value in update.deletes:
        left = _without(path.find(item), value)
        if left is None:
            # A set whose last member goes, goes itself; and what is not there has none.
            if path.find(item) is not None:
                removes.append(path)
        else:
            _put(changed, path, left)
    # From the end of a list on, so that the elements before keep their places.
    for path in sorted(removes, key=lambda path: path.parts, reverse=True):
        _remove(changed, path)
    return changed


def _value(source: Source, item: Item) -> Value:
    match source:
        case Given(value):
            return value
        case Path():
            found = source.find(item)
            if found is None:
                raise InvalidInputError(_NO_ATTRIBUTE)
            return found
        case IfNotExists(path, otherwise):
            found = path.find(item)
            return _value(otherwise, item) if found is None else found
        case ListAppend(first, second):
            lists = [_value(first, item), _value(second, item)]
            if any("L" not in value for value in lists):
                raise InvalidInputError(_WRONG_TYPE)
            return {"L": [*lists[0]["L"], *lists[1]["L"]]}
        case Sum(operator, left, right):
            terms = [_value(left, item), _value(right, item)]
            if any("N" not in value for value in terms):
                raise InvalidInputError(_WRONG_TYPE)
            return {"N": numbers.add(terms[0]["N"], terms[1]["N"], subtract=operator == "-")}


def _added(old: Value | None, value: Value) -> Value:
    if old is None:
        return value
    kind = type_of(value)
    if kind != type_of(old):
        raise InvalidInputError(_WRONG_TYPE)
    if kind == "N":
        return {"N": numbers.add(old["N"], value["N"])}
    return {kind: [*old[kind], *(member for member in value[kind] if member not in set(old[kind]))]}


def _without(old: Value | None, value: Value) -> Value | None:
    if old is None:
        return None
    kind = type_of(value)
    if kind != type_of(old) or kind not in SETS:
        raise InvalidInputError(_WRONG_TYPE)
    gone = set(value[kind])
    left = [member for member in old[kind] if member not in gone]
    return {kind: left} if left else None


def _put(item: dict[str, Any], path: Path, value: Value) -> None:
    if len(path.parts) == 1:
        item[path.attribute] = value
        return
    parent, last = _parent(item, path), path.parts[-1]
    if isinstance(last, str) and "M" in parent:
        parent["M"][last] = value
    elif isinstance(last, int) and "L" in parent:
        elements = parent["L"]
        if last < len(elements):
            elements[last] = value
        else:
            elements.append(value)
    else:
        raise InvalidInputError(_NO_PATH)


def _remove(item: dict[str, Any], path: Path) -> None:
    if len(path.parts) == 1:
        item.pop(path.attribute, None)
        return
    parent, last = _parent(item, path), path.parts[-1]
    if isinstance(last, str) and "M" in parent:
        parent["M"].pop(last, None)
    elif isinstance(last, int) and "L" in parent:
        if last < len(parent["L"]):
            del parent["L"][last]
    else:
        raise InvalidInputError(_NO_PATH)


def _parent(item: Mapping[str, Any], path: Path) -> Any:
    parent = Path(path.parts[:-1]).find(item)
    if parent is None:
        raise InvalidInputError(_NO_PATH)
    return parent


def _place(pair: tuple[Path, Value]) -> tuple[Part, ...]:
    # Paths that begin alike go on alike, with a name or with an index: others were refused.
    return pair[0].parts
