"""One evaluation: its bounds, its surroundings, and the frames that hold its variables.

The bounds count; they read no clock. So an expression fails in the same place every time, wherever it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepmill.language.states.jsonata.chance import Chance
from stepmill.language.states.jsonata.errors import OUT_OF_MEMORY, OUT_OF_TIME, STACK_OVERFLOW, bound_met
from stepmill.language.states.jsonata.values import UNDEFINED, Function, Value

# AWS refuses the 101st nested evaluation, as users measured: `1+1+...`, nested arrays and recursion alike.
DEEPEST_EVALUATION = 100
# AWS stops an endless loop after some seconds; so many steps take about as long here.
MOST_STEPS = 1_000_000
# What users measured: [1..873782] and a text of 4,194,304 characters are accepted, one more is not.
MOST_ITEMS = 873_782
MOST_CHARACTERS = 4_194_304


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an evaluation may know of the world.

    Args:
        now_millis: The moment that ``$now()`` and ``$millis()`` tell, in milliseconds from 1970-01-01T00:00Z.
        seed: Where ``$random()``, ``$shuffle()`` and ``$uuid()`` begin: equal seeds give equal results.
    """

    now_millis: int = 0
    seed: int = 0


class Run:
    """The bounds and the surroundings of one evaluation."""

    __slots__ = ("_chance", "depth", "steps", "surroundings")

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.depth = 0
        self.steps = 0
        self._chance: Chance | None = None

    @property
    def chance(self) -> Chance:
        """Where numbers by chance come from."""
        if self._chance is None:
            self._chance = Chance(self.surroundings.seed)
        return self._chance

    def spend(self, steps: int) -> None:
        """Count the work that is about to be done.

        Raises:
            QueryError: If it is more than an evaluation may do.
        """
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise bound_met(OUT_OF_TIME)

    def hold(self, items: int) -> None:
        """Count an array that is about to be made.

        Raises:
            QueryError: If it is larger than an evaluation may hold.
        """
        if items > MOST_ITEMS:
            raise bound_met(OUT_OF_MEMORY)
        self.steps += items >> 3
        if self.steps > MOST_STEPS:
            raise bound_met(OUT_OF_TIME)

    def hold_text(self, characters: int) -> None:
        """Count a text that is about to be made.

        Raises:
            QueryError: If it is longer than an evaluation may hold.
        """
        if characters > MOST_CHARACTERS:
            raise bound_met(OUT_OF_MEMORY)
        self.steps += characters >> 8
        if self.steps > MOST_STEPS:
            raise bound_met(OUT_OF_TIME)

    def enter(self) -> None:
        """Go one level deeper.

        Raises:
            QueryError: If that is deeper than an evaluation may go.
        """
        self.depth += 1
        if self.depth >= DEEPEST_EVALUATION:
            raise bound_met(STACK_OVERFLOW)
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise bound_met(OUT_OF_TIME)


class Frame:
    """The variables of one scope, and the scope around it."""

    __slots__ = ("bindings", "parent", "run")

    def __init__(self, parent: Frame | None, run: Run, bindings: dict[str, Value]) -> None:
        self.parent = parent
        self.run = run
        self.bindings = bindings

    def bind(self, name: str, value: Value) -> None:
        """Set a variable of this scope; only scopes that an evaluation made itself are bound into."""
        self.bindings[name] = value

    def inner(self, bindings: Mapping[str, Value] | None = None) -> Frame:
        """Return a new scope within this one, with copies of the bindings."""
        return Frame(self, self.run, dict(bindings) if bindings else {})

    def lookup(self, name: str) -> Value:
        """Return the value of a variable; ``UNDEFINED`` if there is none."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.bindings:
                return frame.bindings[name]
            frame = frame.parent
        return UNDEFINED


def is_callable(value: Value) -> bool:
    """Return whether a value is a function."""
    return isinstance(value, Function)
