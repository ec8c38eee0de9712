"""What the tests of JSONata ask about, and how they ask."""

from __future__ import annotations

from typing import Any

from stepmill.core.json import Json
from stepmill.language.states.jsonata.errors import ExpressionSyntaxError, QueryError
from stepmill.language.states.jsonata.expression import Surroundings, compile_expression
from stepmill.language.states.jsonata.values import UNDEFINED

STATES: Json = {
    "input": {
        "title": "T",
        "nothing": None,
        "empty": [],
        "matrix": [[1, 2], [3, 4]],
        "items": [
            {"name": "a", "price": 10, "kind": "x", "tags": ["t1", "t2"]},
            {"name": "b", "price": 25.5, "kind": "y", "tags": []},
            {"name": "c", "price": 7, "kind": "x", "tags": ["t3"]},
        ],
    },
    "context": {"Execution": {"Id": "arn:x"}},
}
SURROUNDINGS = Surroundings(now_millis=1_700_000_000_000, seed=7)


def value_of(expression: str, **variables: Json) -> Any:
    """Return what an expression gives."""
    return compile_expression(expression).evaluate(STATES, variables, SURROUNDINGS)


def given(expression: str) -> Any:
    """Return what an expression gives, so that 1, 1.0 and true differ."""
    value = value_of(expression)
    return "undefined" if value is UNDEFINED else ("value", value, type(value))


def ended(expression: str) -> tuple[str, str]:
    """Return the code and the message that an expression fails with."""
    try:
        value = value_of(expression)
    except (QueryError, ExpressionSyntaxError) as error:
        return error.code, error.message
    raise AssertionError(f"gave {value!r}")
