"""What is wrong with a path, a call or a template, and what they read: for the checker and its data flow.

Source: Amazon States Language, sections "Paths", "Payload Template" and "Intrinsic Functions".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json
from stepmill.language.states.intrinsics import Intrinsic, is_intrinsic
from stepmill.language.states.jsonpath import Field, ReferencePath, Root
from stepmill.language.states.templates import SUFFIX, Template

# As the service bounds them: "You can nest up to 10 intrinsic functions within a field".
MOST_INTRINSICS = 10


@dataclass(frozen=True, slots=True)
class Read:
    """Something that a path reads.

    Args:
        root: The input, the context object or a variable.
        variable: Name of the variable, or empty.
        keys: Names and indexes as far as they are fixed; empty: all of it.
        is_whole: Whether nothing follows the keys: what they lead to is what is read.
    """

    root: Root
    variable: str
    keys: tuple[str | int, ...]
    is_whole: bool = True


def check_path(text: str) -> str | None:
    """Return what is wrong with a path; ``None``: nothing."""
    return _complaint(lambda: Field.of(text))


def check_reference_path(text: str) -> str | None:
    """Return what is wrong with a path that is to stand for one place, as in ``ResultPath``."""
    if not text.startswith("$") or text.startswith("$$"):
        return f"Value is not a Reference Path: {text}"
    return _complaint(lambda: ReferencePath.of(text))


def check_path_or_intrinsic(text: str) -> str | None:
    """Return what is wrong with a text that is a path or a call of an intrinsic function."""
    if not is_intrinsic(text):
        return check_path(text)
    complaint = _complaint(lambda: Intrinsic.of(text))
    if complaint is None and Intrinsic.of(text).depth > MOST_INTRINSICS:
        return f"A field may have {MOST_INTRINSICS} intrinsic functions in one another."
    return complaint


def check_template(document: Json) -> list[tuple[str, str]]:
    """Return what is wrong with a payload template.

    Returns:
        Pairs of a JSON pointer into the template and the service's sentence about what stands there.

    Example:
        >>> check_template({"a": [{"b.$": "x"}], "c.$": 1})  # doctest: +NORMALIZE_WHITESPACE
        [('/a/0/b.$', "The value for the field 'b.$' must be a valid JSONPath or a valid intrinsic function
        call"), ('/c.$', "The value for the field 'c.$' must be a STRING that contains a JSONPath but was a
        NUMBER")]
    """
    return list(_faults(document, ""))


def _complaint(compile_: Callable[[], object]) -> str | None:
    try:
        compile_()
    except InvalidInputError as error:
        return error.what
    return None


def _faults(document: Json, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(document, Mapping):
        for key, value in document.items():
            place = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            if not key.endswith(SUFFIX):
                yield from _faults(value, place)
            elif not isinstance(value, str):
                yield place, _complaint(partial(Template.of, {key: value})) or ""
            elif check_path_or_intrinsic(value) is not None:
                said = "must be a valid JSONPath or a valid intrinsic function call"
                yield place, f"The value for the field '{key}' {said}"
    elif isinstance(document, Sequence) and not isinstance(document, str):
        for index, value in enumerate(document):
            yield from _faults(value, f"{pointer}/{index}")


def paths_of(template: Json) -> tuple[Read, ...]:
    """Return what a template reads; nothing if it cannot be compiled."""
    try:
        fields = Template.of(template).fields
    except InvalidInputError:
        return ()
    return tuple(map(_read, fields))


def referenced_paths(text: str) -> tuple[Read, ...]:
    """Return what a path or a call reads; nothing if it is neither.

    Example:
        >>> [read.keys for read in referenced_paths("States.Array($.a[0].b, $.c[*].d)")]
        [('a', 0, 'b'), ('c',)]
    """
    try:
        fields = Intrinsic.of(text).fields if is_intrinsic(text) else (Field.of(text),)
    except InvalidInputError:
        return ()
    return tuple(map(_read, fields))


def _read(field: Field) -> Read:
    keys = field.path.fixed_keys
    return Read(field.root, field.variable, keys, len(keys) == len(field.path.segments))
