"""Steps that steer: branches, loops, and a failure on purpose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject
from stepmill.sdk.references import Property
from stepmill.sdk.site import Site
from stepmill.sdk.steps import CHILDREN, Step, Text
from stepmill.sdk.values import Condition, Producer, Value, all_of, render, render_text


@dataclass(eq=False, repr=False)
class ConditionStep(Step):
    """Run some steps if a condition holds, and others if not.

    Args:
        condition: One, or several that must all hold: ``report["mse"] <= 6``.
        then: Steps that run if it does.
        otherwise: Steps that run if it does not.

    Example:
        >>> from stepmill.sdk.parameters import Parameter
        >>> stop = FailStep("TooLow", "The limit is too low.")
        >>> ConditionStep("Gate", Parameter("limit", 6) <= 5, then=[stop])
        <ConditionStep 'Gate'>
    """

    _type: ClassVar[str] = "Condition"

    condition: Condition | Sequence[Condition]
    then: Sequence[Step] = field(default=(), metadata=CHILDREN)
    otherwise: Sequence[Step] = field(default=(), metadata=CHILDREN)

    def __post_init__(self) -> None:
        super().__post_init__()
        given = list(self.condition) if isinstance(self.condition, (list, tuple)) else [self.condition]
        if not given or not all(isinstance(each, Condition) for each in given):
            raise InvalidInputError(
                f"{self.condition!r} is no condition.",
                where=self.where,
                mend="Compare a value of a step with <, <=, >, >=, == or is_in.",
            )
        self._conditions: list[Condition] = [each for each in given if isinstance(each, Condition)]
        self.then = as_steps(self.then, self.where)
        self.otherwise = as_steps(self.otherwise, self.where)
        if not self.then and not self.otherwise:
            raise InvalidInputError(
                "The condition decides nothing.", where=self.where, mend="Give steps as then or otherwise."
            )

    @property
    def outcome(self) -> Property:
        """``"True"`` or ``"False"``."""
        return Property(self, ".Outcome", text=True)

    def arguments_document(self, site: Site) -> JsonObject:
        """Return the conditions, and both branches."""
        return {
            "Conditions": all_of(self._conditions),
            "IfSteps": [step.document(site) for step in self.then],
            "ElseSteps": [step.document(site) for step in self.otherwise],
        }


@dataclass(eq=False, repr=False)
class FailStep(Step):
    """End the execution as failed.

    Args:
        message: The reason; a text, or a ``Join`` with values in it.
    """

    _type: ClassVar[str] = "Fail"

    message: Text

    def arguments_document(self, site: Site) -> JsonObject:
        """Return the message."""
        del site
        return {"ErrorMessage": render_text(self.message, self.where)}


@dataclass(frozen=True)
class Best:
    """Which iteration of a loop is the best: the one with the least, or the greatest, value.

    Args:
        value: A value of a step in the loop: ``train.metrics["validation:rmse"]``.
        greatest: Whether the greatest is the best.
    """

    value: Property
    greatest: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.value, Property):
            raise InvalidInputError(
                f"Iterations cannot be compared by {self.value!r}.",
                where="Best",
                mend="Use a property of a step in the loop, such as one of its metrics.",
            )


@dataclass(eq=False, repr=False, kw_only=True)
class ForEachStep(Step):
    """Run steps once for each item of a list; ``current_item`` stands for the item in them.

    ``step.selected(train.model)`` is the value of the best iteration, ``step.iteration(0, train.model)`` that
    of the first.

    Args:
        items: 1 to 100 texts, numbers, objects or values; or one value that gives a JSON list as a text.
        body: The steps. None of them may be a condition, a failure or another loop.
        max_concurrency: How many iterations may run at once; 1 to 50.
        best: How one iteration is selected.
    """

    _type: ClassVar[str] = "ForEach"

    items: Sequence[object] | Value
    body: Sequence[Step] = field(metadata=CHILDREN)
    max_concurrency: int = 4
    best: Best | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.body = as_steps(self.body, self.where)
        if not self.body:
            raise InvalidInputError(
                "There is nothing to repeat.", where=self.where, mend="Give steps as body."
            )
        for step in self.body:
            if isinstance(step, (ConditionStep, FailStep, ForEachStep)):
                raise InvalidInputError(
                    f"A {type(step).__name__} cannot be repeated.", where=f"{self.where}, {step.where}"
                )
        if isinstance(self.items, (str, bytes)):
            raise InvalidInputError(
                f"{self.items!r} is one text, not a list of items.",
                where=self.where,
                mend="Give a list; or a parameter, whose text is read as a JSON list.",
            )
        if not isinstance(self.items, Value) and not 1 <= len(self.items) <= 100:
            raise InvalidInputError(
                f"There are {len(self.items)} items.", where=self.where, mend="Give 1 to 100 of them."
            )
        if self.best is not None:
            self._body_step(self.best.value)

    def selected(self, value: Property) -> Property:
        """Return a value of the best iteration: of the step that the iterations are compared by.

        Raises:
            InvalidInputError: If none is selected, or the value is another step's.
        """
        chosen = self.best.value.step if self.best is not None else None
        if not isinstance(value, Property) or value.step is not chosen:
            raise InvalidInputError(
                f"{value!r} cannot be selected.",
                where=self.where,
                mend="Give best=Best(...) with a value of the same step.",
            )
        return Property(self, f".Selected{value.path}", value.text)

    def iteration(self, index: int, value: Property) -> Property:
        """Return a value of one iteration, counted from 0.

        Raises:
            InvalidInputError: If the value is not that of a step in the body, or is read from a file:
                the language reads files of steps outside of loops only.
        """
        step = self._body_step(value)
        return Property(self, f".IterationOutputs[{index}].{step.name}{value.path}", value.text)

    def needs(self) -> Iterator[Step]:
        """Yield the steps that this one waits for; not its own, by which iterations are compared."""
        return (step for step in super().needs() if step not in self.body)

    def _body_step(self, value: Property) -> Producer:
        if not isinstance(value, Property):
            raise InvalidInputError(
                f"{value!r} cannot be read from outside of the loop.",
                where=self.where,
                mend="Use a property of one of its steps: a metric, its model, an output.",
            )
        if not any(value.step is step for step in self.body):
            raise InvalidInputError(
                f"{value!r} is not a value of a step in the loop.",
                where=self.where,
                mend="Name one of its steps'.",
            )
        return value.step

    def _items_document(self) -> Json:
        if isinstance(self.items, Value):
            return render(self.items)
        # The language has no objects as items, but enters those that are written as JSON text.
        return [
            render_text(item, self.where)
            if isinstance(item, (Mapping, list, tuple))
            else render(item, self.where)
            for item in self.items
        ]

    def arguments_document(self, site: Site) -> JsonObject:
        """Return the items, the selection, and the body."""
        inside = replace(site, in_loop=True)
        document: dict[str, Json] = {
            "IterableItems": self._items_document(),
            "MaxConcurrency": self.max_concurrency,
            "ForEachBody": [step.document(inside) for step in self.body],
        }
        if self.best is not None:
            field_path = f"IterationOutput.{self.best.value.step.name}{self.best.value.path}"
            document["Selector"] = {
                "Pick": "MaxBy" if self.best.greatest else "MinBy",
                "Field": {"Get": field_path},
            }
        return document


def as_steps(given: object, where: str) -> tuple[Step, ...]:
    """Return steps that were given as one, or as a list or tuple of them.

    Raises:
        InvalidInputError: If something else was.
    """
    several = tuple(given) if isinstance(given, (list, tuple)) else (given,)
    for each in several:
        if not isinstance(each, Step):
            raise InvalidInputError(f"{each!r} is no step.", where=where, mend="Give steps, in a list.")
    return tuple(each for each in several if isinstance(each, Step))
