"""The one place where the interpreter meets the query languages: paths, templates and expressions, compiled.

What a definition writes is compiled once into functions of a ``Scope``. Whatever goes wrong in them is a
``StateFailure`` in the service's words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Final, TypeAlias

from stepmill.core.json import Json, JsonObject, write_json
from stepmill.engine.interpreters.states.chance import Chance
from stepmill.engine.interpreters.states.failure import StateFailure, query_failure, runtime_failure
from stepmill.language.states.definition import Given, StateBase
from stepmill.language.states.failures import EvaluationError
from stepmill.language.states.jsonata.running import Surroundings
from stepmill.language.states.jsonata.templates import (
    JsonataTemplate,
    expression_text,
    is_expression,
    type_name,
)
from stepmill.language.states.jsonpath import PathError, PathNotFoundError, ReferencePath
from stepmill.language.states.jsonpath.fields import Field, Root
from stepmill.language.states.state_fields import put_result, read_named_field, read_path, read_reference
from stepmill.language.states.templates import Template


class Missing(Enum):
    """Says that a path leads nowhere, where ``None`` is the JSON null."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


class Scope:
    """What an expression sees.

    Args:
        document: What ``$`` is in JSONPath, and ``$states.input`` in JSONata.
        variables: By name, those of outer scopes too.
        make_context: Returns the context object; called only by what reads it.
        chance: For what is drawn.
        at: The moment of the event.
        text: The document as it was written; ``None``: compactly.
        result: ``$states.result``.
        error_output: ``$states.errorOutput``.
    """

    __slots__ = (
        "_at",
        "_context",
        "_first",
        "_make_context",
        "_text",
        "chance",
        "document",
        "error_output",
        "result",
        "variables",
    )

    def __init__(
        self,
        document: Json,
        variables: JsonObject,
        make_context: Callable[[], JsonObject],
        chance: Chance,
        at: datetime,
        text: str | None = None,
    ) -> None:
        self.document = self._first = document
        self.variables = variables
        self.chance = chance
        self.result: Json | Missing = MISSING
        self.error_output: Json | Missing = MISSING
        self._at = at
        self._make_context = make_context
        self._context: JsonObject | None = None
        self._text = text

    @property
    def context(self) -> JsonObject:
        """The context object."""
        if self._context is None:
            self._context = self._make_context()
        return self._context

    @property
    def quoted_document(self) -> str:
        """The document as causes quote it."""
        is_as_written = self._text is not None and self.document is self._first
        return str(self._text) if is_as_written else write_json(self.document)

    @property
    def surroundings(self) -> Surroundings:
        """The moment, and chance, for JSONata."""
        return Surroundings(int(self._at.timestamp() * 1000), int(self.chance.random() * 2**48))


Evaluate: TypeAlias = Callable[[Scope], Json]
Lookup: TypeAlias = Callable[[Scope], "Json | Missing"]


def compile_lookup(path: str) -> Lookup:
    """Return a function that reads a path of the document, the context or a variable."""
    if path == "$":
        return _document
    field = Field.of(path)
    reads_context = field.root is Root.CONTEXT

    def lookup(scope: Scope) -> Json | Missing:
        try:
            return field.read(scope.document, scope.context if reads_context else None, scope.variables)
        except PathNotFoundError:
            return MISSING
        except PathError as error:
            raise runtime_failure(error.what) from error

    return lookup


def _document(scope: Scope) -> Json:
    return scope.document


def compile_path(path: str) -> Evaluate:
    """Return a function that reads a path of InputPath or OutputPath."""
    return _document if path == "$" else _failing_as_state(partial(read_path, path))


def compile_items_path(path: str) -> Evaluate:
    """Return a function that reads ItemsPath."""
    return _document if path == "$" else _failing_as_state(partial(read_reference, path))


def compile_value(text: str, field: str) -> Evaluate:
    """Return a function for what a ``...Path`` field holds: a path or an intrinsic function."""
    return _failing_as_state(partial(read_named_field, text, field))


