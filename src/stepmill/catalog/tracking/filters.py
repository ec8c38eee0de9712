"""MLflow's language to search by: conditions joined by ``and``, and what to order by. Pure.

Source: MLflow's documentation, "Search Runs", "Search Experiments", "Search Logged Models".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

from stepmill.core.errors import InvalidInputError

_T = TypeVar("_T")
LONGEST_FILTER = 20_000
_MOST_ORDERS = 50
_LONGEST_PATTERN = 8000

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
    |(?P<name>(?:[A-Za-z_][\w]*)(?:\.(?:`[^`]+`|"[^"]+"|[^\s'"`=<>!(),]+))?|`[^`]+`)
    |(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
    |(?P<sign><=|>=|!=|=|<|>)
    |(?P<mark>[(),]))""",
    re.VERBOSE,
)
_GROUPS = {
    "attribute": "attributes", "attributes": "attributes", "attr": "attributes", "run": "attributes",
    "metric": "metrics", "metrics": "metrics",
    "param": "params", "params": "params", "parameter": "params", "parameters": "params",
    "tag": "tags", "tags": "tags",
    "dataset": "datasets", "datasets": "datasets",
}  # fmt: skip
_TEXT_SIGNS = frozenset({"=", "!=", "LIKE", "ILIKE"})
_NUMBER_SIGNS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_LISTS = frozenset({"IN", "NOT IN"})
_NULLS = frozenset({"IS NULL", "IS NOT NULL"})
_ORDER = re.compile(r"(.+?)(?:\s+(asc|desc))?", re.IGNORECASE | re.DOTALL)
_DATASET_KEYS = ("name", "digest", "context")


@dataclass(frozen=True)
class Subject:
    """What is searched: one thing's values by group and key.

    Args:
        attributes: Texts and numbers; ``None``: it has none.
        metrics: Numbers.
        params: Texts.
        tags: Texts.
        datasets: Each with ``name``, ``digest``, ``context``.
    """

    attributes: Mapping[str, str | float | None]
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    datasets: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True)
class Searchable:
    """What things of a kind can be searched by.

    Args:
        texts: Attributes that are texts.
        numbers: Attributes that are numbers.
        groups: Beside attributes: ``metrics``, ``params``, ``tags``, ``datasets``.
        others: Other spelling of an attribute -> its name.
    """

    texts: frozenset[str]
    numbers: frozenset[str]
    groups: frozenset[str]
    others: Mapping[str, str] = field(default_factory=dict)


OF_RUNS = Searchable(
    frozenset({"run_id", "run_name", "status", "artifact_uri", "user_id", "experiment_id"}),
    frozenset({"start_time", "end_time"}),
    frozenset({"metrics", "params", "tags", "datasets"}),
    {
        "created": "start_time", "Created": "start_time", "run name": "run_name", "Run name": "run_name",
        "Run Name": "run_name",
    },
)  # fmt: skip
OF_EXPERIMENTS = Searchable(
    frozenset({"name", "experiment_id"}),
    frozenset({"creation_time", "last_update_time"}),
    frozenset({"tags"}),
)
OF_MODELS = Searchable(
    frozenset({"name", "model_id", "model_type", "status", "source_run_id", "experiment_id"}),
    frozenset({"creation_timestamp", "last_updated_timestamp"}),
    frozenset({"metrics", "params", "tags"}),
    {"creation_time": "creation_timestamp", "last_updated_time": "last_updated_timestamp"},
)


@dataclass(frozen=True)
class _Name:
    group: str
    key: str


@dataclass(frozen=True)
class Condition:
    """One comparison.

    Args:
        group: ``metrics``.
        key: ``auc``.
        sign: ``>=``, ``IN``, ``IS NULL``.
        value: Held against.
    """

    group: str
    key: str
    sign: str
    value: str | float | frozenset[str] = ""

    def holds(self, subject: Subject) -> bool:
        """Return whether it holds; of a value that is not there only ``IS NULL`` does."""
        if self.group == "datasets":
            return any(self._is_met(one.get(self.key)) for one in subject.datasets)
        values: Mapping[str, str | float | None] = getattr(subject, self.group)
        found = values.get(self.key)
        if self.sign in _NULLS:
            return (found is None) == (self.sign == "IS NULL")
        return self._is_met(found)

    def _is_met(self, found: str | float | None) -> bool:
        value = self.value
        if found is None:
            return False
        if isinstance(value, frozenset):
            return (found in value) == (self.sign == "IN")
        if self.sign in ("LIKE", "ILIKE"):
            return bool(_like(str(value), self.sign == "ILIKE").fullmatch(str(found)))
        return _COMPARISONS[self.sign](found, value)


