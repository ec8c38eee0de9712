"""Templates: documents in which every string ``{% ... %}`` is an expression.

Source: Amazon States Language, "JSONata": such strings stand in the fields of states, at any depth. The Step
Functions guide; the wording of the causes as users of AWS report them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from stepmill.core.json import Json, write_json
from stepmill.language.states.failures import QUERY_EVALUATION_ERROR, EvaluationError
from stepmill.language.states.jsonata.checking import references_of
from stepmill.language.states.jsonata.errors import QueryError
from stepmill.language.states.jsonata.expression import Expression, Surroundings, compile_expression
from stepmill.language.states.jsonata.values import Undefined

_Render: TypeAlias = Callable[[Json, Mapping[str, Json], Surroundings, str], Json]

# Functions that look at the world outside of the expression.
_SURROUNDING = frozenset(["millis", "now", "random", "shuffle", "toMillis", "uuid"])


def is_expression(value: Json) -> bool:
    """Return whether a value is a string that holds an expression.

    Example:
        >>> is_expression("{% $x %}"), is_expression("{% $x"), is_expression("$x")
        (True, False, False)
    """
    return isinstance(value, str) and len(value) >= 4 and value.startswith("{%") and value.endswith("%}")


def expression_text(value: str) -> str:
    """Return the expression within ``{%`` and ``%}``, without the blanks around it."""
    return value[2:-2].strip()


class JsonataTemplate:
    """A document with expressions, ready to be rendered. It can be shared by threads.

    ``reads_context``: an expression may read ``$states.context``. ``reads_surroundings``: one may tell the
    time, or draw by chance. Where they are false, nobody needs to make these.
    """

    __slots__ = ("_document", "_render", "reads_context", "reads_surroundings")

    def __init__(self, document: Json, render: _Render | None) -> None:
        self._document = document
        self._render = render
        read = [references_of(text) for text in _expressions_in(document)] if render else []
        self.reads_context = any(not way or way[0] == "context" for each in read for way in each.states)
        self.reads_surroundings = any(each.functions & _SURROUNDING for each in read)

    @staticmethod
    def of(document: Json) -> JsonataTemplate:
        """Return the template that a document is.

        Raises:
            ExpressionSyntaxError: If a string in it holds no JSONata.
        """
        return JsonataTemplate(document, _compiled(document))

    @property
    def is_constant(self) -> bool:
        """Whether there is no expression in it."""
        return self._render is None

    def render(
        self,
        states: Json,
        variables: Mapping[str, Json],
        surroundings: Surroundings | None = None,
        *,
        field: str = "",
    ) -> Json:
        """Return the document with the values of its expressions.

        Args:
            states: What ``$states`` is.
            variables: By name, without the dollar sign.
            surroundings: The moment, and the seed of chance.
            field: Where the document stands in its state: ``Arguments``, ``Choices[0]/Output``.

        Raises:
            EvaluationError: If an expression fails, or gives nothing.
        """
        if self._render is None:
            return self._document
        return self._render(states, variables, surroundings or Surroundings(), field)


def _expressions_in(document: Json) -> Iterator[str]:
    if isinstance(document, str):
        if is_expression(document):
            yield expression_text(document)
    elif isinstance(document, Mapping):
        for value in document.values():
            yield from _expressions_in(value)
    elif isinstance(document, Sequence):
        for value in document:
            yield from _expressions_in(value)


def _compiled(document: Json) -> _Render | None:
    """Return what renders a document, or None if it stays as it is."""
    if is_expression(document):
        return _of_expression(compile_expression(expression_text(str(document))))
    if isinstance(document, Mapping):
        return _of_object(document)
    if isinstance(document, Sequence) and not isinstance(document, str):
        return _of_array(document)
    return None


def _of_expression(expression: Expression) -> _Render:
    def render(states: Json, variables: Mapping[str, Json], surroundings: Surroundings, field: str) -> Json:
        return evaluate_field(expression, states, variables, surroundings, field=field)

    return render


def _of_object(document: Mapping[str, Json]) -> _Render | None:
    members = [(name, value, _compiled(value)) for name, value in document.items()]
    if all(member is None for _, _, member in members):
        return None

    def render(states: Json, variables: Mapping[str, Json], surroundings: Surroundings, field: str) -> Json:
        return {
            name: value if member is None else member(states, variables, surroundings, f"{field}/{name}")
            for name, value, member in members
        }

    return render


def _of_array(document: Sequence[Json]) -> _Render | None:
    items = [(value, _compiled(value)) for value in document]
    if all(item is None for _, item in items):
        return None

    def render(states: Json, variables: Mapping[str, Json], surroundings: Surroundings, field: str) -> Json:
        return [
            value if item is None else item(states, variables, surroundings, f"{field}[{place}]")
            for place, (value, item) in enumerate(items)
        ]

    return render


def evaluate_field(
    expression: Expression,
    states: Json,
    variables: Mapping[str, Json],
    surroundings: Surroundings | None = None,
    *,
    field: str,
) -> Json:
    """Return what an expression gives for a field of a state.

    Args:
        expression: The expression.
        states: What ``$states`` is.
        variables: By name, without the dollar sign.
        surroundings: The moment, and the seed of chance.
        field: Where it stands in the state: ``Output/total``, ``Items``.

    Raises:
        EvaluationError: If it fails, or gives nothing.
    """
    try:
        value = expression.evaluate(states, variables, surroundings)
    except QueryError as error:
        link = ". " if error.code else ": "
        what = f"threw an error during evaluation{link}{error}"
        if error.is_internal:
            # AWS goes on with a number of its own.
            what = "threw an internal error during evaluation."
        raise _failure(expression, field, what) from error
    if isinstance(value, Undefined):
        raise _failure(expression, field, "returned nothing (undefined).")
    return value


def unexpected_type(expression: Expression, field: str, expected: str, value: Json) -> EvaluationError:
    """Return the error of an expression whose value is of another type than its field takes.

    Args:
        expression: The expression.
        field: Where it stands in the state.
        value: What it gave.
        expected: Name of the type: ``array``, ``boolean``, ``number``, ``string``, ``object``.
    """
    shown = f"Expected '{expected}', but was '{type_name(value)}' for value: {write_json(value)}"
    return _failure(expression, field, f"returned an unexpected result type. {shown}")


def type_name(value: Json) -> str:
    """Return the name of a value's type, as JSONata has it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Mapping) else "array"


def _failure(expression: Expression, field: str, what: str) -> EvaluationError:
    cause = f"The JSONata expression '{expression.text}' specified for the field '{field}' {what}"
    return EvaluationError(QUERY_EVALUATION_ERROR, cause, location=field)