def compile_template(template: Json) -> Evaluate:
    """Return a function for a payload template: keys that end in ``.$`` are computed."""
    compiled = Template.of(template)
    if compiled.is_constant:
        return lambda _: template
    return _failing_as_state(compiled.render)


def _failing_as_state(evaluate: Evaluate) -> Evaluate:
    """Return the same function; where it fails, the state does."""

    def evaluated(scope: Scope) -> Json:
        try:
            return evaluate(scope)
        except EvaluationError as error:
            raise StateFailure(error.error, error.cause, is_found_here=True) from error

    return evaluated


def compile_jsonata(value: Json, field: str) -> Evaluate:
    """Return a function for a JSONata field: every ``{% ... %}`` in it is computed."""
    template = JsonataTemplate.of(value)
    if template.is_constant:
        return lambda _: value

    def render(scope: Scope) -> Json:
        states: dict[str, Json] = {"input": scope.document}
        # Making the context, and drawing by chance, cost more than most expressions.
        if template.reads_context:
            states["context"] = scope.context
        if scope.result is not MISSING:
            states["result"] = scope.result
        if scope.error_output is not MISSING:
            states["errorOutput"] = scope.error_output
        try:
            surroundings = scope.surroundings if template.reads_surroundings else None
            return template.render(states, scope.variables, surroundings, field=field)
        except EvaluationError as error:
            raise StateFailure(
                error.error, error.cause, location=error.location, is_found_here=True
            ) from error

    return render


def expression_of(written: Json) -> str:
    """Return the expression of a JSONata field; of one that holds none, its text."""
    if isinstance(written, str):
        return expression_text(written) if is_expression(written) else written
    return write_json(written)


def unexpected_type(written: Json, field: str, expected: str, value: Json) -> StateFailure:
    """Return the failure of a JSONata field that gave a value of another type than it takes.

    Args:
        written: The field, as it was written.
        field: Its name.
        expected: Name of the type that it takes.
        value: What it gave.
    """
    return query_failure(
        f"The JSONata expression '{expression_of(written)}' specified for the field '{field}' returned "
        f"an unexpected result type. Expected '{expected}', but was '{type_name(value)}' for value: "
        f"{write_json(value)}",
        field,
    )


def compile_field(state: StateBase, value: Json, field: str) -> Evaluate:
    """Return a function for a template of a state, in the state's language."""
    return compile_jsonata(value, field) if state.uses_jsonata else compile_template(value)


def compile_given(state: StateBase, given: Given, field: str) -> Evaluate:
    """Return a function for a value that is written or computed.

    The texts of Fail may be intrinsic functions, and fail as templates do; other paths are only read.
    """
    if given.path:
        is_text = field in ("Error", "Cause")
        return compile_value(given.path, f"{field}Path") if is_text else compile_path(given.path)
    return compile_jsonata(given.value, field) if state.uses_jsonata else (lambda _: given.value)


Put: TypeAlias = Callable[[Json, Json], Json]


def compile_put(path: str) -> Put:
    """Return a function (input, result) -> output that puts a result where a ResultPath says."""
    ReferencePath.of(path)

    def put(document: Json, result: Json) -> Json:
        try:
            return put_result(path, document, result)
        except EvaluationError as error:
            raise StateFailure(error.error, error.cause, is_found_here=True) from error

    return put


def compile_assign(
    state: StateBase, assign: Mapping[str, Json], field: str = "Assign"
) -> Callable[[Scope], JsonObject]:
    """Return a function for ``Assign``: all values are computed from the variables as they were before."""
    if state.uses_jsonata:
        named = [(name, compile_jsonata(value, f"{field}/{name}")) for name, value in assign.items()]
        return lambda scope: {name: part(scope) for name, part in named}
    template = compile_template(assign)

    def evaluate(scope: Scope) -> JsonObject:
        values = template(scope)
        return values if isinstance(values, Mapping) else {}

    return evaluate
