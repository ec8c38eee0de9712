"""When a job is begun again, and how long it may take in all."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.compute.spec import Ending, JobEnded
from stepmill.jobs import attempts
from stepmill.jobs.attempts import INTERRUPTED, RESTARTING, TimeLeft
from stepmill.jobs.records import Attempt, JobState
from stepmill.jobs.requests.training import TrainingRequest, read_training_request
from support.job_data import T0, training_document

S = timedelta(seconds=1)
STATE = JobState("task", "arn").entered("Starting", T0)


def request(run: int | None = 100, wait: int | None = None, **more: Any) -> TrainingRequest:
    condition = {} if run is None else {"MaxRuntimeInSeconds": run}
    if wait is not None:
        more = {"EnableManagedSpotTraining": True, **more}
        condition["MaxWaitTimeInSeconds"] = wait
    return read_training_request(training_document(StoppingCondition=condition, **more), Path("/p"))


def with_attempts(*seconds: int, then: str = INTERRUPTED) -> JobState:
    done = tuple(Attempt(T0, T0 + n * S, then) for n in seconds)
    return msgspec.structs.replace(STATE, attempts=done)


def ended(ending: Ending, code: int = 143) -> JobEnded:
    return JobEnded("job", ending, code, T0 + 3 * S, T0 + 9 * S)


INTERRUPTING = msgspec.structs.replace(STATE, interrupting=True)


class TestWhyAgain:
    def test_its_capacity_was_taken_away(self) -> None:
        assert attempts.why_again(request(wait=200), INTERRUPTING, ended(Ending.STOPPED)) == INTERRUPTED

    @pytest.mark.parametrize("ending", [Ending.EXITED, Ending.TIMED_OUT, Ending.OUT_OF_MEMORY])
    def test_it_had_ended_before_that_by_itself(self, ending: Ending) -> None:
        assert attempts.why_again(request(wait=200), INTERRUPTING, ended(ending)) == ""

    def test_whoever_stops_it_wants_no_other_attempt(self) -> None:
        state = msgspec.structs.replace(INTERRUPTING, stop_requested=True)
        assert attempts.why_again(request(wait=200), state, ended(Ending.STOPPED)) == ""

    def test_it_was_lost_and_may_be_tried_again(self) -> None:
        twice = request(RetryStrategy={"MaximumRetryAttempts": 2})
        lost = ended(Ending.LOST)
        assert attempts.why_again(twice, STATE, lost) == RESTARTING
        assert attempts.why_again(twice, with_attempts(1, then=RESTARTING), lost) == RESTARTING
        assert attempts.why_again(twice, with_attempts(1, 1, then=RESTARTING), lost) == ""
        # Interruptions do not count.
        assert attempts.why_again(twice, with_attempts(1, 1), lost) == RESTARTING

    def test_an_error_of_its_own_is_no_reason(self) -> None:
        twice = request(RetryStrategy={"MaximumRetryAttempts": 2})
        assert attempts.why_again(twice, STATE, ended(Ending.EXITED, 1)) == ""


class TestTimeLeft:
    def test_of_the_first_attempt(self) -> None:
        assert attempts.time_left(request(), STATE, T0 + 50 * S) == TimeLeft(100 * S)
        assert attempts.time_left(request(run=None), STATE, T0) == TimeLeft(None)

    def test_the_run_is_that_of_all_attempts(self) -> None:
        state = with_attempts(30, 20)
        assert attempts.time_left(request(wait=1000), state, T0 + 500 * S) == TimeLeft(50 * S)

    def test_the_wait_counts_since_it_was_asked_for(self) -> None:
        state = with_attempts(30)
        left = attempts.time_left(request(wait=120), state, T0 + 100 * S)
        assert left == TimeLeft(20 * S, is_wait=True)

    def test_there_is_always_enough_to_be_stopped(self) -> None:
        assert attempts.time_left(request(), with_attempts(100), T0) == TimeLeft(timedelta(seconds=0.1))

    @given(st.lists(st.integers(0, 500), max_size=5), st.integers(0, 2000))
    def test_no_attempt_outlives_either_time(self, done: list[int], since: int) -> None:
        left = attempts.time_left(request(wait=300), with_attempts(*done), T0 + since * S)
        least = timedelta(seconds=0.1)
        assert left.timeout == max(least, min(100 * S - sum(done) * S, 300 * S - since * S))


def test_the_record_of_a_job_that_is_interrupted_and_goes_on() -> None:
    state = STATE.entered("Downloading", T0).entered("Training", T0 + 3 * S)
    state = msgspec.structs.replace(state, interrupting=True)
    state = attempts.paused(state, ended(Ending.STOPPED), INTERRUPTED, T0 + 10 * S, T0 + 15 * S)
    assert state.attempts == (Attempt(T0 + 3 * S, T0 + 9 * S, INTERRUPTED),)
    assert (state.secondary, state.interrupting, state.resumes_at) == (INTERRUPTED, False, T0 + 15 * S)
    assert state.started_at == T0 + 3 * S
    state = attempts.resumed(state, T0 + 16 * S).entered("Training", T0 + 17 * S)
    assert state.resumes_at is None
    assert [t.status for t in state.transitions] == [
        "Starting", "Downloading", "Training", INTERRUPTED, "Starting", "Downloading", "Training",
    ]  # fmt: skip
    # Whoever picks it up only hears again that it runs.
    assert state.entered("Training", T0 + 18 * S) == state
    last = JobEnded("job", Ending.EXITED, 0, T0 + 17 * S, T0 + 20 * S)
    done = attempts.all_attempts(state, last, T0 + 21 * S)
    assert done == (Attempt(T0 + 3 * S, T0 + 9 * S, INTERRUPTED), Attempt(T0 + 17 * S, T0 + 21 * S))


def test_a_job_of_one_attempt_keeps_none() -> None:
    assert attempts.all_attempts(STATE, ended(Ending.EXITED, 0), T0) == ()


def test_what_is_said_of_it() -> None:
    plain, careful = request(wait=200), request(wait=200, CheckpointConfig={"S3Uri": "s3://data/ck"})
    assert attempts.remark(plain, INTERRUPTED, 0) == (
        "attempt 1 was interrupted, its spot capacity taken away: it has no CheckpointConfig and starts from "
        "nothing"
    )
    assert attempts.remark(careful, INTERRUPTED, 1).startswith("attempt 2 was interrupted")
    assert (
        attempts.remark(careful, RESTARTING, 0) == "attempt 1 was lost: it goes on from its last checkpoint"
    )
