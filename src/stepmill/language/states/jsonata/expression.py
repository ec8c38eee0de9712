"""Expressions: compiled once, evaluated as often as wanted, from any thread.

Source: Amazon States Language, "JSONata"; the Step Functions guide, "Transforming data with JSONata".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from stepmill.core.json import DEEPEST_NESTING, Json
from stepmill.language.states.jsonata import functionals, paths, statements
from stepmill.language.states.jsonata.builders import Evaluate, build
from stepmill.language.states.jsonata.errors import (
    OUT_OF_MEMORY,
    STACK_OVERFLOW,
    ExpressionSyntaxError,
    QueryError,
    bound_met,
    internal_error,
)
from stepmill.language.states.jsonata.functions.registry import FUNCTIONS
from stepmill.language.states.jsonata.grammar import TooDeepError, read_tree
from stepmill.language.states.jsonata.nodes import Node
from stepmill.language.states.jsonata.resolving import resolve_tree
from stepmill.language.states.jsonata.running import Frame, Run, Surroundings
from stepmill.language.states.jsonata.shortcuts import shortcut
from stepmill.language.states.jsonata.values import (
    UNDEFINED,
    Function,
    Undefined,
    Value,
    number_text,
    sequence,
)

# They register what they build.
_BUILDERS = (functionals, paths, statements)


class Expression:
    """A JSONata expression that can be evaluated.

    It holds nothing of an evaluation: threads may share it.
    """

    __slots__ = ("_evaluate", "_shortcut", "text", "tree")

    def __init__(self, text: str, tree: Node | None, evaluate: Evaluate | None) -> None:
        self.text = text
        # None, if the expression is nested deeper than any evaluation may go.
        self.tree = tree
        self._evaluate = evaluate
        self._shortcut = shortcut(tree) if tree is not None else None

    def evaluate(
        self, states: Json, variables: Mapping[str, Json], surroundings: Surroundings | None = None
    ) -> Json | Undefined:
        """Return what the expression gives, as plain JSON, or ``UNDEFINED``.

        Args:
            states: What ``$states`` is: an object with ``input``, ``context`` and, where there is one,
                ``result`` or ``errorOutput``.
            variables: The variables that states have assigned, by name without the dollar sign.
            surroundings: The moment, and the seed of chance.

        Raises:
            QueryError: If the evaluation fails.
        """
        if self._shortcut is not None:
            found = self._shortcut(states, variables)
            if found is not None:
                return found[0]
        own: dict[str, Value] = {"$": UNDEFINED, "states": states}
        result: Json | Undefined = plain(self._query(UNDEFINED, variables, own, surroundings))
        return result

    def query(
        self, context: Value, variables: Mapping[str, Value], surroundings: Surroundings | None = None
    ) -> Value:
        """Return what the expression gives for any context, as the evaluation left it.

        Raises:
            QueryError: If the evaluation fails.
        """
        own = {"$": context}
        if isinstance(context, list):
            context = sequence([context])
            context.outer_wrapper = True
        return self._query(context, variables, own, surroundings)

    def _query(
        self,
        context: Value,
        variables: Mapping[str, Value],
        own: dict[str, Value],
        surroundings: Surroundings | None,
    ) -> Value:
        if self._evaluate is None:
            raise bound_met(STACK_OVERFLOW)
        run = Run(surroundings or _NOWHERE)
        # Only the innermost frame is bound into: the others are shared.
        given = variables if isinstance(variables, dict) else dict(variables)
        frame = Frame(Frame(Frame(None, run, _BUILTINS), run, given), run, own)
        try:
            return self._evaluate(context, frame)
        except RecursionError:
            raise bound_met(STACK_OVERFLOW) from None
        except MemoryError:
            raise bound_met(OUT_OF_MEMORY) from None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # A built-in function met an argument that its signature lets through: undefined, not a number.
            raise internal_error() from error


_BUILTINS: dict[str, Value] = dict(FUNCTIONS)
_NOWHERE = Surroundings()


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Expression:
    """Return the expression that a text, without ``{%`` and ``%}``, stands for.

    Raises:
        ExpressionSyntaxError: If it is not JSONata.
    """
    try:
        tree = resolve_tree(read_tree(text))
        return Expression(text, tree, build(tree))
    except TooDeepError:
        return Expression(text, None, None)


def plain(value: Value, depth: int = 0) -> Any:
    """Return a value as plain JSON.

    A number that is not finite becomes its name, as on AWS; a function within becomes an empty string.
    Members and items that are undefined do not occur.

    Raises:
        QueryError: If the value as a whole is a function, or is nested too deep.
    """
    if value is None or value is UNDEFINED:
        return value
    kind = type(value)
    if kind is str or kind is bool or kind is int:
        return value
    if kind is float:
        return value if math.isfinite(value) else number_text(value)
    if depth > DEEPEST_NESTING:
        raise bound_met(STACK_OVERFLOW)
    if isinstance(value, list):
        return [None if item is UNDEFINED else plain(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {name: plain(item, depth + 1) for name, item in value.items() if item is not UNDEFINED}
    if isinstance(value, Function) and depth == 0:
        raise QueryError("", message="The expression returned a function, which is not JSON")
    return ""


__all__ = ["Expression", "ExpressionSyntaxError", "QueryError", "Surroundings", "compile_expression", "plain"]
