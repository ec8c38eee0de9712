"""The subset of JSONPath that batch transform jobs take as filters.

Source: developer guide, "Associate Prediction Results with Input Records", supported operators. What it does
not say is as AWS answers: https://github.com/aws/sagemaker-python-sdk/issues/1112 (ranges),
https://github.com/aws/aws-sdk/issues/184 (characters). A range leaves its end out, as in JsonPath: the guide
says otherwise, but AWS's own samples leave out the last column by ``$[0:-1]``, and take 14 by ``$[:14]``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Union

from .errors import PathError

_OPERATORS = ("$", "[", "]", "*", ".", " ", ",", ":", "-", "'")
LONGEST_PATH = 63
_NAME = re.compile(r"[^.\[\]*,:' $]+")
_QUOTED = re.compile(r" *'([^'\[\]]*)' *")
_INDEX = re.compile(r" *(-?[0-9]{1,9}) *")
_RANGE = re.compile(r" *(-?[0-9]{1,9})? *: *(-?[0-9]{1,9})? *")


@dataclass(frozen=True)
class Names:
    """Members of an object.

    Args:
        names: One gives the member itself, several an object of those that are there.
    """

    names: tuple[str, ...]


@dataclass(frozen=True)
class Indexes:
    """Elements of an array.

    Args:
        indexes: One gives the element itself, several an array.
    """

    indexes: tuple[int, ...]


@dataclass(frozen=True)
class Range:
    """A part of an array.

    Args:
        start: First element; ``None``: from the beginning.
        end: The one behind the last; ``None``: to the end.
    """

    start: int | None
    end: int | None


@dataclass(frozen=True)
class Everything:
    """All elements of an array, or all values of an object."""


Step = Union[Names, Indexes, Range, Everything]


@dataclass(frozen=True)
class Path:
    """A filter.

    Args:
        text: As it was written.
        steps: From the root on.
    """

    text: str
    steps: tuple[Step, ...]

    @property
    def is_everything(self) -> bool:
        """Whether it leaves things as they are."""
        return not self.steps

    def select(self, value: Any) -> Any:
        """Return what it selects.

        Raises:
            PathError: If that is not there.
        """
        found, is_many = [value], False
        for step in self.steps:
            if isinstance(step, Names):
                found = [_named(node, step, self.text) for node in found]
            elif isinstance(step, Indexes) and len(step.indexes) == 1:
                found = [_element(node, step.indexes[0], self.text) for node in found]
            else:
                found = [child for node in found for child in _children(node, step, self.text)]
                is_many = True
        return found if is_many else found[0]


def read_path(text: str, *, content_type: str = "", name: str = "InputFilter") -> Path:
    """Read a filter.

    Args:
        text: The filter; empty: the whole.
        content_type: Of the data, for the error.
        name: Of the filter, for the error.

    Raises:
        PathError: If it is not one.
    """
    if not text:
        return Path("$", ())
    if len(text) > LONGEST_PATH:
        raise PathError(f"Invalid {name}: it is longer than {LONGEST_PATH} characters.")
    for character in text:
        if not (character.isascii() and character.isalnum()) and character not in _OPERATORS:
            raise PathError(
                f'Invalid {name}: "{text}". Unexpected "{character}" in JsonPath. '
                f'Supported operators for "{content_type}" are {list(_OPERATORS)}'
            )
    if not text.startswith("$"):
        raise PathError(f'Invalid {name}: "{text}". A JsonPath begins with $.')
    steps: list[Step] = []
    rest = text[1:]
    while rest:
        step, rest = _step(rest, text, name)
        steps.append(step)
    if content_type == "text/csv" and (len(steps) > 1 or any(isinstance(step, Names) for step in steps)):
        raise PathError(
            f'Invalid {name}: "{text}". A row of CSV data is an array: only $, $[0], $[0,2] '
            "and $[1:3] select of it."
        )
    return Path(text, tuple(steps))


def _step(rest: str, text: str, name: str) -> tuple[Step, str]:
    if rest.startswith((".[", "[")):
        inner, closed, after = rest[rest.index("[") + 1 :].partition("]")
        if not closed:
            raise PathError(f'Invalid {name}: "{text}". A bracket is not closed.')
        return _bracket(inner, text, name), after
    if rest.startswith(".*"):
        return Everything(), rest[2:]
    match = _NAME.match(rest, 1) if rest.startswith(".") else None
    if match is None:
        raise PathError(f'Invalid {name}: "{text}". It cannot be read from "{rest}" on.')
    return Names((match[0],)), rest[match.end() :]


def _bracket(inner: str, text: str, name: str) -> Step:
    if inner.strip() == "*":
        return Everything()
    parts = inner.split(",")
    if ":" in inner and "'" not in inner:
        match = _RANGE.fullmatch(inner)
        if match is None:
            raise PathError(
                f"Invalid JsonPath: {text}: only single range filters of format (eg: [1:5]) are supported. "
                f"Format [{inner}] is not supported"
            )
        return Range(*(int(bound) if bound else None for bound in match.groups()))
    quoted = [_QUOTED.fullmatch(part) for part in parts]
    if all(quoted):
        return Names(tuple(match[1] for match in quoted if match))
    numbers = [_INDEX.fullmatch(part) for part in parts]
    if all(numbers):
        return Indexes(tuple(int(match[1]) for match in numbers if match))
    raise PathError(f'Invalid {name}: "{text}". [{inner}] selects neither names nor indexes.')


def _named(node: Any, step: Names, text: str) -> Any:
    if not isinstance(node, dict):
        raise PathError(f"{text} names a member of what is no object.")
    if len(step.names) > 1:
        return {name: node[name] for name in step.names if name in node}
    if step.names[0] not in node:
        raise PathError(f"{text}: there is no {step.names[0]!r}.")
    return node[step.names[0]]


def _element(node: Any, index: int, text: str) -> Any:
    if not isinstance(node, list):
        raise PathError(f"{text} names an element of what is no array.")
    if not -len(node) <= index < len(node):
        raise PathError(f"{text}: there is no index {index}: the array has {len(node)} elements.")
    return node[index]


def _children(node: Any, step: Step, text: str) -> list[Any]:
    if isinstance(step, Everything) and isinstance(node, dict):
        return list(node.values())
    if not isinstance(node, list):
        raise PathError(f"{text} selects elements of what is no array.")
    if isinstance(step, Indexes):
        return [_element(node, index, text) for index in step.indexes]
    if isinstance(step, Range):
        found = node[step.start : step.end]
        if node and not found:
            raise PathError(f"{text} selects nothing of an array of {len(node)} elements.")
        return found
    return list(node)
