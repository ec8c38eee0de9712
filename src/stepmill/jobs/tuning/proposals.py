"""Chooses the hyperparameters of trials, by optuna.

A proposal follows from the seed, the number of the trial and the trials before it, and from nothing else:
with the same results the same proposals are made again, also by a process that goes on after a crash. optuna
is imported when the first proposal is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from stepmill.core.statuses import JobStatus
from stepmill.jobs.tuning.plan import Definition, Direction, Plan, Strategy
from stepmill.jobs.tuning.ranges import (
    CategoricalRange,
    ContinuousRange,
    IntegerRange,
    Range,
    Scale,
    combination,
    holds,
    scale_of,
    text_of_number,
)
from stepmill.jobs.tuning.trials import Trial

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler


# Before it learns from results: a quarter of the trials, but no fewer and no more than these. optuna's own
# ten would be all that many tuning jobs have.
_AT_RANDOM = (3, 10)


@dataclass(frozen=True)
class Known:
    """A result of an earlier tuning job.

    Args:
        hyperparameters: All that it had, static ones too.
        objective: What came of it.
    """

    hyperparameters: Mapping[str, str]
    objective: float


class Proposer:
    """Proposes the trials of one definition.

    Args:
        plan: Of the tuning job.
        index: Place of the definition.
        seed: Of chance.
        known: Results of earlier tuning jobs, in order.
    """

    def __init__(self, plan: Plan, index: int, seed: int, known: Sequence[Known] = ()) -> None:
        self._strategy = plan.strategy
        self._most_trials = plan.most_trials // len(plan.definitions)
        self._definition: Definition = plan.definitions[index]
        self._index = index
        self._seed = seed
        self._known = known
        self._is_rounded = any(
            isinstance(one, ContinuousRange) and one.scale is Scale.REVERSE_LOGARITHMIC
            for one in self._definition.ranges
        )
        self._study: Study | None = None
        self._before = 0
        # Numbers of the trials in the study, in its order; and those whose ends it knows.
        self._numbers: list[int] = []
        self._ended: set[int] = set()

    def propose(self, number: int, place: int, trials: Iterable[Trial]) -> dict[str, str]:
        """Return the hyperparameters of the next trial.

        Args:
            number: Of the trial; proposals are asked for in their order.
            place: Its number among those of its definition, from 0.
            trials: Those that were begun, of all definitions.
        """
        ranges = self._definition.ranges
        if self._strategy is Strategy.GRID:
            return combination(ranges, place)
        if number in self._numbers or self._is_rounded:
            # It was proposed before, and could not be begun. Or what optuna has chosen is not to the last bit
            # what is made of the text again, and whoever goes on after a crash is to propose the same.
            self._study, self._numbers, self._ended = None, [], set()
        study = self._catch_up([trial for trial in trials if trial.definition == self._index])
        study.sampler = self._sampler(number)
        asked = study.ask({one.name: distribution_of(one) for one in ranges})
        self._numbers.append(number)
        return {one.name: text_of(one, asked.params[one.name]) for one in ranges}

    def _catch_up(self, trials: Sequence[Trial]) -> Study:
        """Tell the study what has happened since; make it of all that has happened at first."""
        study = self._study
        if study is None:
            study = self._study = self._new_study()
        told = {number: place for place, number in enumerate(self._numbers)}
        for trial in sorted(trials, key=lambda one: one.number):
            if trial.number not in told:
                told[trial.number] = len(self._numbers)
                self._numbers.append(trial.number)
                self._add(study, trial.tuned, None)
        for trial in sorted(trials, key=lambda one: one.number):
            if trial.status.is_final and trial.number not in self._ended:
                self._ended.add(trial.number)
                self._tell(study, self._before + told[trial.number], trial)
        return study

    def _sampler(self, number: int) -> BaseSampler:
        return _sampler(self._strategy, self._most_trials, _seed_of(self._seed, self._index, number))

    def _new_study(self) -> Study:
        import optuna

        # What is created is told by the tuning job, not by a log.
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        direction = self._definition.objective.direction
        study = optuna.create_study(
            sampler=self._sampler(0),
            direction="maximize" if direction is Direction.MAXIMIZE else "minimize",
        )
        for known in self._known:
            tuned = {one.name: known.hyperparameters.get(one.name, "") for one in self._definition.ranges}
            # What lies outside of what is searched now says nothing of it.
            if all(holds(one, tuned[one.name]) for one in self._definition.ranges):
                self._add(study, tuned, known.objective)
        self._before = len(study.trials)
        return study

    def _add(self, study: Study, tuned: Mapping[str, str], objective: float | None) -> None:
        from optuna.trial import TrialState, create_trial

        ranges = self._definition.ranges
        study.add_trial(
            create_trial(
                state=TrialState.RUNNING if objective is None else TrialState.COMPLETE,
                value=objective,
                params={one.name: value_of(one, tuned[one.name]) for one in ranges},
                distributions={one.name: distribution_of(one) for one in ranges},
            )
        )

    def _tell(self, study: Study, place: int, trial: Trial) -> None:
        from optuna.trial import TrialState

        if trial.status is not JobStatus.FAILED and trial.objective is not None:
            study.tell(place, trial.objective)
        else:
            study.tell(place, state=TrialState.FAIL)


def _sampler(strategy: Strategy, most_trials: int, seed: int) -> BaseSampler:
    from optuna.samplers import RandomSampler, TPESampler

    if strategy is not Strategy.BAYESIAN:
        # Hyperband begins with configurations that are chosen at random.
        return RandomSampler(seed=seed)
    least, most = _AT_RANDOM
    return TPESampler(n_startup_trials=max(least, min(most, most_trials // 4)), seed=seed)


def _seed_of(seed: int, index: int, number: int) -> int:
    """Return the seed of one proposal, as numpy takes one: 32 bits."""
    return int.from_bytes(sha256(f"{seed}/{index}/{number}".encode()).digest()[:4])


def distribution_of(searched: Range) -> BaseDistribution:
    """Return the distribution that optuna searches for a range; on a reverse scale the distance to 1."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    match searched:
        case CategoricalRange():
            return CategoricalDistribution(searched.values)
        case IntegerRange():
            return IntDistribution(searched.low, searched.high, log=_is_logarithmic(searched))
        case ContinuousRange() if searched.scale is Scale.REVERSE_LOGARITHMIC:
            return FloatDistribution(1 - searched.high, 1 - searched.low, log=True)
    return FloatDistribution(searched.low, searched.high, log=_is_logarithmic(searched))


def text_of(searched: Range, value: object) -> str:
    """Return what optuna has chosen as the text that a job gets. It lies in the range."""
    match searched:
        case CategoricalRange():
            return str(value)
        case IntegerRange():
            return str(int(str(value)))
    number = float(str(value))
    if searched.scale is Scale.REVERSE_LOGARITHMIC:
        number = 1 - number
    return text_of_number(min(max(number, searched.low), searched.high))


def value_of(searched: Range, text: str) -> str | int | float:
    """Return for a text in a range what optuna would have chosen."""
    match searched:
        case CategoricalRange():
            return text
        case IntegerRange():
            return int(float(text))
    number = float(text)
    if searched.scale is Scale.REVERSE_LOGARITHMIC:
        return min(max(1 - number, 1 - searched.high), 1 - searched.low)
    return number


def _is_logarithmic(searched: IntegerRange | ContinuousRange) -> bool:
    return scale_of(searched) is Scale.LOGARITHMIC
