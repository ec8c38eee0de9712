"""Paths in the fields of a state, which choose what they read by how they start.

``$.a`` reads the input, ``$$.Execution.Id`` the context object, ``$name.a`` a variable.

Source: Amazon States Language, sections "Paths", "The Context Object" and "Using variables".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from stepmill.core.json import Json
from stepmill.language.states.jsonpath.compiling import compile_path
from stepmill.language.states.jsonpath.errors import (
    PathEvaluationError,
    PathNotFoundError,
    PathSyntaxError,
)
from stepmill.language.states.jsonpath.path import Path

# Unicode's rules for identifiers are those of Python's.
_VARIABLE = re.compile(r"\$([^\W\d]\w*)(.*)", re.DOTALL)


class Root(Enum):
    """What a path reads."""

    INPUT = "input"
    CONTEXT = "context"
    VARIABLE = "variable"


@dataclass(frozen=True, slots=True)
class Field:
    """A path with what it reads. Make one with ``Field.of``.

    Args:
        text: As it was written.
        root: What it reads.
        variable: Name of the variable, or empty.
        path: What it reads there.
    """

    text: str
    root: Root
    variable: str
    path: Path

    @classmethod
    def of(cls, text: str) -> Field:
        """Compile a field. The same text gives the same object.

        Raises:
            PathSyntaxError: If it is no path.
        """
        return _field(text)

    @property
    def reads_context(self) -> bool:
        """Whether it reads the context object."""
        return self.root is Root.CONTEXT

    def read(self, input: Json, context: Json, variables: Mapping[str, Json]) -> Json:  # noqa: A002
        """Return what stands there.

        Raises:
            PathNotFoundError: If nothing does.
            PathEvaluationError: If a function or filter of the path cannot be applied.
        """
        if self.root is Root.INPUT:
            if input is None:
                raise PathEvaluationError("Unable to apply Path transformation to null or empty input.")
            return self.path.read(input)
        if self.root is Root.CONTEXT:
            return self.path.read(context)
        if self.variable not in variables:
            raise PathNotFoundError(f"No results for path: $['{self.variable}']")
        return self.path.read(variables[self.variable])


def read_field(text: str, *, input: Json, context: Json, variables: Mapping[str, Json]) -> Json:  # noqa: A002
    """Return what stands at a path in the input, the context object or a variable.

    Raises:
        PathSyntaxError: If it is no path.
        PathNotFoundError: If nothing is there.
        PathEvaluationError: If a function or filter of the path cannot be applied.

    Example:
        >>> read_field("$who.name", input={}, context={}, variables={"who": {"name": "Ada"}})
        'Ada'
    """
    if text == "$":
        return input
    return _field(text).read(input, context, variables)


@lru_cache(maxsize=4096)
def _field(text: str) -> Field:
    if text.startswith("$$"):
        return Field(text, Root.CONTEXT, "", compile_path(text[1:]))
    variable = _VARIABLE.fullmatch(text)
    if variable:
        return Field(text, Root.VARIABLE, variable[1], compile_path(f"${variable[2]}"))
    if not text.startswith("$"):
        raise PathSyntaxError(
            "Path must start with '$' or '@'", mend="A path starts with $, $$ or $variable."
        )
    return Field(text, Root.INPUT, "", compile_path(text))
