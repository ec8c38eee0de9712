from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Any

import pytest

from stepmill.core.statuses import JobStatus
from stepmill.jobs.tuning.plan import Plan
from stepmill.jobs.tuning.proposals import Known, Proposer, text_of, value_of
from stepmill.jobs.tuning.ranges import ContinuousRange, IntegerRange, Scale, holds
from stepmill.jobs.tuning.trials import Trial
from support.tuning import continuous, plan, ranges, trial

SPACE = ranges(
    Integer=[continuous("depth", "1", "12", "Linear"), continuous("rounds_", "1", "5000", "Logarithmic")],
    Continuous=[continuous("eta", "0.001", "0.3"), continuous("beta", "0.5", "0.9999", "ReverseLogarithmic")],
    Categorical=[{"Name": "kind", "Values": ['"gbtree"', '"dart"']}],
)


def worth(tuned: dict[str, str]) -> float:
    return float(tuned["eta"]) - abs(int(tuned["depth"]) - 6) / 10


def run(
    plan: Plan, count: int, *, seed: int = 1, known: tuple[Known, ...] = (), fresh: bool = False
) -> list[Trial]:
    """Make trials one by one; with ``fresh``, a process of its own makes each proposal, as after a crash."""
    proposer = Proposer(plan, 0, seed, known)
    trials: list[Trial] = []
    for number in range(1, count + 1):
        if fresh:
            proposer = Proposer(plan, 0, seed, known)
        tuned = proposer.propose(number, number - 1, trials)
        trials.append(trial(number, worth(tuned), tuned=tuned))
    return trials


@pytest.mark.parametrize("strategy", ["Bayesian", "Random", "Hyperband"])
def test_proposals_lie_in_their_ranges(strategy: str) -> None:
    config = {"HyperbandStrategyConfig": {"MaxResource": 9}} if strategy == "Hyperband" else {}
    made = plan(trials=30, Strategy=strategy, ParameterRanges=SPACE, StrategyConfig=config)
    for one in run(made, 30):
        assert all(holds(searched, one.tuned[searched.name]) for searched in made.definitions[0].ranges)
        assert list(one.tuned) == [searched.name for searched in made.definitions[0].ranges]


@pytest.mark.parametrize("strategy", ["Bayesian", "Random"])
def test_a_process_that_goes_on_after_a_crash_proposes_the_same(strategy: str) -> None:
    made = plan(trials=16, Strategy=strategy, ParameterRanges=SPACE)
    assert [one.tuned for one in run(made, 16)] == [one.tuned for one in run(made, 16, fresh=True)]


def test_another_seed_proposes_other_values() -> None:
    made = plan(Strategy="Random", ParameterRanges=SPACE)
    assert run(made, 3, seed=1)[0].tuned != run(made, 3, seed=2)[0].tuned


def test_trials_that_run_failed_or_were_stopped_are_told_too() -> None:
    made = plan(trials=20, ParameterRanges=SPACE)
    before = run(made, 12)
    others = [
        trial(13, tuned=before[0].tuned),
        trial(14, status=JobStatus.FAILED, tuned=before[1].tuned),
        trial(15, 0.2, status=JobStatus.STOPPED, tuned=before[2].tuned),
        trial(16, status=JobStatus.STOPPED, tuned=before[3].tuned),
    ]
    tuned = Proposer(made, 0, 1).propose(17, 16, [*before, *others])
    assert holds(made.definitions[0].ranges[0], tuned["depth"])


def test_a_trial_that_could_not_be_begun_is_proposed_again() -> None:
    made = plan(ParameterRanges=SPACE)
    proposer = Proposer(made, 0, 1)
    assert proposer.propose(1, 0, []) == proposer.propose(1, 0, [])


def test_bayesian_search_learns_from_results() -> None:
    made = plan(trials=40, ParameterRanges=SPACE)
    trials = run(made, 40)
    early = statistics.fmean(one.objective or 0 for one in trials[:10])
    late = statistics.fmean(one.objective or 0 for one in trials[-10:])
    assert late > early


def test_a_grid_is_gone_through_in_order() -> None:
    config: dict[str, Any] = {"ResourceLimits": {"MaxParallelTrainingJobs": 1}, "Strategy": "Grid"}
    categories = [{"Name": "a", "Values": ["1", "2"]}, {"Name": "b", "Values": ["x", "y"]}]
    made = plan(ParameterRanges=ranges(Categorical=categories), **config)
    proposer = Proposer(made, 0, 1)
    found = [proposer.propose(number, made.slot(number)[1], []) for number in range(1, made.most_trials + 1)]
    assert found == [{"a": a, "b": b} for a in "12" for b in "xy"]


def test_what_parents_found_changes_what_is_proposed() -> None:
    made = plan(trials=12, ParameterRanges=SPACE)
    known = tuple(Known(one.tuned, one.objective or 0) for one in run(made, 15, seed=9))
    warm, cold = run(made, 3, known=known), run(made, 3)
    assert warm[0].tuned != cold[0].tuned
    assert [one.tuned for one in warm] == [one.tuned for one in run(made, 3, known=known, fresh=True)]


def test_results_of_parents_outside_of_the_ranges_are_left_out() -> None:
    made = plan(trials=12, ParameterRanges=SPACE)
    known = (Known({"eta": "77"}, 0.5), Known({}, 0.5))
    assert run(made, 2, known=known)[0].tuned == run(made, 2)[0].tuned


def test_a_seed_of_any_size_will_do() -> None:
    assert run(plan(ParameterRanges=SPACE), 1, seed=2**62)


def test_the_logarithmic_scale_is_dense_near_its_lower_end_and_the_reverse_one_near_1() -> None:
    made = plan(trials=60, Strategy="Random", ParameterRanges=SPACE)
    trials = run(made, 60)
    assert statistics.median(float(one.tuned["eta"]) for one in trials) < 0.06
    assert statistics.median(float(one.tuned["beta"]) for one in trials) > 0.95


def test_texts_become_what_optuna_had_chosen() -> None:
    reverse = ContinuousRange("beta", 0.5, 0.9999, Scale.REVERSE_LOGARITHMIC)
    chosen = value_of(reverse, "0.9999")
    assert text_of(reverse, chosen) == "0.9999"
    assert value_of(IntegerRange("n", 1, 5), "3.0") == 3
    assert text_of(ContinuousRange("x", 0.1, 0.3), 0.30000000000000004) == "0.3"


def test_optuna_is_imported_at_the_first_proposal_only() -> None:
    asked = "print('optuna' in sys.modules, 'numpy' in sys.modules)"
    code = f"import sys; import stepmill.jobs.tuning.proposals; {asked}"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["False", "False"]
