"""Watches a trial while it runs: which values it has printed, and whether they are too bad."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepmill.jobs.live_metrics import LiveMetric
from stepmill.jobs.tuning.plan import Plan
from stepmill.jobs.tuning.stopping import is_below_median, is_cut
from stepmill.jobs.tuning.trials import Trial

# API reference, HyperbandStrategyConfig: no trial has more epochs. The values beyond decide nothing.
_MOST_VALUES = 20_001


class TrialWatch:
    """Reads what a trial prints.

    Args:
        metric: Reads its log.
    """

    def __init__(self, metric: LiveMetric) -> None:
        self._metric = metric
        self.values: list[float] = []

    def look(
        self,
        plan: Plan,
        trial: Trial,
        others: Mapping[int, Sequence[float]],
        completed: Sequence[Sequence[float]],
    ) -> bool:
        """Read on, and return whether the trial is to be stopped.

        Args:
            plan: Of the tuning job.
            trial: That is watched.
            others: What each other trial of the tuning job has printed, by number.
            completed: What those that completed have printed.
        """
        seen = len(self.values)
        self._read(final=False)
        if len(self.values) == seen:
            return False
        direction = plan.definitions[trial.definition].objective.direction
        if plan.hyperband is not None:
            return is_cut(direction, plan.hyperband, trial.number, self.values, others.items(), seen=seen)
        return is_below_median(direction, self.values, completed)

    def finish(self) -> list[float]:
        """Read to the end of the log, and return all values."""
        self._read(final=True)
        return self.values

    def _read(self, *, final: bool) -> None:
        room = _MOST_VALUES - len(self.values)
        self.values += self._metric.read(final=final)[:room]
