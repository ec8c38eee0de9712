"""Fields of a state that hold a path: what they give, and what is said when they cannot.

The service words the failure of each kind of field in its own way; the cause of each is States.Runtime
unless its function says otherwise.
"""

from __future__ import annotations

from stepmill.core.json import Json
from stepmill.language.states.evaluation import RUNTIME, Scope
from stepmill.language.states.failures import EvaluationError
from stepmill.language.states.intrinsics import Intrinsic, is_intrinsic
from stepmill.language.states.intrinsics.calling import read_field_of
from stepmill.language.states.jsonpath import (
    Field,
    PathError,
    PathEvaluationError,
    PathNotFoundError,
    ReferencePath,
    ReferencePathError,
    Root,
)
from stepmill.language.states.jsonpath.reference import unable_to_apply
from stepmill.language.states.templates import read_named

REFERENCE_CONFLICT = "States.ReferencePathConflict"


def read_path(text: str, scope: Scope) -> Json:
    """Return what ``InputPath``, ``OutputPath`` or a ``...SecondsPath`` gives.

    Raises:
        EvaluationError: ``Invalid path '$.x' : No results for path: $['x']``.
        PathSyntaxError: If it is no path.
    """
    if text == "$":
        return scope.document
    field = Field.of(text)
    try:
        return read_field_of(field, scope)
    except PathNotFoundError as error:
        raise EvaluationError(RUNTIME, f"Invalid path '{text}' : {error.what}") from error
    except PathEvaluationError as error:
        raise EvaluationError(RUNTIME, error.what) from error


def read_named_field(text: str, name: str, scope: Scope) -> Json:
    """Return what ``ErrorPath``, ``CausePath`` and the like give; they may hold an intrinsic function.

    Args:
        text: Path or call.
        name: Of the field, for the cause.
        scope: What is read.

    Raises:
        EvaluationError: ``The JSONPath '$.x' specified for the field 'CausePath' could not be found ...``.
        PathSyntaxError: If it is no path.
        IntrinsicSyntaxError: If it is no call either.
    """
    if is_intrinsic(text):
        return Intrinsic.of(text).call(scope)
    return read_named(Field.of(text), name, scope)


def read_reference(text: str, scope: Scope) -> Json:
    """Return what ``ItemsPath`` gives.

    Raises:
        EvaluationError: ``States.ReferencePathConflict``: ``Unable to apply step "items" to input {...}``.
        PathSyntaxError: If it is no path.
    """
    if text == "$":
        return scope.document
    field = Field.of(text)
    try:
        return read_field_of(field, scope)
    except PathError as error:
        conflict = _first_step_that_fails(field, scope)
        if conflict is None:
            raise EvaluationError(RUNTIME, f"Invalid path '{text}' : {error.what}") from error
        raise EvaluationError(REFERENCE_CONFLICT, conflict) from error


def _first_step_that_fails(field: Field, scope: Scope) -> str | None:
    keys = field.path.keys
    if keys is None or (field.root is Root.VARIABLE and field.variable not in scope.variables):
        return None
    value = document = {
        Root.INPUT: scope.document,
        Root.CONTEXT: scope.context,
        Root.VARIABLE: scope.variables.get(field.variable),
    }[field.root]
    for key in keys:
        try:
            value = value[key]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return unable_to_apply(key, document)
    return None


def put_result(text: str | None, document: Json, result: Json) -> Json:
    """Return a state's raw input with its result put where ``ResultPath`` says; ``None`` drops the result.

    Raises:
        EvaluationError: ``States.ReferencePathConflict``: something is in the way.
        PathSyntaxError: If it is no reference path.
    """
    if text is None:
        return document
    if text == "$":
        return result
    try:
        return ReferencePath.of(text).put(document, result)
    except ReferencePathError as error:
        raise EvaluationError(REFERENCE_CONFLICT, error.what) from error
