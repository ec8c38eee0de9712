"""Values that are known only when a pipeline runs, and the conditions and texts made of them.

Each is frozen, and each knows the expression that stands for it in a definition. Comparing one
gives a condition, not a bool, so that ``ConditionStep("Good", evaluate.mse <= limit)`` reads as what
it means.

Source: the pipeline definition schema 2020-12-01, expressions ``Get``, ``Std:Join``, ``Std:JsonGet``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, NoReturn, TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, write_json

Scalar: TypeAlias = bool | int | float | str

_IN_PYTHON = "Pipelines are described before they run: decide with a ConditionStep, build texts with Join."


class Producer:
    """Something that leaves values for others: a step. Stands here so that values need not know steps.

    Args:
        name: As in the definition.
    """

    name: str


class Condition(ABC):
    """Something that is true or false when the pipeline runs; a ConditionStep decides by it.

    ``~condition`` negates, ``a | b`` and ``a & b`` combine.
    """

    @abstractmethod
    def expression(self) -> JsonObject:
        """Return the document that stands for this in a definition."""

    def __invert__(self) -> Condition:
        return Not(self)

    def __or__(self, other: Condition) -> Condition:
        return Or((self, other))

    def __and__(self, other: Condition) -> Condition:
        return And((self, other))

    def __bool__(self) -> bool:
        raise TypeError(
            "Whether this condition holds is known only when the pipeline runs. "
            "Give it to a ConditionStep instead of an if, and use &, | and ~ instead of and, or and not."
        )


class Value(ABC):
    """A value that is known only when the pipeline runs.

    Comparing (``< <= > >= == !=``) gives a ``Condition``; ``is_in`` asks for one of several values.
    ``value + "text"`` and ``value / "file"`` give joined texts.
    """

    @property
    def is_text(self) -> bool:
        """Whether the value is surely a text; only then may it stand alone where AWS wants a string."""
        return False

    @abstractmethod
    def expression(self) -> JsonObject:
        """Return the expression that stands for this in a definition."""

    def is_in(self, options: Iterable[object]) -> Condition:
        """Return the condition that this equals one of ``options``."""
        return In(self, tuple(_literal(option) for option in options))

    def __lt__(self, other: object) -> Condition:
        return Comparison("LessThan", self, _literal(other))

    def __le__(self, other: object) -> Condition:
        return Comparison("LessThanOrEqualTo", self, _literal(other))

    def __gt__(self, other: object) -> Condition:
        return Comparison("GreaterThan", self, _literal(other))

    def __ge__(self, other: object) -> Condition:
        return Comparison("GreaterThanOrEqualTo", self, _literal(other))

    def __eq__(self, other: object) -> Any:
        return Comparison("Equals", self, _literal(other))

    def __ne__(self, other: object) -> Any:
        return Not(Comparison("Equals", self, _literal(other)))

    def __hash__(self) -> int:
        return id(self)

    def __add__(self, other: str) -> Join:
        return _joined("", self, other)

    def __radd__(self, other: str) -> Join:
        return _joined("", other, self)

    def __truediv__(self, other: str) -> Join:
        return _joined("/", self, other)

    def __bool__(self) -> bool:
        raise TypeError(f"{self!r} has no value before the pipeline runs. {_IN_PYTHON}")

    def __str__(self) -> str:
        raise TypeError(f"{self!r} has no text before the pipeline runs. {_IN_PYTHON}")

    def __format__(self, form: str) -> str:
        return str(self)

    def __iter__(self) -> NoReturn:
        raise TypeError(f"{self!r} cannot be looped over before the pipeline runs. Use a ForEachStep.")

    def __contains__(self, item: object) -> NoReturn:
        raise TypeError(f"{self!r} cannot be searched before the pipeline runs. Use is_in for conditions.")


def _literal(value: object) -> Value | Scalar:
    if isinstance(value, (Value, bool, int, float, str)):
        return value
    raise TypeError(f"A value of a pipeline is compared with a number, text, bool or value, not {value!r}.")


def _joined(separator: str, *parts: Value | str) -> Join:
    for part in parts:
        if not isinstance(part, (Value, str)):
            raise TypeError(f"A text is joined from texts, not from {part!r}. Use Join for numbers.")
    if all(isinstance(part, Value) for part in parts):
        raise TypeError("Two values are joined by Join([a, b]); arithmetic belongs into a step.")
    return Join(parts, separator)


@dataclass(frozen=True, eq=False)
class Join(Value):
    """A text joined from others; numbers as JSON, bools as ``true`` and ``false``.

    Args:
        values: Its parts, texts, numbers, or values of the pipeline.
        on: What stands between them.

    Example:
        >>> Join(["s3://bucket", Join(["a", 1], on="/")], on="/").expression()
        {'Std:Join': {'On': '/', 'Values': ['s3://bucket', 'a', 1]}}
    """

    values: Sequence[Value | Scalar]
    on: str = ""

    @property
    def is_text(self) -> bool:
        """It always is."""
        return True

    def expression(self) -> JsonObject:
        """Return the ``Std:Join``; parts that are joined by the same text are drawn into it."""
        parts: list[Json] = []
        for value in self.values:
            rendered = render(value)
            if isinstance(value, Join) and value.on == self.on and isinstance(rendered, Mapping):
                inner: Any = rendered["Std:Join"]
                parts.extend(inner["Values"])
            else:
                parts.append(rendered)
        return {"Std:Join": {"On": self.on, "Values": parts}}


@dataclass(frozen=True, eq=False)
class Comparison(Condition):
    """``left`` compared with ``right``; ``kind`` is the type's name in definitions (``LessThan``)."""

    kind: str
    left: Value
    right: Value | Scalar

    def expression(self) -> JsonObject:
        """Return the condition's document."""
        return {"Type": self.kind, "LeftValue": render(self.left), "RightValue": render(self.right)}


