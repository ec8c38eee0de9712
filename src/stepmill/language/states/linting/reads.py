"""Follows what a state reads and gives, by the shapes of its input, its result and its variables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from stepmill.core.json import Json
from stepmill.language.states.codes import Code
from stepmill.language.states.collector import Collector
from stepmill.language.states.definition import ABSENT, Absent, Given, StateBase
from stepmill.language.states.jsonata.checking import check_expression, references_of
from stepmill.language.states.jsonata.templates import expression_text, is_expression
from stepmill.language.states.jsonpath import Root
from stepmill.language.states.linting.shapes import Missing, Shape, build, read
from stepmill.language.states.path_checks import Read, referenced_paths

# An expression that is nothing but a way: if nothing is there, it gives nothing, and the state fails.
_WAY = re.compile(r"\$states\.(input|result|errorOutput)((?:\.[A-Za-z_]\w*)*)\Z")


@dataclass(frozen=True, slots=True)
class Sight:
    """What the fields of a state see.

    Args:
        state: The state.
        document: What ``$`` or ``$states.input`` is.
        variables: Names that may be set.
        result: ``$states.result``.
        collector: Takes findings; ``None``: nothing is told, this is only a step to the end of a loop.
    """

    state: StateBase
    document: Shape
    variables: frozenset[str]
    collector: Collector | None
    result: Shape = None

    def template(self, value: Json | Absent, field: str, document: Shape) -> Shape:
        """Return the shape of a payload template; ``ABSENT`` gives the document."""
        if value is ABSENT:
            return document
        assert not isinstance(value, Absent)
        if self.state.uses_jsonata:
            return self._expressions(value, field)
        return build(
            value,
            lambda key, text: self.path(str(text), f"{field}/{key}", document),
            is_dynamic=lambda key, text: key.endswith(".$") and isinstance(text, str),
        )

    def path(self, text: str | None, field: str, document: Shape) -> Shape:
        """Return the shape of what a path or an intrinsic function gives."""
        reads = referenced_paths(text) if text else ()
        found: Shape = None
        for each in reads:
            found = self._read(each, text or "", field, document)
        return found if len(reads) == 1 and (text or "").startswith("$") else None

    def given(self, value: Given | None, field: str, document: Shape) -> None:
        """Follow a value that may be read or computed."""
        if value is None:
            return
        if value.path:
            self.path(value.path, f"{field}Path", document)
        elif self.state.uses_jsonata:
            self._expressions(value.value, field)

    def _read(self, each: Read, text: str, field: str, document: Shape) -> Shape:
        if each.root is Root.CONTEXT:
            return None
        if each.root is Root.VARIABLE:
            self._variables([each.variable], field)
            return None
        try:
            found = read(document, each.keys)
        except Missing as missing:
            # Indefinite ways, as $.a[*], give an empty list where nothing is.
            if each.is_whole:
                self._never(text, field, missing)
            return None
        return found if each.is_whole else None

    def _expressions(self, value: Json, field: str) -> Shape:
        return build(
            value,
            lambda key, text: self._expression(str(text), f"{field}/{key}" if key else field),
            is_dynamic=lambda _key, text: is_expression(text),
        )

    def _expression(self, text: str, field: str) -> Shape:
        inner = expression_text(text)
        if check_expression(inner) is not None:
            return None
        self._variables(references_of(inner).variables, field)
        way = _WAY.match(inner)
        if way is None or way[1] == "errorOutput":
            return None
        names = way[2].split(".")[1:]
        try:
            return read(self.document if way[1] == "input" else self.result, names)
        except Missing as missing:
            self._never(inner, field, missing)
            return None

    def _variables(self, names: Iterable[str], field: str) -> None:
        for name in sorted(set(names) - self.variables):
            if self.collector:
                message = f"No state sets the variable ${name}, as far as this one can see."
                place = f"{self.state.path}/{field}"
                self.collector.add(Code.UNKNOWN_VARIABLE, place, message)

    def _never(self, text: str, field: str, missing: Missing) -> None:
        if self.collector is None:
            return
        there = ", ".join(missing.known[:8]) or "nothing"
        message = f"No earlier state can have produced {text[:200]}."
        mend = f"Where it looks, there can only be: {there}."
        self.collector.add(Code.NEVER_PRODUCED, f"{self.state.path}/{field}", message, mend)
