"""Signatures of functions, ``<s-nn?:s>``: which arguments they take, and how calls are fitted to them.

Source: the JSONata documentation, "Function signatures"; its reference implementation 2.0.6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from stepmill.language.states.jsonata.errors import ExpressionSyntaxError, QueryError
from stepmill.language.states.jsonata.values import UNDEFINED, Function, Value

_TYPE_NAMES = {
    "a": "arrays",
    "b": "booleans",
    "f": "functions",
    "n": "numbers",
    "o": "objects",
    "s": "strings",
}
_PATTERNS = {
    **{kind: f"[{kind}m]" for kind in "snblo"},
    "a": "[asnblfom]",
    "f": "f",
    "j": "[asnblom]",
    "x": "[asnblfom]",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: what its argument must be, and what the context, where it may stand for it."""

    kind: str
    pattern: str
    subtype: str | None = None
    from_context: str | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """A function's parameters."""

    parameters: tuple[Parameter, ...]
    pattern: re.Pattern[str]

    @staticmethod
    @lru_cache(maxsize=512)
    def of(text: str) -> Signature:
        """Return the signature that a text stands for.

        Raises:
            ExpressionSyntaxError: S0401 or S0402, if it has type parameters where none can be.
        """
        parameters: list[Parameter] = []
        at = 1
        while at < len(text) and text[at] != ":":
            symbol = text[at]
            if symbol in _PATTERNS:
                parameters.append(Parameter(symbol, _PATTERNS[symbol]))
            elif symbol == "(":
                end = _closing(text, at, ")")
                choice = text[at + 1 : end]
                if "<" in choice or not all(letter in "asnblfojx" for letter in choice):
                    raise ExpressionSyntaxError("S0402", at, value=choice)
                parameters.append(Parameter(f"({choice})", f"[{choice}m]"))
                at = end
            elif parameters:
                last = parameters[-1]
                if symbol == "-":
                    parameters[-1] = replace(last, from_context=last.pattern, pattern=last.pattern + "?")
                elif symbol in "?+":
                    parameters[-1] = replace(last, pattern=last.pattern.rstrip("?+") + symbol)
                elif symbol == "<":
                    if last.kind not in ("a", "f"):
                        raise ExpressionSyntaxError("S0401", at, value=last.kind)
                    end = _closing(text, at, ">")
                    parameters[-1] = replace(last, subtype=text[at + 1 : end])
                    at = end
            elif symbol == "<":
                raise ExpressionSyntaxError("S0401", at, value=None)
            at += 1
        whole = "".join(f"({parameter.pattern})" for parameter in parameters)
        return Signature(tuple(parameters), re.compile(f"^{whole}$"))

    def fit(self, given: list[Value], context: Value) -> list[Value]:
        """Return the arguments as the function shall get them.

        Raises:
            QueryError: T0410, T0411 or T0412, if they are of other types.
        """
        symbols = "".join(map(_symbol, given))
        found = self.pattern.match(symbols)
        if found is None:
            raise self._misfit(given, symbols)
        fitted: list[Value] = []
        at = 0
        for parameter, matched in zip(self.parameters, found.groups(), strict=True):
            if matched:
                for symbol in matched:
                    fitted.append(_argument(parameter, symbol, given, at))
                    at += 1
            elif parameter.from_context is None:
                fitted.append(given[at] if at < len(given) else UNDEFINED)
                at += 1
            elif re.fullmatch(parameter.from_context, _symbol(context)):
                fitted.append(context)
            else:
                raise QueryError("T0411", value=context, index=at + 1)
        return fitted

    def _misfit(self, given: list[Value], symbols: str) -> QueryError:
        """Return the error for the first argument that does not fit."""
        pattern, fitting = "", 0
        for parameter in self.parameters:
            pattern += parameter.pattern
            found = re.match(pattern, symbols)
            if found is None:
                break
            fitting = found.end()
        return QueryError("T0410", value=given[fitting] if fitting < len(given) else None, index=fitting + 1)


def _argument(parameter: Parameter, symbol: str, given: list[Value], at: int) -> Value:
    # One or more (`+`) may have taken all that there are.
    value: Value = given[at] if at < len(given) else UNDEFINED
    if parameter.kind != "a" or symbol == "m":
        return value
    subtype = parameter.subtype
    if subtype is not None:
        if symbol == "a":
            fits = all(_symbol(item) == subtype[0] for item in _listed(value))
        else:
            fits = symbol == subtype
        if not fits:
            raise QueryError("T0412", value=value, index=at + 1, type=_TYPE_NAMES.get(subtype))
    return value if symbol == "a" else [value]


def _listed(value: Value) -> list[Value]:
    return value if isinstance(value, list) else []


def _symbol(value: Value) -> str:
    if value is None:
        return "l"
    kind = type(value)
    if kind is str:
        return "s"
    if kind is int or kind is float:
        return "n"
    if kind is bool:
        return "b"
    if isinstance(value, list):
        return "a"
    if isinstance(value, dict):
        return "o"
    return "f" if isinstance(value, Function) else "m"


def _closing(text: str, start: int, closing: str) -> int:
    opening, depth, at = text[start], 1, start
    while at < len(text) - 1:
        at += 1
        if text[at] == closing:
            depth -= 1
            if depth == 0:
                break
        elif text[at] == opening:
            depth += 1
    return at