@dataclass(frozen=True, eq=False)
class In(Condition):
    """``value`` equals one of ``options``."""

    value: Value
    options: Sequence[Value | Scalar]

    def expression(self) -> JsonObject:
        """Return the condition's document."""
        return {"Type": "In", "QueryValue": render(self.value), "Values": render(self.options)}


@dataclass(frozen=True, eq=False)
class Not(Condition):
    """``condition`` does not hold."""

    condition: Condition

    def expression(self) -> JsonObject:
        """Return the condition's document."""
        return {"Type": "Not", "Condition": self.condition.expression()}

    def __invert__(self) -> Condition:
        return self.condition


@dataclass(frozen=True, eq=False)
class Or(Condition):
    """At least one of ``conditions`` holds."""

    conditions: Sequence[Condition]

    def expression(self) -> JsonObject:
        """Return the condition's document; alternatives of alternatives are drawn together."""
        return {"Type": "Or", "Conditions": [c.expression() for c in _flat(self.conditions, Or)]}


@dataclass(frozen=True, eq=False)
class And(Condition):
    """All ``conditions`` hold. The language has no such condition but the list that a step holds."""

    conditions: Sequence[Condition]

    def expression(self) -> JsonObject:
        """Return the condition's document: not one of them fails."""
        return Not(Or([~condition for condition in _flat(self.conditions, And)])).expression()


def _flat(conditions: Iterable[Condition], kind: type[Or | And]) -> Iterator[Condition]:
    for condition in conditions:
        if isinstance(condition, kind):
            yield from _flat(condition.conditions, kind)
        else:
            yield condition


def all_of(conditions: Iterable[Condition]) -> list[Json]:
    """Return the list of documents that a Condition step holds, of which all must be true."""
    return [condition.expression() for condition in _flat(conditions, And)]


def render(thing: object, where: str = "") -> Json:
    """Return the JSON of a literal, a value, or of mappings and sequences of them.

    Raises:
        InvalidInputError: If something in it is neither.
    """
    if isinstance(thing, Value):
        return thing.expression()
    if thing is None or isinstance(thing, (bool, int, float, str)):
        return thing
    if isinstance(thing, Mapping):
        return {str(key): render(item, f"{where}.{key}") for key, item in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [render(item, f"{where}[{index}]") for index, item in enumerate(thing)]
    raise InvalidInputError(
        f"A {type(thing).__name__} cannot stand in a definition: {thing!r}.",
        where=where.lstrip("."),
        mend="Give a text, number, bool, a value of the pipeline, or lists and dicts of them.",
    )


def render_text(thing: object, where: str = "") -> Json:
    """Return what stands where AWS wants a string: a text, or an expression that surely gives one."""
    if isinstance(thing, str):
        return thing
    if isinstance(thing, Value):
        return thing.expression() if thing.is_text else Join([thing]).expression()
    if thing is None:
        raise InvalidInputError("None is no text.", where=where, mend="Leave it out, or give a text.")
    if isinstance(thing, (bool, int, float)):
        return write_json(thing)
    if list(contents(thing)):
        raise InvalidInputError("A value within a list or dict cannot become a text.", where=where)
    return write_json(render(thing, where))


def render_texts(things: Mapping[str, object], where: str) -> dict[str, Json]:
    """Return what stands for a map of strings, as ``render_text`` gives each; an error names which."""
    return {name: render_text(thing, f"{where}, {name}") for name, thing in things.items()}


def contents(thing: object) -> Iterator[Value | Producer]:
    """Yield every value and step that a thing is made of, outermost first; steps are not entered."""
    waiting = [thing]
    while waiting:
        item = waiting.pop()
        if isinstance(item, (Value, Producer)):
            yield item
        if isinstance(item, Mapping):
            waiting.extend(reversed(list(item.values())))
        elif isinstance(item, (list, tuple)):
            waiting.extend(reversed(item))
        elif is_dataclass(item) and not isinstance(item, (type, Producer)):
            waiting.extend(reversed([getattr(item, each.name) for each in fields(item)]))
