"""Whether parameters keep what the model demands: required members, lengths, ranges, enums, patterns.

All that is wrong is told at once, in AWS's words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from stepmill.aws.protocol.model import Plans, Slot, late_unary, slot
from stepmill.aws.protocol.problems import Problem
from stepmill.core.patterns import matcher
from stepmill.core.service_documents import RawShape, Reference, ServiceDocument

Check: TypeAlias = Callable[[Any], Sequence[Problem]]

_NOT_NULL = "Member must not be null"
# More are counted, and not told one by one.
_MOST_TOLD = 20
_LONGEST_SHOWN = 300
_OF_FILTERS = frozenset({"prefix", "suffix"})
_OF_QUEUES = "ApproximateNumberOfMessagesNotVisible"


@dataclass(frozen=True, slots=True)
class _Constraint:
    text: str
    holds: Callable[[Any], bool]


def told(problems: Sequence[Problem]) -> str:
    """Return all problems in one sentence, as AWS tells them.

    Example:
        >>> told([Problem("'b'", "Member must have length greater than or equal to 2", "a")])[:61]
        "1 validation error detected: Value 'b' at 'a' failed to satis"
    """
    count = len(problems)
    start = f"{count} validation error{'' if count == 1 else 's'} detected: "
    more = f"; and {count - _MOST_TOLD} more" if count > _MOST_TOLD else ""
    return start + "; ".join(str(problem) for problem in problems[:_MOST_TOLD]) + more


class Checks:
    """Checks of the shapes of one service."""

    def __init__(self, document: ServiceDocument) -> None:
        self._document = document
        self._of: Plans[Check] = Plans(self._make, late_unary)

    def of(self, reference: Reference) -> Check:
        """Return the check of a value in its place."""
        return self._of(reference)

    def _make(self, reference: Reference) -> Check:
        place = slot(self._document, reference)
        match place.kind:
            case "structure":
                return self._structure(place)
            case "list":
                return self._list(place)
            case "map":
                return self._map(place)
        return _scalar(place.shape)

    def _structure(self, place: Slot) -> Check:
        shape = place.shape
        if shape.document or shape.eventstream:
            return _nothing
        plan = {name: (_in_java(name), self.of(reference)) for name, reference in shape.members.items()}
        plan = {name: (shown, check) for name, (shown, check) in plan.items() if check is not _nothing}
        required = [(name, _in_java(name)) for name in shape.required]
        if not plan and not required and not shape.union:
            return _nothing

        def check(value: Mapping[str, Any]) -> Sequence[Problem]:
            # Nearly always nothing is wrong: a list is made where something is.
            problems: list[Problem] = []
            for name, shown in required:
                if value.get(name) is None:
                    problems.append(Problem("null", _NOT_NULL, shown))
            if shape.union and not value:
                problems.append(Problem("'{}'", f"Member must have one of [{', '.join(shape.members)}]"))
            for name, below in value.items():
                member = plan.get(name)
                if member is not None and (found := member[1](below)):
                    problems += [problem.below(member[0]) for problem in found]
            return problems

        return check

    def _list(self, place: Slot) -> Check:
        assert place.shape.member
        element = slot(self._document, place.shape.member)
        sizes = _sizes(place.shape)
        constraints = _constraints(element.shape)
        check_element = self.of(place.shape.member) if _is_nested(element) else _nothing

        def check(value: Sequence[Any]) -> Sequence[Problem]:
            problems = _broken(sizes, value, place.shape)
            if constraints and not _all_hold(constraints, value):
                problems.append(_of_all("Member", constraints, value, place.shape, element.shape))
            for index, below in enumerate(value, 1):
                if below is None:
                    problems.append(Problem("null", _NOT_NULL, f"{index}.member"))
                elif check_element is not _nothing and (found := check_element(below)):
                    problems += [problem.below(f"{index}.member") for problem in found]
            return problems

        return check

    def _map(self, place: Slot) -> Check:
        assert place.shape.key
        assert place.shape.value
        key, element = slot(self._document, place.shape.key), slot(self._document, place.shape.value)
        sizes = _sizes(place.shape)
        of_keys, of_values = _constraints(key.shape), _constraints(element.shape)
        check_value = self.of(place.shape.value) if _is_nested(element) else _nothing

        def check(value: Mapping[str, Any]) -> Sequence[Problem]:
            problems = _broken(sizes, value, place.shape)
            if of_keys and not _all_hold(of_keys, value):
                problems.append(_of_all("Map keys", of_keys, value, place.shape, element.shape))
            if of_values and not _all_hold(of_values, value.values()):
                problems.append(_of_all("Map value", of_values, value, place.shape, element.shape))
            for name, below in value.items():
                if below is None:
                    problems.append(Problem("null", _NOT_NULL, f"{name}.member"))
                elif check_value is not _nothing:
                    problems += [problem.below(f"{name}.member") for problem in check_value(below)]
            return problems

        return check


def _nothing(_: Any) -> Sequence[Problem]:
    return ()


def _is_nested(place: Slot) -> bool:
    return place.kind in ("structure", "list", "map")


def _scalar(shape: RawShape) -> Check:
    constraints = _constraints(shape)
    if not constraints:
        return _nothing
    holds = [constraint.holds for constraint in constraints]

    def check(value: Any) -> Sequence[Problem]:
        for holds_one in holds:
            if not holds_one(value):
                return _broken(constraints, value, shape)
        return ()

    return check


def _broken(constraints: Iterable[_Constraint], value: Any, shape: RawShape) -> list[Problem]:
    return [
        Problem(_shown(value, shape), constraint.text)
        for constraint in constraints
        if not constraint.holds(value)
    ]


def _all_hold(constraints: Sequence[_Constraint], values: Iterable[Any]) -> bool:
    return all(constraint.holds(value) for value in values if value is not None for constraint in constraints)


def _of_all(
    what: str, constraints: Sequence[_Constraint], value: Any, shape: RawShape, element: RawShape
) -> Problem:
    """Return the problem of a collection that holds something wrong: AWS tells all that was demanded."""
    demanded = ", ".join(constraint.text for constraint in constraints)
    shown = "" if element.sensitive else _shown(value, shape)
    return Problem(shown, f"{what} must satisfy constraint: [{demanded}]")


def _constraints(shape: RawShape) -> list[_Constraint]:
    """Return what is demanded of a single value, in the order in which AWS tells it."""
    match shape.type:
        case "string":
            return [*_sizes(shape), *_pattern(shape), *_enum(shape)]
        case "blob":
            return _sizes(shape)
        case "integer" | "long" | "float" | "double":
            return _range(shape)
    return []


def _sizes(shape: RawShape) -> list[_Constraint]:
    constraints = []
    if (most := shape.max) is not None:
        text = f"Member must have length less than or equal to {_number(most)}"
        constraints.append(
            _Constraint(text, lambda value: not hasattr(value, "__len__") or len(value) <= most)
        )
    if (least := shape.min) is not None and least > 0:
        text = f"Member must have length greater than or equal to {_number(least)}"
        constraints.append(
            _Constraint(text, lambda value: not hasattr(value, "__len__") or len(value) >= least)
        )
    return constraints


def _range(shape: RawShape) -> list[_Constraint]:
    constraints = []
    if (most := shape.max) is not None:
        text = f"Member must have value less than or equal to {_number(most)}"
        constraints.append(_Constraint(text, lambda value: value <= most))
    if (least := shape.min) is not None:
        text = f"Member must have value greater than or equal to {_number(least)}"
        constraints.append(_Constraint(text, lambda value: value >= least))
    return constraints


def _pattern(shape: RawShape) -> list[_Constraint]:
    if not shape.pattern:
        return []
    text = f"Member must satisfy regular expression pattern: {shape.pattern}"
    return [_Constraint(text, matcher(shape.pattern))]


def _enum(shape: RawShape) -> list[_Constraint]:
    # Types of instances are only names here, and AWS has new ones sooner than a model that is installed.
    if not shape.enum or any(value.startswith("ml.") for value in shape.enum):
        return []
    # ReceiveMessage takes attributes of messages where its model has those of queues; a wrong one has a code
    # of its own, which the service tells.
    # And S3 takes the names of a notification's filters in any case, "Prefix" as well.
    if _OF_QUEUES in shape.enum or frozenset(shape.enum) == _OF_FILTERS:
        return []
    choices = frozenset(shape.enum)
    text = f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
    return [_Constraint(text, lambda value: value in choices)]


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _in_java(name: str) -> str:
    """Return a member's name as AWS's messages have it: that of a property in Java."""
    return name[:1].lower() + name[1:]


def _shown(value: Any, shape: RawShape) -> str:
    """Return a value as AWS shows it in quotes; nothing where it is secret, or no text."""
    if shape.sensitive:
        return ""
    text = _text(value)
    if text is None:
        return ""
    return f"'{text[:_LONGEST_SHOWN]}...'" if len(text) > _LONGEST_SHOWN else f"'{text}'"


def _text(value: Any) -> str | None:
    match value:
        case bool():
            return str(value).lower()
        case str() | int() | float():
            return str(value)
        case list():
            texts = [_text(below) for below in value[:_MOST_TOLD]]
            return None if None in texts else f"[{', '.join(map(str, texts))}]"
        case dict():
            pairs = [(key, _text(below)) for key, below in list(value.items())[:_MOST_TOLD]]
            if any(text is None for _, text in pairs):
                return None
            return "{" + ", ".join(f"{key}={text}" for key, text in pairs) + "}"
    return None
