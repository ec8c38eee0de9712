from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.statuses import JobStatus
from stepmill.jobs.tuning.deciding import Decision, End, decide
from stepmill.jobs.tuning.trials import Trial
from support.tuning import START, plan, trial

DONE = st.lists(
    st.tuples(st.sampled_from(list(JobStatus)), st.none() | st.floats(0, 1, allow_nan=False)), max_size=12
).map(lambda found: [trial(n, value, status=status) for n, (status, value) in enumerate(found, 1)])


def decided(
    begun: list[Trial], /, *, seconds: int = 60, is_stopping: bool = False, **config: Any
) -> Decision:
    return decide(
        plan(**config),
        begun,
        created_at=START,
        now=START + timedelta(seconds=seconds),
        is_stopping=is_stopping,
    )


def test_as_many_trials_begin_as_may_run_at_once() -> None:
    assert decided([]) == Decision(begin=2)
    assert decided([trial(1)]) == Decision(begin=1)
    assert decided([trial(1), trial(2)]) == Decision()


def test_no_more_trials_begin_than_were_asked_for() -> None:
    assert decided([trial(1, 0.1), trial(2, 0.1), trial(3)], trials=4, parallel=4) == Decision(begin=1)
    assert decided([trial(1, 0.1), trial(2)], trials=2) == Decision()


def test_a_job_whose_trials_have_all_ended_is_completed() -> None:
    assert decided([trial(1, 0.1), trial(2, 0.2)], trials=2) == Decision(end=End(JobStatus.COMPLETED))


def test_one_result_is_enough_to_complete() -> None:
    trials = [trial(1, 0.1), trial(2, status=JobStatus.FAILED)]
    assert decided(trials, trials=2) == Decision(end=End(JobStatus.COMPLETED))


def test_a_job_fails_when_five_trials_have_failed_and_none_succeeded() -> None:
    failed = [trial(n, status=JobStatus.FAILED) for n in range(1, 6)]
    assert decided(failed[:4], trials=9).begin == 2
    end = decided(failed, trials=9).end
    assert end is not None
    assert end.status is JobStatus.FAILED
    assert end.reason.startswith("No training job succeeded after 5 attempts. Please take a look at")
    assert decided([*failed, trial(6)], trials=9) == Decision(stop=True)
    assert decided([*failed, trial(6, 0.4)], trials=9).begin == 2


def test_a_job_fails_when_nobody_prints_the_objective() -> None:
    end = decided([trial(1, status=JobStatus.COMPLETED), trial(2, status=JobStatus.FAILED)], trials=2).end
    assert end is not None
    assert end.reason.startswith("No objective metrics found after running 2 training jobs.")


def test_trials_that_users_stopped_are_no_failure() -> None:
    stopped = [trial(n, status=JobStatus.STOPPED) for n in (1, 2)]
    assert decided(stopped, trials=2) == Decision(end=End(JobStatus.COMPLETED))


def test_a_job_that_is_stopped_waits_for_its_trials() -> None:
    assert decided([trial(1, 0.1), trial(2)], is_stopping=True) == Decision(stop=True)
    assert decided([trial(1, 0.1)], is_stopping=True) == Decision(end=End(JobStatus.STOPPED))
    assert decided([], is_stopping=True) == Decision(end=End(JobStatus.STOPPED))


def test_time_is_up_after_its_longest_runtime() -> None:
    limits = {"MaxNumberOfTrainingJobs": 9, "MaxParallelTrainingJobs": 2, "MaxRuntimeInSeconds": 120}
    assert decided([trial(1, 0.1)], seconds=119, ResourceLimits=limits).begin == 2
    assert decided([trial(1, 0.1), trial(2)], seconds=120, ResourceLimits=limits) == Decision(stop=True)
    end = decided([trial(1, 0.1)], seconds=120, ResourceLimits=limits).end
    assert end == End(JobStatus.COMPLETED, remark="MaxRuntimeInSeconds (120) is over")


@pytest.mark.parametrize(
    ("criteria", "values", "remark"),
    [
        ({"TargetObjectiveMetricValue": 0.8}, [0.1, 0.8], "TargetObjectiveMetricValue (0.8) is reached"),
        (
            {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}},
            [0.8, 0.1, 0.1, 0.1],
            "3 training jobs in a row were not better by one per cent",
        ),
        (
            {"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}},
            [0.8] * 16,
            "it has converged: half of the training jobs brought no improvement",
        ),
    ],
)
def test_a_criterion_ends_the_job(criteria: dict[str, Any], values: list[float], remark: str) -> None:
    trials = [trial(n, value) for n, value in enumerate(values, 1)]
    config = {"trials": 99, "TuningJobCompletionCriteria": criteria}
    assert decided(trials[:-1], **config).begin == 2
    assert decided([*trials, trial(99)], **config) == Decision(stop=True)
    assert decided(trials, **config) == Decision(end=End(JobStatus.COMPLETED, remark=remark))


@given(DONE, st.integers(1, 12), st.integers(1, 5), st.booleans())
def test_a_decision_keeps_the_limits_and_never_hangs(
    trials: list[Trial], most: int, parallel: int, is_stopping: bool
) -> None:
    found = decided(trials, trials=most, parallel=parallel, is_stopping=is_stopping)
    running = sum(not one.status.is_final for one in trials)
    assert found.begin == 0 or len(trials) + found.begin <= most
    assert found.begin == 0 or running + found.begin <= parallel
    # With nobody running it goes on, or ends.
    assert running or found.begin or found.end
    assert not (found.end and (running or found.begin))