def _of_numbers(compare: Callable[[float, float], bool]) -> Callable[[str | float, str | float], bool]:
    return lambda one, other: compare(float(one), float(other))


_COMPARISONS: Mapping[str, Callable[[str | float, str | float], bool]] = {
    "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": _of_numbers(lambda one, other: one < other),
    "<=": _of_numbers(lambda one, other: one <= other),
    ">": _of_numbers(lambda one, other: one > other),
    ">=": _of_numbers(lambda one, other: one >= other),
}


@dataclass(frozen=True)
class Order:
    """What to order by.

    Args:
        group: ``metrics``.
        key: ``auc``.
        descending: Whether the greatest comes first.
    """

    group: str
    key: str
    descending: bool = False


def read_filter(text: str, searchable: Searchable = OF_RUNS) -> tuple[Condition, ...]:
    """Return the conditions of a filter, all of which must hold.

    Raises:
        InvalidInputError: If it is none in MLflow's language.

    Example:
        >>> read_filter("metrics.auc > 0.5 and tags.`my tag` LIKE 'a%'")[1]
        Condition(group='tags', key='my tag', sign='LIKE', value='a%')
    """
    if len(text) > LONGEST_FILTER:
        raise _invalid(f"The filter is longer than {LONGEST_FILTER} characters.")
    reader = _Reader(text, searchable)
    return reader.conditions() if text.strip() else ()


def read_orders(texts: Sequence[str], searchable: Searchable = OF_RUNS) -> tuple[Order, ...]:
    """Return what to order by.

    Raises:
        InvalidInputError: If something cannot be ordered by.

    Example:
        >>> read_orders(["metrics.auc DESC"])
        (Order(group='metrics', key='auc', descending=True),)
    """
    if len(texts) > _MOST_ORDERS:
        raise _invalid(f"There are more than {_MOST_ORDERS} members of order_by.")
    orders: list[Order] = []
    for text in texts:
        match = re.fullmatch(
            r"\s*(.+?)(?:\s+(asc|desc))?\s*", text[:LONGEST_FILTER], re.IGNORECASE | re.DOTALL
        )
        if match is None:
            raise _invalid(f"Invalid order_by clause {text[:80]!r}.")
        name = _name(match[1], searchable)
        if name.group == "datasets":
            raise _invalid(
                f"Invalid order_by clause {text[:80]!r}: runs cannot be ordered by their datasets."
            )
        orders.append(Order(name.group, name.key, (match[2] or "").upper() == "DESC"))
    return tuple(orders)


def arranged(subjects: Iterable[tuple[Subject, _T]], orders: Sequence[Order]) -> list[_T]:
    """Return what belongs to the subjects, in order; whatever lacks a value comes last."""
    kept = list(subjects)
    for order in reversed(orders):
        kept.sort(key=lambda pair: _rank(pair[0], order), reverse=order.descending)
        kept.sort(key=lambda pair: _lack(pair[0], order))
    return [thing for _, thing in kept]


def _found(subject: Subject, order: Order) -> str | float | None:
    values: Mapping[str, str | float | None] = getattr(subject, order.group)
    return values.get(order.key)


def _lack(subject: Subject, order: Order) -> int:
    found = _found(subject, order)
    # MLflow: numbers, then not a number, then nothing.
    if found is None:
        return 2
    return int(isinstance(found, float) and math.isnan(found))


def _rank(subject: Subject, order: Order) -> tuple[float, str]:
    found = _found(subject, order)
    if found is None or (isinstance(found, float) and math.isnan(found)):
        return 0.0, ""
    return (0.0, found) if isinstance(found, str) else (found, "")


