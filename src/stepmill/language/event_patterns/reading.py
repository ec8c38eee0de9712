"""From the document of a pattern to the pattern. Pure.

Source: EventBridge user guide, "Event patterns" and "Comparison operators for use in event patterns"; SNS
developer guide, "Filter policy constraints".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, read_json
from stepmill.language.event_patterns.conditions import (
    COMPARISONS,
    Affix,
    AnythingBut,
    Condition,
    Equals,
    EqualsIgnoringCase,
    Exists,
    InNetwork,
    Numeric,
    Wildcard,
)
from stepmill.language.event_patterns.pattern import AnyOf, Pattern

# EventBridge takes 2,048 characters, or more on request; of a filter policy SNS takes 256 KB.
LARGEST_PATTERN_BYTES = 262_144
# Far more than anybody writes; each is tried for each event.
MOST_CONDITIONS = 10_000
LARGEST_NUMBER = 5.0e9

_OR = "$or"
_FEWEST_ALTERNATIVES = 2
_LOWER, _UPPER = frozenset({">", ">="}), frozenset({"<", "<="})


def read_pattern(text: str) -> Pattern:
    """Return the pattern of a JSON text.

    Raises:
        InvalidInputError: If it is none; ``what`` is the reason, ``where`` the field.

    Example:
        >>> pattern = read_pattern('{"score": [{"numeric": [">", 0.9]}]}')
        >>> pattern.matches({"score": 0.95})
        True
    """
    if len(text.encode()) > LARGEST_PATTERN_BYTES:
        raise InvalidInputError("The pattern is too large")
    document = read_json(text)
    if not isinstance(document, Mapping):
        raise InvalidInputError("Filter is not an object")
    if not document:
        raise InvalidInputError("Empty event pattern is not allowed")
    return _Reader().pattern(document, "")


class _Reader:
    """Counts what it reads: each condition costs something with every event."""

    def __init__(self) -> None:
        self._count = 0

    def pattern(self, document: JsonObject, where: str) -> Pattern:
        fields: list[tuple[str, AnyOf | Pattern]] = []
        alternatives: list[tuple[Pattern, ...]] = []
        for name, value in document.items():
            here = f"{where}.{name[:80]}" if where else name[:80]
            if name == _OR and (found := _alternatives(value)):
                alternatives.append(tuple(self.pattern(one, here) for one in found))
            elif isinstance(value, Mapping):
                if not value:
                    raise InvalidInputError("Empty objects are not allowed", where=here)
                fields.append((name, self.pattern(value, here)))
            elif isinstance(value, Sequence) and not isinstance(value, str):
                if not value:
                    raise InvalidInputError("Empty arrays are not allowed", where=here)
                fields.append((name, AnyOf(tuple(self.condition(one, here) for one in value))))
            else:
                raise InvalidInputError(f'"{name[:80]}" must be an object or an array', where=here)
        return Pattern(tuple(fields), tuple(alternatives))

    def condition(self, value: Json, where: str) -> Condition:
        self._count += 1
        if self._count > MOST_CONDITIONS:
            raise InvalidInputError(f"There are more than {MOST_CONDITIONS} values", where=where)
        if isinstance(value, Mapping):
            return _operator(value, where)
        if isinstance(value, Sequence) and not isinstance(value, str):
            raise InvalidInputError("Match value must be String, number, true, false, or null", where=where)
        return Equals(value)


def _alternatives(value: Json) -> list[JsonObject]:
    """Return the patterns of an ``$or``; none if it is a field that is called so."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) < _FEWEST_ALTERNATIVES:
        return []
    found = [one for one in value if isinstance(one, Mapping) and one and not one.keys() & _OPERATORS.keys()]
    return found if len(found) == len(value) else []


def _operator(value: JsonObject, where: str) -> Condition:
    if len(value) != 1:
        raise InvalidInputError("Only one key allowed in match expression", where=where)
    ((name, said),) = value.items()
    read = _OPERATORS.get(name)
    if read is None:
        raise InvalidInputError(
            f"Unrecognized match type {name[:80]}", where=where, mend=f"There are {', '.join(_OPERATORS)}."
        )
    return read(said, where)


def _affix(name: str, *, is_suffix: bool) -> Callable[[Json, str], Condition]:
    def read(said: Json, where: str) -> Condition:
        inner: Json = None
        if isinstance(said, Mapping) and said.keys() == {"equals-ignore-case"}:
            inner = said["equals-ignore-case"]
        text = said if inner is None else inner
        return Affix(_text(text, name, where), is_suffix=is_suffix, ignores_case=inner is not None)

    return read


def _ignoring_case(said: Json, where: str) -> Condition:
    return EqualsIgnoringCase(_text(said, "equals-ignore-case", where, may_be_empty=True))


