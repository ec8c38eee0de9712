"""What a tuning job is to do, as its request says it.

Source: API reference, CreateHyperParameterTuningJob and the shapes below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from stepmill.core.json import JsonObject
from stepmill.jobs.tuning.ranges import Range, combinations


class Strategy(StrEnum):
    """How hyperparameters are chosen."""

    BAYESIAN = "Bayesian"
    RANDOM = "Random"
    HYPERBAND = "Hyperband"
    GRID = "Grid"


class Direction(StrEnum):
    """Which value of an objective is the better one."""

    MAXIMIZE = "Maximize"
    MINIMIZE = "Minimize"

    def is_better(self, value: float, other: float) -> bool:
        """Return whether one value is better than another."""
        return value > other if self is Direction.MAXIMIZE else value < other


class WarmStartType(StrEnum):
    """How much a tuning job shares with its parents."""

    IDENTICAL = "IdenticalDataAndAlgorithm"
    TRANSFER = "TransferLearning"


@dataclass(frozen=True)
class Objective:
    """What is tuned for.

    Args:
        direction: Which value is the better one.
        metric: Name of the metric.
    """

    direction: Direction
    metric: str


@dataclass(frozen=True)
class Definition:
    """Training jobs of one kind.

    Args:
        name: Empty if the request has none.
        where: Its place in the request.
        objective: What is tuned for.
        ranges: What is searched.
        static: The hyperparameters that stay.
        document: As it came.
    """

    name: str
    where: str
    objective: Objective
    ranges: tuple[Range, ...]
    static: dict[str, str]
    document: JsonObject


@dataclass(frozen=True)
class Completion:
    """When enough is found.

    Args:
        target: Value of the objective that will do; ``None``: none will.
        most_not_improving: After so many trials that were no better by one per cent; ``None``: never.
        on_convergence: Whether it is over when nothing better is expected.
    """

    target: float | None = None
    most_not_improving: int | None = None
    on_convergence: bool = False


@dataclass(frozen=True)
class Hyperband:
    """Of the strategy of that name. A value of the objective that a trial prints is one resource.

    Args:
        least: No trial is stopped before it has printed so many.
        most: A trial that goes on beyond so many is stopped.
    """

    least: int
    most: int


@dataclass(frozen=True)
class WarmStart:
    """Earlier tuning jobs to learn from.

    Args:
        type: What they share with this one.
        parents: Their names.
    """

    type: WarmStartType
    parents: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What a tuning job is to do.

    Args:
        name: Of the job; empty if the request leaves it to others.
        document: The request as it came.
        strategy: How hyperparameters are chosen.
        definitions: One, or several that take turns.
        most_trials: So many training jobs at most.
        most_parallel: So many at once.
        longest: The tuning job is over after that; ``None``: no limit.
        early_stopping: Whether trials that do badly are stopped.
        completion: When enough is found.
        hyperband: Given exactly if that is the strategy.
        warm_start: Earlier jobs to learn from, if any.
        seed: Of chance; ``None``: any.
    """

    name: str
    document: JsonObject
    strategy: Strategy
    definitions: tuple[Definition, ...]
    most_trials: int
    most_parallel: int
    longest: timedelta | None = None
    early_stopping: bool = False
    completion: Completion = Completion()
    hyperband: Hyperband | None = None
    warm_start: WarmStart | None = None
    seed: int | None = None

    @property
    def watches(self) -> bool:
        """Whether trials must be watched while they run, to stop those that do badly."""
        return self.early_stopping or self.hyperband is not None

    def slot(self, number: int) -> tuple[int, int]:
        """Return which definition a trial is of, and its number among those of that definition, from 0.

        Definitions take turns; a grid has all trials of one definition behind those of another.

        Args:
            number: Of the trial, from 1.
        """
        place = number - 1
        if self.strategy is not Strategy.GRID:
            return place % len(self.definitions), place // len(self.definitions)
        for index, definition in enumerate(self.definitions[:-1]):
            size = combinations(definition.ranges)
            if place < size:
                return index, place
            place -= size
        return len(self.definitions) - 1, place
