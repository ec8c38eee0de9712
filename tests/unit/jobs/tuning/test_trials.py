from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.statuses import JobStatus
from stepmill.jobs.failures import INTERNAL_ERROR
from stepmill.jobs.tuning.trials import (
    best_first,
    best_of,
    converged_at,
    has_reached_target,
    not_improving,
    objective_counters,
    status_counters,
)
from support.tuning import START, plan, trial

MINIMIZE = {"Type": "Minimize", "MetricName": "auc"}
STANDING = st.lists(
    st.tuples(st.sampled_from(list(JobStatus)), st.none() | st.floats(-10, 10, allow_nan=False)), max_size=20
).map(lambda found: [trial(n, value, status=status) for n, (status, value) in enumerate(found, 1)])


def test_counters_tell_apart_how_trials_stand() -> None:
    trials = [
        trial(1, 0.5),
        trial(2),
        trial(3, status=JobStatus.STOPPING),
        trial(4, status=JobStatus.FAILED, error="AlgorithmError"),
        trial(5, status=JobStatus.FAILED, error=INTERNAL_ERROR),
        trial(6, 0.4, status=JobStatus.STOPPED),
        trial(7, status=JobStatus.STOPPED),
    ]
    assert status_counters(trials) == {
        "Completed": 1,
        "InProgress": 2,
        "RetryableError": 1,
        "NonRetryableError": 1,
        "Stopped": 2,
    }
    assert objective_counters(trials) == {"Succeeded": 2, "Pending": 2, "Failed": 3}


@given(STANDING)
def test_every_trial_is_counted_once(trials: list[Any]) -> None:
    assert sum(status_counters(trials).values()) == len(trials)
    assert sum(objective_counters(trials).values()) == len(trials)
    assert objective_counters(trials)["Succeeded"] == len(best_first(plan(), trials))


@pytest.mark.parametrize(
    ("objective", "best"), [({"Type": "Maximize", "MetricName": "auc"}, 2), (MINIMIZE, 3)]
)
def test_the_best_trial_depends_on_the_direction(objective: dict[str, str], best: int) -> None:
    found = best_of(
        plan(HyperParameterTuningJobObjective=objective),
        [trial(1, 0.5), trial(2, 0.9), trial(3, 0.1), trial(4)],
    )
    assert found is not None
    assert found.number == best


def test_of_equal_trials_the_earlier_one_is_better() -> None:
    assert [one.number for one in best_first(plan(), [trial(2, 0.5), trial(1, 0.5), trial(3, 0.7)])] == [
        3,
        1,
        2,
    ]


def test_a_failed_trial_is_never_the_best_one() -> None:
    assert best_of(plan(), [trial(1, 0.9, status=JobStatus.FAILED)]) is None


@pytest.mark.parametrize(
    ("objective", "value", "is_reached"),
    [("Maximize", 0.9, True), ("Maximize", 0.95, True), ("Maximize", 0.89, False), ("Minimize", 0.89, True)],
)
def test_a_target_is_reached_by_what_is_as_good(objective: str, value: float, is_reached: bool) -> None:
    found = plan(
        HyperParameterTuningJobObjective={"Type": objective, "MetricName": "auc"},
        TuningJobCompletionCriteria={"TargetObjectiveMetricValue": 0.9},
    )
    assert has_reached_target(found, [trial(1, value)]) is is_reached


class TestImprovement:
    def test_less_than_one_per_cent_is_none(self) -> None:
        assert not_improving(plan(), [trial(1, 1.0), trial(2, 1.005), trial(3, 1.009)]) == 2

    def test_one_per_cent_is_one(self) -> None:
        assert not_improving(plan(), [trial(1, 1.0), trial(2, 0.5), trial(3, 1.01), trial(4, 1.0)]) == 1

    def test_small_steps_add_up(self) -> None:
        assert not_improving(plan(), [trial(1, 1.0), trial(2, 1.006), trial(3, 1.012)]) == 0

    def test_what_has_no_result_counts_for_nothing(self) -> None:
        trials = [trial(1, 1.0), trial(2, status=JobStatus.FAILED), trial(3), trial(4, 0.2)]
        assert not_improving(plan(), trials) == 1

    def test_it_depends_on_the_order_of_the_ends(self) -> None:
        early, late = trial(9, 1.0), trial(1, 2.0)
        assert not_improving(plan(), [early, late]) == 1

    def test_a_job_converges_after_fifteen_trials_in_vain(self) -> None:
        trials = [trial(1, 1.0), *(trial(n, 0.5) for n in range(2, 30))]
        assert converged_at(plan(), trials[:15]) is None
        assert converged_at(plan(), trials) == START + timedelta(seconds=16 + 60)

    def test_after_many_trials_half_of_them_must_be_in_vain(self) -> None:
        better = [trial(n, 1.1**n) for n in range(1, 41)]
        worse = [trial(n, 0.5) for n in range(41, 90)]
        assert converged_at(plan(), [*better, *worse[:38]]) is None
        assert converged_at(plan(), [*better, *worse]) is not None