def _wildcard(said: Json, where: str) -> Condition:
    """Read ``*`` as anything; behind a backslash a star or a backslash is itself."""
    text = _text(said, "wildcard", where)
    pieces, position = [""], 0
    while position < len(text):
        letter = text[position]
        if letter == "*":
            if position and text[position - 1] == "*" and not pieces[-1]:
                raise InvalidInputError(f"Consecutive wildcard characters at pos {position - 1}", where=where)
            pieces.append("")
        elif letter == "\\":
            position += 1
            if text[position : position + 1] not in ("*", "\\"):
                raise InvalidInputError(f"Invalid escape character at pos {position - 1}", where=where)
            pieces[-1] += text[position]
        else:
            pieces[-1] += letter
        position += 1
    return Wildcard(tuple(pieces)) if len(pieces) > 1 else Equals(pieces[0])


def _numeric(said: Json, where: str) -> Condition:
    items = list(said) if isinstance(said, Sequence) and not isinstance(said, str) else []
    if not items:
        raise InvalidInputError("Value of numeric must be an array", where=where)
    signs, numbers = items[::2], items[1::2]
    if len(signs) != len(numbers):
        raise InvalidInputError("Value of numeric must be a sign and a number, or two of each", where=where)
    bounds: list[tuple[str, float]] = []
    for sign, number in zip(signs, numbers, strict=True):
        if not isinstance(sign, str) or sign not in COMPARISONS:
            raise InvalidInputError(f"Unrecognized numeric range operator: {str(sign)[:20]}", where=where)
        if not isinstance(number, int | float) or isinstance(number, bool):
            raise InvalidInputError("Value of numeric range operator must be numeric", where=where)
        if abs(number) > LARGEST_NUMBER:
            raise InvalidInputError(
                f"Value must be between {-LARGEST_NUMBER:g} and {LARGEST_NUMBER:g}, inclusive", where=where
            )
        bounds.append((sign, float(number)))
    is_range = len(bounds) == 2 and bounds[0][0] in _LOWER and bounds[1][0] in _UPPER
    if len(bounds) > 1 and not is_range:
        raise InvalidInputError("A range must have a lower bound and then an upper one", where=where)
    if is_range and bounds[0][1] >= bounds[1][1]:
        raise InvalidInputError("Bottom must be less than top", where=where)
    return Numeric(tuple(bounds))


def _cidr(said: Json, where: str) -> Condition:
    try:
        return InNetwork(ipaddress.ip_network(_text(said, "cidr", where), strict=False))
    except ValueError as error:
        raise InvalidInputError(f"Malformed CIDR: {error}", where=where) from error


def _exists(said: Json, where: str) -> Condition:
    if not isinstance(said, bool):
        raise InvalidInputError("exists match pattern must be either true or false.", where=where)
    return Exists(said)


def _anything_but(said: Json, where: str) -> Condition:
    if isinstance(said, Mapping):
        if len(said) != 1 or not said.keys() <= _TEXT_OPERATORS:
            raise InvalidInputError(
                "Value of anything-but must be an array or single string/number value, or one of "
                f"{', '.join(sorted(_TEXT_OPERATORS))}.",
                where=where,
            )
        ((name, inner),) = said.items()
        return AnythingBut(tuple(_OPERATORS[name](one, where) for one in _each(inner, where)))
    conditions = []
    for one in _each(said, where):
        if isinstance(one, bool) or not isinstance(one, str | int | float):
            raise InvalidInputError(
                "Inside anything but list, start|null|boolean is not supported.", where=where
            )
        conditions.append(Equals(one))
    return AnythingBut(tuple(conditions))


def _each(said: Json, where: str) -> list[Json]:
    items: list[Json] = list(said) if isinstance(said, Sequence) and not isinstance(said, str) else [said]
    if not items:
        raise InvalidInputError("Empty arrays are not allowed", where=where)
    if len(items) > MOST_CONDITIONS:
        raise InvalidInputError(f"There are more than {MOST_CONDITIONS} values", where=where)
    return items


def _text(said: Json, name: str, where: str, *, may_be_empty: bool = False) -> str:
    if not isinstance(said, str):
        raise InvalidInputError(f"{name} match pattern must be a string", where=where)
    if not said and not may_be_empty:
        raise InvalidInputError("Null prefix/suffix not allowed", where=where)
    return said


_OPERATORS: Mapping[str, Callable[[Json, str], Condition]] = {
    "prefix": _affix("prefix", is_suffix=False),
    "suffix": _affix("suffix", is_suffix=True),
    "equals-ignore-case": _ignoring_case,
    "wildcard": _wildcard,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "cidr": _cidr,
    "exists": _exists,
}
_TEXT_OPERATORS = frozenset({"prefix", "suffix", "equals-ignore-case", "wildcard"})