class _Reader:
    """Reads one filter."""

    def __init__(self, text: str, searchable: Searchable) -> None:
        self._searchable = searchable
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        at = 0
        end = len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise _invalid(f"Error on parsing filter {text[:200]!r} at {text[at : at + 40]!r}.")
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        self._at = 0

    def conditions(self) -> tuple[Condition, ...]:
        """Return all conditions."""
        found = [self._condition()]
        while self._at < len(self._tokens):
            kind, value = self._next()
            if kind != "name" or value.upper() != "AND":
                raise _invalid(
                    f"Invalid clause(s) in filter string: {value[:80]!r}.",
                    mend="Conditions are joined by 'and' alone.",
                )
            found.append(self._condition())
        return tuple(found)

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise _invalid(f"The filter {self._text[:200]!r} ends too early.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _condition(self) -> Condition:
        kind, value = self._next()
        if kind != "name":
            raise _invalid(f"Invalid clause in filter: {value[:80]!r} is not what can be compared.")
        name = _name(value, self._searchable)
        sign = self._sign()
        is_number = name.group == "metrics" or (
            name.group == "attributes" and name.key in self._searchable.numbers
        )
        _check_sign(name, sign, is_number=is_number)
        if sign in _NULLS:
            return Condition(name.group, name.key, sign)
        if sign in _LISTS:
            return Condition(name.group, name.key, sign, frozenset(self._list()))
        kind, value = self._next()
        if is_number:
            if kind != "number":
                raise _invalid(
                    f"Expected numeric value type for {name.group}.{name.key}. Found {value[:80]}."
                )
            return Condition(name.group, name.key, sign, float(value))
        if kind != "text":
            raise _invalid(
                f"Expected a quoted string value for {name.group}.{name.key}. Got value {value[:80]}."
            )
        text = _unquoted(value)
        if len(text) > _LONGEST_PATTERN:
            raise _invalid(f"The value for {name.group}.{name.key[:80]} is too long.")
        return Condition(name.group, name.key, sign, text)

    def _sign(self) -> str:
        kind, value = self._next()
        if kind == "sign":
            return value
        word = value.upper()
        if kind == "name" and word in ("LIKE", "ILIKE", "IN"):
            return word
        if kind == "name" and word in ("NOT", "IS"):
            more = self._next()[1].upper()
            if word == "IS" and more == "NOT":
                more = f"NOT {self._next()[1].upper()}"
            if f"{word} {more}" in _LISTS | _NULLS:
                return f"{word} {more}"
        raise _invalid(f"Invalid comparator {value[:80]!r} in filter.")

    def _list(self) -> list[str]:
        found: list[str] = []
        if self._next()[1] != "(":
            raise _invalid("A list in a filter is written ('a', 'b').")
        while True:
            kind, value = self._next()
            if kind != "text":
                raise _invalid("While parsing a list in the query, expected string value.")
            found.append(_unquoted(value))
            mark = self._next()[1]
            if mark == ")":
                return found
            if mark != ",":
                raise _invalid("A list in a filter is written ('a', 'b').")


def _check_sign(name: _Name, sign: str, *, is_number: bool) -> None:
    if is_number:
        valid = _NUMBER_SIGNS
    elif name.group in ("params", "tags"):
        valid = _TEXT_SIGNS | _NULLS
    else:
        valid = _TEXT_SIGNS | _LISTS
    if sign not in valid:
        raise _invalid(f"Invalid comparator '{sign}' not one of {sorted(valid)} for {name.group}.")


def _name(text: str, searchable: Searchable) -> _Name:
    """Return what ``metrics.auc``, ``params.`a b``` or ``status`` names."""
    first, dot, rest = text.partition(".")
    group = _GROUPS.get(first.strip()) if dot and not text.startswith("`") else "attributes"
    key = _bare(rest if dot and not text.startswith("`") else text)
    if group is None or (group != "attributes" and group not in searchable.groups):
        raise _invalid(
            f"Invalid entity type {first[:80]!r}.",
            mend=f"Valid values are attributes, {', '.join(sorted(searchable.groups))}.",
        )
    if group == "attributes":
        key = searchable.others.get(key, key)
        if key not in searchable.texts | searchable.numbers:
            known = ", ".join(sorted(searchable.texts | searchable.numbers))
            raise _invalid(f"Invalid attribute key {key[:80]!r} specified.", mend=f"Valid keys are {known}.")
    if group == "datasets" and key not in _DATASET_KEYS:
        raise _invalid(
            f"Invalid dataset key {key[:80]!r} specified.", mend=f"Valid keys are {_DATASET_KEYS}."
        )
    return _Name(group, key)


def _bare(text: str) -> str:
    text = text.strip()
    quote = text[:1]
    return text[1:-1] if quote in ("`", '"') and len(text) > 1 and text.endswith(quote) else text


def _unquoted(text: str) -> str:
    quote = text[0]
    return text[1:-1].replace(quote * 2, quote).replace(f"\\{quote}", quote)


@lru_cache(maxsize=64)
def _like(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    """Return SQL's pattern as an expression that does not go back: runs of ``%`` are one."""
    pieces = re.sub("%+", "%", pattern).split("%")
    escaped = [re.escape(piece).replace("_", ".") for piece in pieces]
    # Each piece between two wildcards is taken where it is found first; the last one must end the text.
    middle = "".join(f"(?>.*?{piece})" for piece in escaped[1:-1])
    last = f".*{escaped[-1]}" if len(escaped) > 1 else ""
    return re.compile(escaped[0] + middle + last, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _invalid(what: str, mend: str = "") -> InvalidInputError:
    return InvalidInputError(what, where="filter", mend=mend)
