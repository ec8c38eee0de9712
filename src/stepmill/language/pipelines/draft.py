"""A definition while it is read: what is known so far, right or wrong, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json
from stepmill.language.pipelines.codes import Code
from stepmill.language.pipelines.collector import Collector
from stepmill.language.pipelines.definition import DEFAULT_EXPERIMENT, ExperimentConfig, Parameter, Step
from stepmill.language.pipelines.expressions import (
    Expression,
    GetStepProperty,
    Literal,
    ReadPropertyFile,
    expressions_in,
    leaves_of,
    parse_expression,
)
from stepmill.language.pipelines.places import Place, show


@dataclass(frozen=True, slots=True)
class Use:
    """One place where an expression stands.

    Args:
        step: Name of the step whose expression it is; empty if it belongs to the whole document.
        place: Where.
        expression: No join; joins are taken apart.
        is_selector: Whether it is the field of a ForEach selector.
    """

    step: str
    place: Place
    expression: Expression
    is_selector: bool = False


@dataclass
class Draft:
    """What was read so far."""

    collector: Collector
    parameters: dict[str, Parameter] = field(default_factory=dict)
    parameter_places: dict[str, Place] = field(default_factory=dict)
    experiment: ExperimentConfig | None = DEFAULT_EXPERIMENT
    places: dict[str, Place] = field(default_factory=dict)  # of every named step, in order
    steps: dict[str, Step] = field(default_factory=dict)  # of those whose type is known
    uses: list[Use] = field(default_factory=list)

    def expression(self, step: str, value: Json, place: Place, *, is_selector: bool = False) -> Expression:
        """Parse a value that may be an expression, and remember what it refers to."""
        try:
            parsed = parse_expression(value)
        except InvalidInputError as error:
            self.collector.add(Code.BAD_EXPRESSION, place, error.what, error.mend)
            return Literal(None)
        for leaf in leaves_of(parsed):
            if not isinstance(leaf, Literal):
                self.uses.append(Use(step, place, leaf, is_selector))
        return parsed

    def expressions(self, step: str, value: Json, place: Place) -> None:
        """Parse and remember every expression in a document."""
        for where, item in expressions_in(value, place):
            self.expression(step, item, where)

    def references(self, step: str, since: int) -> tuple[str, ...]:
        """Return the names of the steps that a step's own uses, from a position on, refer to."""
        named = (
            use.expression.step
            for use in self.uses[since:]
            if use.step == step and isinstance(use.expression, GetStepProperty | ReadPropertyFile)
        )
        return tuple(dict.fromkeys(named))

    # Small checks of JSON types; each gives a harmless value after noting a finding.

    def expect_object(self, value: Json, place: Place) -> Mapping[str, Json]:
        """Return the value if it is an object, else an empty one."""
        if isinstance(value, Mapping):
            return value
        self.wrong(value, "An object", place)
        return {}

    def expect_list(self, value: Json, place: Place) -> list[Json]:
        """Return the value if it is a list, else an empty one."""
        if isinstance(value, list):
            return value
        mend = "Put it in brackets: [ ]." if value is not None else ""
        self.wrong(value, "A list", place, mend)
        return []

    def expect_text(self, value: Json, place: Place) -> str:
        """Return the value if it is a text, else an empty one."""
        if isinstance(value, str):
            return value
        self.wrong(value, "A text", place)
        return ""

    def wrong(self, value: Json, wanted: str, place: Place, mend: str = "") -> None:
        """Note that a value is of the wrong type."""
        self.collector.add(Code.WRONG_TYPE, place, f"{wanted} is needed here, not {show(value)}.", mend)

    def keys(
        self, value: Mapping[str, Json], known: tuple[str, ...], required: tuple[str, ...], place: Place
    ) -> bool:
        """Note unknown and missing keys; tell whether all required ones are there."""
        for key in value:
            if key not in known:
                mend = self.collector.nearest(key, known) or f"There are {', '.join(known)}."
                self.collector.add(Code.UNKNOWN_KEY, place / key, f"There is no key {show(key)} here.", mend)
        missing = [key for key in required if key not in value]
        for key in missing:
            self.collector.add(Code.MISSING_KEY, place, f"{show(key)} is missing.", f"Add {show(key)}.")
        return not missing
