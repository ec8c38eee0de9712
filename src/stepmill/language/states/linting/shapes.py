"""What is known of a value before anything ran: which members it can have at all.

Everything that may be there counts, so that a member that a shape lacks is certainly not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from stepmill.core.json import Json

# Deeper than this nothing is known; it also ends what a loop of states would nest for ever.
DEEPEST = 8
# Nor of a wider one: a chain of states that each add a member would cost the square of its length.
WIDEST = 100
# A state that puts its input into itself doubles it.
LARGEST = 400


@dataclass(frozen=True, slots=True)
class Members:
    """An object.

    Args:
        fields: Members that may be there.
        is_open: Whether others may be there, too.
    """

    fields: Mapping[str, Shape] = field(default_factory=dict)
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list whose items have this shape."""

    item: Shape


@dataclass(frozen=True, slots=True)
class Plain:
    """A text, a number, a truth or null: nothing is in it."""


# None: anything.
Shape: TypeAlias = Members | Items | Plain | None
PLAIN = Plain()
ERROR_OUTPUT = Members({"Error": PLAIN, "Cause": PLAIN})


class Missing(Exception):  # noqa: N818 - no fault of the program
    """Nothing can be there.

    Args:
        known: Members that can be, where the way ends.
    """

    def __init__(self, known: Sequence[str]) -> None:
        self.known = tuple(known)
        super().__init__()


def of_json(value: Json) -> Shape:
    """Return the shape of a value that is known.

    Example:
        >>> of_json({"a": 1})
        Members(fields={'a': Plain()}, is_open=False)
    """
    return build(value, lambda _key, _below: None, is_dynamic=lambda _key, _value: False)


def build(
    value: Json,
    compute: Callable[[str, Json], Shape],
    *,
    is_dynamic: Callable[[str, Json], bool],
    key: str = "",
) -> Shape:
    """Return the shape of a template.

    Args:
        value: The template.
        compute: Gives the shape of what is dynamic in it, from its key and its text.
        is_dynamic: Says what is.
        key: Where the value stands.
    """
    if is_dynamic(key, value):
        return compute(key, value)
    if isinstance(value, Mapping):
        return Members(
            {
                (name[:-2] if is_dynamic(name, below) and name.endswith(".$") else name): build(
                    below, compute, is_dynamic=is_dynamic, key=name
                )
                for name, below in value.items()
            }
        )
    if isinstance(value, list):
        found = [build(below, compute, is_dynamic=is_dynamic) for below in value]
        return Items(join_all(found)) if found else Items(None)
    return PLAIN


def read(shape: Shape, keys: Sequence[str | int]) -> Shape:
    """Return the shape of what stands at a way of names and indexes.

    Raises:
        Missing: If nothing can.
    """
    for key in keys:
        match shape:
            case Members(fields, is_open) if isinstance(key, str):
                if key not in fields and not is_open:
                    raise Missing(list(fields))
                shape = fields.get(key)
            case Items(item) if isinstance(key, int):
                shape = item
            case Plain() if isinstance(key, str):
                raise Missing(())
            case _:
                return None
    return shape


def put(shape: Shape, keys: Sequence[str | int], new: Shape) -> Shape:
    """Return a shape with another one put in."""
    if not keys:
        return new
    key, rest = keys[0], keys[1:]
    if isinstance(key, int):
        return None
    if isinstance(shape, Members):
        return Members({**shape.fields, key: put(shape.fields.get(key), rest, new)}, shape.is_open)
    return Members({key: put(None, rest, new)}, is_open=True)


def join(left: Shape, right: Shape) -> Shape:
    """Return the shape of what has the one or the other."""
    match left, right:
        case Members(), Members():
            fields = dict(left.fields)
            for name, shape in right.fields.items():
                fields[name] = join(fields[name], shape) if name in fields else shape
            # A member that only one may have is there in an open one in any shape.
            for name in fields:
                is_unsure = (name not in left.fields and left.is_open) or (
                    name not in right.fields and right.is_open
                )
                if is_unsure:
                    fields[name] = None
            return Members(fields, left.is_open or right.is_open)
        case Items(one), Items(other):
            return Items(join(one, other))
        case Plain(), _:
            return right
        case _, Plain():
            return left
    return None


def join_all(shapes: Sequence[Shape]) -> Shape:
    """Return the shape of what has one of these; of none: anything."""
    if not shapes:
        return None
    found = shapes[0]
    for shape in shapes[1:]:
        found = join(found, shape)
    return found


def clip(shape: Shape) -> Shape:
    """Return a shape of bounded depth, width and size; of the rest nothing is known."""
    return _clip(shape, DEEPEST, [LARGEST])


def _clip(shape: Shape, depth: int, left: list[int]) -> Shape:
    left[0] -= 1
    if depth == 0 or left[0] < 0:
        return None
    match shape:
        case Members(fields, _) if len(fields) > WIDEST:
            return None
        case Members(fields, is_open):
            return Members({name: _clip(below, depth - 1, left) for name, below in fields.items()}, is_open)
        case Items(item):
            return Items(_clip(item, depth - 1, left))
    return shape
