"""What a warm start knows of earlier tuning jobs.

Source: developer guide, "Run a Warm Start Hyperparameter Tuning Job".
"""

from __future__ import annotations

from stepmill.jobs.tuning.plan import Plan
from stepmill.jobs.tuning.proposals import Known
from stepmill.jobs.tuning.records import TUNING_JOB, TrialRecords, plan_of
from stepmill.jobs.tuning.trials import Trial, best_of
from stepmill.storage.records import RecordStore


def known_of_parents(records: RecordStore, plan: Plan) -> tuple[Known, ...]:
    """Return the results of a tuning job's parents, in their order.

    What was static in a parent and is searched now counts with the value that it had.
    """
    return tuple(
        Known({**parent.definitions[trial.definition].static, **trial.tuned}, trial.objective)
        for parent, trials in _parents(records, plan)
        for trial in trials
        if trial.has_result and trial.objective is not None
    )


def best_of_parents(records: RecordStore, plan: Plan) -> Trial | None:
    """Return the best trial of all parents; ``None`` if there are none, or none has a result."""
    best = [best_of(parent, trials) for parent, trials in _parents(records, plan)]
    return best_of(plan, [trial for trial in best if trial is not None])


def _parents(records: RecordStore, plan: Plan) -> list[tuple[Plan, list[Trial]]]:
    names = plan.warm_start.parents if plan.warm_start is not None else ()
    found = [records.find(TUNING_JOB, name) for name in names]
    # One that was deleted meanwhile is not missed: what it taught is in the trials that there are.
    return [(plan_of(one), TrialRecords(records).of(one.name)) for one in found if one is not None]
