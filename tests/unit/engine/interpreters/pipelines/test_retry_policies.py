from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.core.tasks import TaskFailed
from stepmill.engine.interpreters.pipelines.events import TimerFired
from stepmill.engine.interpreters.pipelines.retrying import LONGEST_WAIT, next_attempt, retry_delay
from stepmill.language.pipelines.definition import RetryPolicy, StepType
from support.interpreting import EXECUTION_ID, NOON, Execution, fail_step, for_each, step

CAPACITY = "SageMaker.CAPACITY_ERROR"


def policy(*names: str, seconds: float = 10, rate: float = 2.0, attempts: int | None = 2) -> RetryPolicy:
    return RetryPolicy(names or (CAPACITY,), timedelta(seconds=seconds), rate, attempts)


@st.composite
def policies(draw: st.DrawFn) -> RetryPolicy:
    return RetryPolicy(
        (CAPACITY,),
        timedelta(seconds=draw(st.integers(1, 43_200))),
        draw(st.floats(1, 1e300, allow_nan=False)),
        draw(st.none() | st.integers(1, 20)),
        draw(st.none() | st.timedeltas(timedelta(minutes=1), timedelta(minutes=14_400))),
    )


@given(policies(), st.integers(1, 10_000))
def test_waits_grow_and_have_an_end(policy: RetryPolicy, retry: int) -> None:
    assert timedelta(0) < retry_delay(policy, retry) <= retry_delay(policy, retry + 1) <= LONGEST_WAIT


@given(policies(), st.integers(0, 30), st.timedeltas(timedelta(0), timedelta(days=20)))
def test_no_attempt_begins_after_what_the_policy_allows(
    policy: RetryPolicy, retries: int, late: timedelta
) -> None:
    due_at = next_attempt(policy, retries, first_start=NOON, at=NOON + late)
    if policy.max_attempts is not None and retries >= policy.max_attempts:
        assert due_at is None
    if due_at is not None:
        assert due_at > NOON + late
        assert policy.expire_after is None or due_at <= NOON + policy.expire_after


def test_the_wait_doubles_and_attempts_are_counted() -> None:
    run = Execution.of(step("A", retry_policies=(policy(),))).start()
    run.fail("A", CAPACITY, "no machine")
    assert run.timers == {"retry/A/1": NOON + timedelta(seconds=10)}
    assert run.status is Status.EXECUTING
    assert run.entry("A")["AttemptCount"] == 1
    assert "FailureReason" not in run.entry("A")
    run.fire()
    assert run.task("A").id == f"{EXECUTION_ID}/A/2"
    run.fail("A", CAPACITY)
    assert run.timers == {"retry/A/2": NOON + timedelta(seconds=30)}
    run.fire()
    assert run.entry("A")["AttemptCount"] == 3
    run.fail("A", CAPACITY, "still none")
    assert not run.timers
    assert run.status is Status.FAILED
    assert run.entry("A")["FailureReason"] == f"{CAPACITY}: still none"
    assert run.entry("A")["StartTime"] == "2026-01-01T12:00:00Z"


def test_each_attempt_has_a_job_of_its_own() -> None:
    run = Execution.of(step("A", retry_policies=(policy(),))).start()
    run.fail("A", CAPACITY)
    run.fire()
    assert len({task.name for task in run.all_tasks}) == 2


def test_a_success_after_a_retry_is_a_success() -> None:
    run = Execution.of(step("A", retry_policies=(policy(),))).start()
    run.fail("A", CAPACITY)
    run.fire()
    run.succeed("A")
    assert run.status is Status.SUCCEEDED
    assert "FailureReason" not in run.entry("A")


@pytest.mark.parametrize("error", ["AlgorithmError", "ClientError", "SageMaker.JOB_INTERNAL_ERROR"])
def test_errors_that_no_policy_names_are_not_retried(error: str) -> None:
    run = Execution.of(step("A", retry_policies=(policy(),))).start()
    run.fail("A", error)
    assert run.status is Status.FAILED


@pytest.mark.parametrize("error", ["Step.SERVICE_FAULT", "Step.THROTTLING"])
def test_faults_of_the_service_are_retried_without_a_policy(error: str) -> None:
    run = Execution.of(step("A")).start()
    for wait in (1, 2, 4, 8, 16):
        before = run.at
        run.fail("A", error)
        run.fire()
        assert run.at - before == timedelta(seconds=wait)
    run.fail("A", error)
    assert run.status is Status.FAILED
    assert run.entry("A")["AttemptCount"] == 6


