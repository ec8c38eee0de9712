"""What a tuning job does next: begin trials, stop those that run, or end. Pure.

Source: developer guide, "Track and set completion criteria for your tuning job"; the reasons of failures as
SageMaker words them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stepmill.core.statuses import JobStatus
from stepmill.jobs.tuning.plan import Plan
from stepmill.jobs.tuning.trials import Trial, converged_at, has_reached_target, not_improving

# After so many without one that succeeded SageMaker gives up.
_MOST_IN_VAIN = 5


@dataclass(frozen=True)
class End:
    """How a tuning job ends.

    Args:
        status: Its last status.
        reason: FailureReason; empty if it has not failed.
        remark: Why it is over before all trials were made; empty if they were.
    """

    status: JobStatus
    reason: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Decision:
    """What to do next.

    Args:
        begin: So many trials.
        stop: Whether those that run are to be stopped.
        end: How the job has ended; ``None`` as long as it has not.
    """

    begin: int = 0
    stop: bool = False
    end: End | None = None


def decide(
    plan: Plan, trials: Sequence[Trial], *, created_at: datetime, now: datetime, is_stopping: bool = False
) -> Decision:
    """Return what to do next.

    Args:
        plan: Of the tuning job.
        trials: All that were begun.
        created_at: When the tuning job was.
        now: The time.
        is_stopping: Whether it was asked to stop.
    """
    running = sum(not trial.status.is_final for trial in trials)
    end = _end(plan, trials, created_at, now, is_stopping)
    if end is not None:
        return Decision(stop=True) if running else Decision(end=end)
    left = plan.most_trials - len(trials)
    if left <= 0:
        return Decision() if running else Decision(end=_last_word(trials))
    return Decision(begin=max(0, min(left, plan.most_parallel - running)))


def _end(
    plan: Plan, trials: Sequence[Trial], created_at: datetime, now: datetime, is_stopping: bool
) -> End | None:
    """Return how the job ends before all trials are made, if it does."""
    if is_stopping:
        return End(JobStatus.STOPPED)
    if reason := _in_vain(trials, _MOST_IN_VAIN):
        return End(JobStatus.FAILED, reason)
    remark = _is_enough(plan, trials)
    if not remark and plan.longest is not None and now - created_at >= plan.longest:
        remark = f"MaxRuntimeInSeconds ({plan.longest.total_seconds():.0f}) is over"
    if not remark:
        return None
    last = _last_word(trials)
    return End(last.status, last.reason, remark)


def _is_enough(plan: Plan, trials: Sequence[Trial]) -> str:
    completion = plan.completion
    if has_reached_target(plan, trials):
        return f"TargetObjectiveMetricValue ({completion.target}) is reached"
    most = completion.most_not_improving
    if most is not None and not_improving(plan, trials) >= most:
        return f"{most} training jobs in a row were not better by one per cent"
    if completion.on_convergence and converged_at(plan, trials) is not None:
        return "it has converged: half of the training jobs brought no improvement"
    return ""


def _last_word(trials: Sequence[Trial]) -> End:
    reason = _in_vain(trials, 1)
    return End(JobStatus.FAILED, reason) if reason else End(JobStatus.COMPLETED)


def _in_vain(trials: Sequence[Trial], most: int) -> str:
    """Return why a job fails of which so many trials have ended; empty if one of them has a result."""
    ended = [trial for trial in trials if trial.status.is_final]
    if len(ended) < most or any(trial.has_result for trial in ended):
        return ""
    if all(trial.status is JobStatus.FAILED for trial in ended):
        return (
            f"No training job succeeded after {len(ended)} attempts. Please take a look at the training job "
            "failures to get more details."
        )
    if any(trial.status is JobStatus.COMPLETED for trial in ended):
        return (
            f"No objective metrics found after running {len(ended)} training jobs. Please ensure that the "
            "custom algorithm is emitting the objective metric as defined by the regular expression provided."
        )
    return ""
