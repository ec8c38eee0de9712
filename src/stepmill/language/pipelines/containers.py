"""Reads what Condition and ForEach steps have inside.

Source: sagemaker SDK 2 and 3, ``condition_step.py``, ``for_each_step.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from stepmill.core.json import Json, JsonObject
from stepmill.language.pipelines.codes import Code
from stepmill.language.pipelines.condition_reading import read_conditions
from stepmill.language.pipelines.definition import Branch, ConditionBody, ForEachBody, Pick, Selector
from stepmill.language.pipelines.draft import Draft
from stepmill.language.pipelines.expressions import Expression, GetIterationOutput, Literal
from stepmill.language.pipelines.places import Place, show
from stepmill.language.pipelines.step_keys import choose

MOST_CONCURRENT = 50
MOST_ITEMS = 100


class ReadSteps(Protocol):
    """Reads a list of nested steps and returns their names."""

    def __call__(self, value: Json, place: Place, parent: str, branch: Branch) -> tuple[str, ...]:
        """Read the steps at a place, inside a step, in one of its lists."""
        ...


@dataclass(frozen=True)
class ContainerReader:
    """Reads the Arguments of one Condition or ForEach step."""

    draft: Draft
    step: str
    arguments: JsonObject
    place: Place
    read_steps: ReadSteps

    def read_condition(self) -> ConditionBody:
        """Read conditions and branches."""
        conditions = self.arguments.get("Conditions", [])
        if "Conditions" in self.arguments:
            read = read_conditions(self.draft, self.step, conditions, self.place / "Conditions")
        else:
            read = ()
        return ConditionBody(read, self._steps(Branch.IF), self._steps(Branch.ELSE))

    def read_for_each(self) -> ForEachBody:
        """Read items, concurrency, selector and body."""
        items = self._items(self.arguments.get("IterableItems"), self.place / "IterableItems")
        concurrency = self._concurrency(self.arguments.get("MaxConcurrency"), self.place / "MaxConcurrency")
        selector = self._selector(self.arguments.get("Selector"), self.place / "Selector")
        body = self._steps(Branch.BODY)
        if self.arguments.get(Branch.BODY) == []:
            self._wrong(self.place / Branch.BODY, "There is no step in the body.", "Add at least one.")
        if selector and selector.field.step not in body:
            mend = (
                self.draft.collector.nearest(selector.field.step, body)
                or f"There are {', '.join(body[:12])}."
            )
            message = f"The selector compares {show(selector.field.step)}, which is not a step of this body."
            self._wrong(self.place / "Selector" / "Field", message, mend)
        return ForEachBody(items, concurrency, body, selector)

    def _steps(self, branch: Branch) -> tuple[str, ...]:
        value = self.arguments.get(branch)
        return self.read_steps(value, self.place / branch, self.step, branch) if value is not None else ()

    def _items(self, value: Json, place: Place) -> Expression | tuple[Expression, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            expression = self.draft.expression(self.step, value, place)
            if isinstance(expression, Literal):
                self._wrong(place, f"The items are a list or an expression, not {show(value)}.", "")
            return expression
        if not value:
            self._wrong(place, "There is no item.", f"Give 1 to {MOST_ITEMS} items, or an expression.")
        if len(value) > MOST_ITEMS:
            message = f"There are {len(value)} items; AWS allows {MOST_ITEMS}."
            self.draft.collector.add(Code.AWS_LIMIT, place, message)
        items = tuple(self.draft.expression(self.step, item, place / at) for at, item in enumerate(value))
        for at, item in enumerate(items):
            if isinstance(item, Literal) and not isinstance(item.value, str | int | float):
                message = f"An item is a text, a number, a boolean or an expression, not {show(value[at])}."
                mend = "Write objects and lists as JSON text." if value[at] is not None else ""
                self._wrong(place / at, message, mend)
        return items

    def _concurrency(self, value: Json, place: Place) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            if value > MOST_CONCURRENT:
                message = f"MaxConcurrency is {show(value)}; AWS allows {MOST_CONCURRENT}."
                self.draft.collector.add(Code.AWS_LIMIT, place, message)
            return value
        if "MaxConcurrency" in self.arguments:
            message = (
                f"MaxConcurrency is {show(value)}; it must be a whole number from 1 to {MOST_CONCURRENT}."
            )
            self._wrong(place, message, "")
        return 1

    def _selector(self, value: Json, place: Place) -> Selector | None:
        if value is None:
            return None
        entry = self.draft.expect_object(value, place)
        keys = ("Pick", "Field")
        if not isinstance(value, Mapping) or not self.draft.keys(entry, keys, keys, place):
            return None
        pick = choose(self.draft, Pick, entry["Pick"], place / "Pick")
        where = place / "Field"
        field = self.draft.expression(self.step, entry["Field"], where, is_selector=True)
        if isinstance(field, GetIterationOutput) and field.path:
            return Selector(pick, field) if pick else None
        if field != Literal(None):
            mend = 'Write {"Get": "IterationOutput.<body step>.<property>"}.'
            self._wrong(where, "The field of a selector is a property of a body step.", mend)
        return None

    def _wrong(self, place: Place, message: str, mend: str) -> None:
        self.draft.collector.add(Code.BAD_FOR_EACH, place, message, mend)