def test_a_policy_replaces_the_default() -> None:
    run = Execution.of(step("A", retry_policies=(policy("Step.THROTTLING", attempts=1),))).start()
    run.fail("A", "Step.THROTTLING")
    run.fire()
    run.fail("A", "Step.THROTTLING")
    assert run.status is Status.FAILED


def test_each_policy_counts_for_itself() -> None:
    other = policy("SageMaker.JOB_INTERNAL_ERROR", seconds=5, attempts=1)
    run = Execution.of(step("A", retry_policies=(policy(attempts=1), other))).start()
    run.fail("A", CAPACITY)
    run.fire()
    run.fail("A", "SageMaker.JOB_INTERNAL_ERROR")
    run.fire()
    assert run.at == NOON + timedelta(seconds=15)
    run.fail("A", CAPACITY)
    assert run.status is Status.FAILED


def test_the_first_policy_that_names_the_error_counts() -> None:
    run = Execution.of(step("A", retry_policies=(policy(seconds=3), policy(seconds=7)))).start()
    run.fail("A", CAPACITY)
    run.fire()
    assert run.at == NOON + timedelta(seconds=3)


def test_a_policy_may_expire() -> None:
    until = RetryPolicy((CAPACITY,), timedelta(seconds=50), 1.0, None, timedelta(minutes=2))
    run = Execution.of(step("A", retry_policies=(until,))).start()
    run.fail("A", CAPACITY)
    run.fire()
    run.fail("A", CAPACITY)
    run.fire()
    run.fail("A", CAPACITY)
    assert run.at == NOON + timedelta(seconds=100)
    assert run.status is Status.FAILED


def test_a_waiting_step_has_no_slot_and_queues_for_one() -> None:
    run = Execution.of(step("A", retry_policies=(policy(),)), step("B"), step("C")).start(parallelism=1)
    run.fail("A", CAPACITY)
    assert run.under_way == ["B"]
    run.fire()
    assert run.under_way == ["B"]
    run.succeed("B")
    assert run.under_way == ["C"]
    run.succeed("C")
    assert run.under_way == ["A"]
    run.succeed("A")
    assert run.status is Status.SUCCEEDED


def test_a_timer_fires_once() -> None:
    run = Execution.of(step("A", retry_policies=(policy(),))).start()
    run.fail("A", CAPACITY)
    run.fire()
    assert run.post(TimerFired("retry/A/1")).is_empty
    run.fail("A", CAPACITY)
    assert run.post(TimerFired("retry/A/1")).is_empty


def test_a_report_on_an_earlier_attempt_is_late() -> None:
    run = Execution.of(step("A", retry_policies=(policy(),))).start()
    old = run.task("A").id
    run.fail("A", CAPACITY)
    assert run.post(TaskFailed(old, CAPACITY)).is_empty
    run.fire()
    assert run.post(TaskFailed(old, CAPACITY)).is_empty


def test_after_a_fail_step_running_steps_keep_their_retries() -> None:
    run = Execution.of(
        step("A", retry_policies=(policy(),)), step("B"), fail_step("Stop", "no", after=["B"])
    ).start()
    run.fail("A", CAPACITY)
    run.succeed("B")
    assert run.status is Status.EXECUTING
    run.fire()
    run.succeed("A")
    assert run.status is Status.FAILED
    assert run.root.failure_reason == "no"


def test_children_of_a_for_each_are_retried() -> None:
    body = [step("Fit", StepType.TRAINING, retry_policies=(policy(),))]
    run = Execution.of(for_each("Loop", [1, 2], body, concurrency=1)).start()
    run.fail("Fit-0", CAPACITY)
    assert run.under_way == []
    run.fire()
    assert run.under_way == ["Fit-0"]
    run.succeed("Fit-0")
    run.succeed("Fit-1")
    assert run.status is Status.SUCCEEDED


def test_the_history_tells_of_the_wait() -> None:
    run = Execution.of(step("A", retry_policies=(policy(),))).start()
    run.fail("A", CAPACITY, "no machine")
    told = run.history[-1]
    assert str(told.type) == "StepRetryScheduled"
    assert told.body == {
        "attempt": 1,
        "reason": f"{CAPACITY}: no machine",
        "at": "2026-01-01T12:00:10Z",
    }
