"""What is wrong with a path or a call, and what they read: for the checker and its data flow.

Source: Amazon States Language, sections "Paths" and "Intrinsic Functions".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stepmill.core.errors import InvalidInputError
from stepmill.language.states.intrinsics import Intrinsic, is_intrinsic
from stepmill.language.states.jsonpath import Field, ReferencePath, Root

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


def _complaint(compile_: Callable[[], object]) -> str | None:
    try:
        compile_()
    except InvalidInputError as error:
        return error.what
    return None


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
