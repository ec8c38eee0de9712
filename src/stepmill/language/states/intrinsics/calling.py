"""Intrinsic functions: compiled once, called with what is there when the state runs.

Causes are worded as the service words them. It calls all of these failures ``States.Runtime``, which nobody
may catch, where its guide says ``States.IntrinsicFailure``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from stepmill.core.json import Json, write_json
from stepmill.language.states.evaluation import RUNTIME, Scope
from stepmill.language.states.failures import EvaluationError
from stepmill.language.states.intrinsics.arguments import BadArgumentError, a_string
from stepmill.language.states.intrinsics.formatting import BadTemplateError, format_template
from stepmill.language.states.intrinsics.functions import FUNCTIONS
from stepmill.language.states.intrinsics.syntax import (
    Argument,
    Call,
    IntrinsicSyntaxError,
    Literal,
    read_call,
)
from stepmill.language.states.jsonpath import Field, PathEvaluationError, PathNotFoundError

FORMAT = "States.Format"


class _CannotCallError(Exception):
    """A function cannot be called; the text is what the service says of it."""


@dataclass(frozen=True, slots=True)
class Intrinsic:
    """A call of an intrinsic function. Make one with ``Intrinsic.of``.

    Args:
        text: As it was written.
        root: The outermost function.
    """

    text: str
    root: Call

    @classmethod
    def of(cls, text: str) -> Intrinsic:
        """Compile a call. The same text gives the same object.

        Raises:
            IntrinsicSyntaxError: If it is none, a function is unknown, or it has the wrong number of
                arguments.
        """
        return _intrinsic(text)

    def call(self, scope: Scope) -> Json:
        """Return the value.

        Raises:
            EvaluationError: ``States.Runtime``: an argument is not there, or is not one that the function
                takes.

        Example:
            >>> from stepmill.language.states.evaluation import FixedScope
            >>> Intrinsic.of("States.Format('Hi {}!', $.name)").call(FixedScope({"name": "Ada"}))
            'Hi Ada!'
        """
        try:
            return _call(self.root, scope)
        except _CannotCallError as error:
            raise self._failure(str(error)) from error
        except RecursionError as error:
            raise self._failure("An argument is nested too deep.") from error

    def _failure(self, what: str) -> EvaluationError:
        return EvaluationError(RUNTIME, f"The function '{self.text}' had the following error: {what}")

    @property
    def fields(self) -> tuple[Field, ...]:
        """The paths among its arguments, in order, inner ones too."""
        return tuple(_fields(self.root))

    @property
    def depth(self) -> int:
        """How many functions stand in it, itself counted."""
        return sum(1 for _ in _calls(self.root))


def _calls(call: Call) -> Iterator[Call]:
    yield call
    for argument in call.arguments:
        if isinstance(argument, Call):
            yield from _calls(argument)


def _fields(call: Call) -> Iterator[Field]:
    for argument in call.arguments:
        if isinstance(argument, Field):
            yield argument
        elif isinstance(argument, Call):
            yield from _fields(argument)


@lru_cache(maxsize=2048)
def _intrinsic(text: str) -> Intrinsic:
    root = read_call(text)
    for call in _calls(root):
        function = FUNCTIONS.get(call.name)
        if function is None:
            raise IntrinsicSyntaxError(f"There is no intrinsic function {call.name}.")
        if not function.takes(len(call.arguments)):
            raise IntrinsicSyntaxError(f"{call.name} does not take {len(call.arguments)} arguments.")
    return Intrinsic(text, root)


def _call(call: Call, scope: Scope) -> Json:
    try:
        if call.name == FORMAT:
            return _format(call, scope)
        values = [_value(argument, scope) for argument in call.arguments]
        return FUNCTIONS[call.name].call(values, scope.chance)
    except BadArgumentError as error:
        detail = f": {error.detail}" if error.detail else ""
        raise _CannotCallError(f"Invalid arguments in {call.name}{detail}") from error
    except BadTemplateError as error:
        raise _CannotCallError(f"Invalid template in {call.name}: {error.detail}") from error


def _format(call: Call, scope: Scope) -> str:
    first = call.arguments[0]
    is_literal = isinstance(first, Literal) and isinstance(first.value, str)
    template = first.template if isinstance(first, Literal) and is_literal else a_string(_value(first, scope))
    return format_template(template, [_value(argument, scope) for argument in call.arguments[1:]])


def _value(argument: Argument, scope: Scope) -> Json:
    if isinstance(argument, Literal):
        return argument.value
    if isinstance(argument, Call):
        return _call(argument, scope)
    try:
        return read_field_of(argument, scope)
    except PathNotFoundError as error:
        raise _CannotCallError(
            f"The JsonPath argument for the field '{argument.text}' could not be found in the input "
            f"'{quoted_document(argument, scope)}'"
        ) from error
    except PathEvaluationError as error:
        raise _CannotCallError(error.what) from error


def read_field_of(field: Field, scope: Scope) -> Json:
    """Return what stands at a path; the context is asked for only if the path reads it.

    Raises:
        PathNotFoundError: If nothing does.
        PathEvaluationError: If an index or filter of the path cannot be applied.
    """
    return field.read(scope.document, scope.context if field.reads_context else None, scope.variables)


def quoted_document(field: Field, scope: Scope) -> str:
    """Return, as causes quote it, the document in which nothing was found."""
    return write_json(scope.context) if field.reads_context else scope.quoted_document
