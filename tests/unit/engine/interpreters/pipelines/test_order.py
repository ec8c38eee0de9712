"""Who starts when, who waits, and how the execution ends."""

from __future__ import annotations

import pytest

from stepmill.core.errors import IllegalTransitionError
from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.core.tasks import TaskFailed, TaskStarted, TaskSucceeded
from stepmill.engine.interpreters.pipelines.events import ExecutionStarted, TimerFired
from stepmill.engine.interpreters.pipelines.plan import Plan
from stepmill.language.pipelines.definition import CacheConfig, StepType, Trigger
from support.interpreting import (
    EXECUTION_ARN,
    EXECUTION_ID,
    PIPELINE_ARN,
    Execution,
    condition,
    fail_step,
    layers,
    step,
)


def test_a_step_starts_when_the_last_of_its_needs_is_met() -> None:
    run = Execution.of(step("A"), step("B"), step("C", after=["A", "B"])).start()
    assert run.under_way == ["A", "B"]
    run.succeed("B")
    assert run.under_way == ["A"]
    run.succeed("A")
    assert run.under_way == ["C"]
    run.succeed("C")
    assert run.status is Status.SUCCEEDED
    assert run.statuses == [Status.EXECUTING, Status.SUCCEEDED]


def test_a_step_does_not_wait_for_a_layer() -> None:
    run = Execution.of(step("A"), step("B"), step("C", after=["A"])).start()
    run.succeed("A")
    assert run.under_way == ["B", "C"]


def test_only_so_many_steps_run_at_once_and_the_rest_in_order() -> None:
    run = Execution.of(*[step(name) for name in "ABCD"]).start(parallelism=2)
    assert run.under_way == ["A", "B"]
    run.succeed("B")
    assert run.under_way == ["A", "C"]
    run.succeed("A")
    run.succeed("C")
    assert run.under_way == ["D"]


def test_without_a_wish_fifty_run_at_once() -> None:
    run = Execution(Plan.of(layers(1, 60))).start()
    assert len(run.under_way) == 50


def test_conditions_take_no_slot() -> None:
    run = Execution.of(step("A"), condition("C", True, then=[step("D")])).start(parallelism=1)
    assert run.under_way == ["A"]
    assert run.step_statuses == {"C": "Succeeded", "A": "Starting"}


def test_a_task_says_what_to_do_for_whom() -> None:
    run = Execution.of(
        step(
            "A",
            StepType.LAMBDA,
            arguments={"x": 1},
            extra={"FunctionArn": {"Get": "Parameters.F"}},
            cache=CacheConfig(enabled=True),
        )
    ).start({"F": "arn:f"})
    task = run.task("A")
    assert (task.id, task.resource) == (f"{EXECUTION_ID}/A/1", "lambda:invoke")
    assert (task.payload, task.extra) == ({"x": 1}, {"FunctionArn": "arn:f"})
    assert (task.execution_arn, task.pipeline, task.step, task.name) == (EXECUTION_ARN, "P", "A", "")
    assert task.cache is not None
    assert task.cache.expire_after is None


def test_a_cache_that_is_off_is_not_asked_for() -> None:
    run = Execution.of(step("A", cache=CacheConfig(enabled=False))).start()
    assert run.task("A").cache is None


def test_starting_and_executing() -> None:
    run = Execution.of(step("A")).start()
    assert run.step_statuses == {"A": "Starting"}
    run.running("A", ProcessingJob={"Arn": "arn:job"}, notes=("no isolation",))
    assert run.step_statuses == {"A": "Executing"}
    assert run.entry("A")["Metadata"] == {"ProcessingJob": {"Arn": "arn:job"}}
    assert run.frame("A").notes == ("no isolation",)


def test_a_task_may_tell_more_while_it_runs() -> None:
    run = Execution.of(step("A")).start()
    run.running("A", Callback={"CallbackToken": "abc"}, notes=("one",))
    run.running("A", Callback={"SqsQueueUrl": "q"}, notes=("one", "two"))
    run.succeed("A")
    assert run.entry("A")["Metadata"] == {"Callback": {"CallbackToken": "abc", "SqsQueueUrl": "q"}}
    assert run.frame("A").notes == ("one", "two")


def test_a_cache_hit_is_listed() -> None:
    run = Execution.of(step("A")).start()
    run.succeed("A", {"x": 1}, cached_from="arn:source")
    assert run.entry("A")["CacheHitResult"] == {"SourcePipelineExecutionArn": "arn:source"}
    assert "StepCacheHit A" in run.said


def test_after_a_failure_independent_steps_go_on() -> None:
    run = Execution.of(step("A"), step("B"), step("C", after=["A"]), step("D", after=["B"])).start()
    run.fail("A")
    assert run.status is Status.EXECUTING
    run.succeed("B")
    run.succeed("D")
    assert run.status is Status.FAILED
    assert run.root.failure_reason == "Step failure: One or multiple steps failed."
    assert list(run.step_statuses) == ["A", "B", "D"]
    assert run.entry("A")["FailureReason"] == "AlgorithmError: it broke"


def test_a_long_cause_keeps_its_end() -> None:
    run = Execution.of(step("A")).start()
    run.fail("A", cause="x" * 5000 + "ValueError: the point")
    reason = run.entry("A")["FailureReason"]
    assert len(reason) <= 1024
    assert reason.startswith("AlgorithmError: xx")
    assert reason.endswith("ValueError: the point")


def test_a_fail_step_lets_running_steps_finish_and_starts_nothing_more() -> None:
    run = Execution.of(
        step("A"),
        step("B"),
        step("Later", after=["A"]),
        fail_step(
            "Stop", {"Std:Join": {"On": " ", "Values": ["too", {"Get": "Parameters.Bad"}]}}, after=["B"]
        ),
    ).start({"Bad": 0.5})
    run.succeed("B")
    assert run.status is Status.EXECUTING
    run.succeed("A")
    assert run.status is Status.FAILED
    assert run.root.failure_reason == "too 0.5"
    assert "Later" not in run.step_statuses
    assert run.entry("Stop")["Metadata"] == {"Fail": {"ErrorMessage": "too 0.5"}}
    assert run.entry("Stop")["StepStatus"] == "Failed"


def test_a_fail_step_dismisses_those_that_wait_for_a_slot() -> None:
    run = Execution.of(step("A"), step("B"), fail_step("Stop", "no")).start(parallelism=1)
    assert run.under_way == []
    assert run.status is Status.FAILED


def test_the_first_fail_step_gives_the_reason() -> None:
    run = Execution.of(
        step("A"), fail_step("One", "first", after=["A"]), fail_step("Two", "second", after=["A"])
    ).start()
    run.succeed("A")
    assert run.root.failure_reason == "first"


@pytest.mark.parametrize(
    ("trigger", "end", "starts"),
    [
        (Trigger.COMPLETED, "succeed", True),
        (Trigger.COMPLETED, "fail", False),
        (Trigger.COMPLETED, "end_stopped", False),
        (Trigger.FAILED, "succeed", False),
        (Trigger.FAILED, "fail", True),
        (Trigger.FAILED, "end_stopped", False),
        (Trigger.STOPPED, "succeed", False),
        (Trigger.STOPPED, "fail", False),
        (Trigger.STOPPED, "end_stopped", True),
        (Trigger.ANY, "succeed", True),
        (Trigger.ANY, "fail", True),
        (Trigger.ANY, "end_stopped", True),
    ],
)
def test_triggers(trigger: Trigger, end: str, starts: bool) -> None:
    run = Execution.of(step("A"), step("B", after=[("A", trigger)])).start()
    getattr(run, end)("A")
    assert run.under_way == (["B"] if starts else [])


def test_a_failure_that_made_a_step_start_leaves_the_execution_completed_with_failures() -> None:
    run = Execution.of(step("A"), step("Tell", after=[("A", Trigger.FAILED)])).start()
    run.fail("A")
    run.succeed("Tell")
    assert run.status is Status.COMPLETED_WITH_FAILURES
    assert run.root.failure_reason == ""


def test_one_failure_that_nobody_reacted_to_fails_the_execution() -> None:
    run = Execution.of(step("A"), step("B"), step("Tell", after=[("A", Trigger.FAILED)])).start()
    run.fail("A")
    run.fail("B")
    run.succeed("Tell")
    assert run.status is Status.FAILED


def test_a_reaction_that_could_not_start_does_not_count() -> None:
    run = Execution.of(step("A"), step("B"), step("Tell", after=[("A", Trigger.FAILED), "B"])).start()
    run.fail("A")
    run.fail("B")
    assert run.status is Status.FAILED


def test_one_reaction_can_handle_several_failures() -> None:
    run = Execution.of(
        step("A"), step("B"), step("Tell", after=[("A", Trigger.ANY), ("B", Trigger.ANY)])
    ).start()
    run.fail("A")
    run.fail("B")
    run.succeed("Tell")
    assert run.status is Status.COMPLETED_WITH_FAILURES


def test_two_reactions_to_one_failure_handle_it_once() -> None:
    run = Execution.of(
        step("A"),
        step("B"),
        step("Tell", after=[("A", Trigger.FAILED)]),
        step("Log", after=[("A", Trigger.ANY)]),
    ).start()
    run.fail("A")
    run.fail("B")
    run.succeed("Tell")
    run.succeed("Log")
    assert run.status is Status.FAILED


def test_a_reaction_that_fails_fails_the_execution() -> None:
    run = Execution.of(step("A"), step("Tell", after=[("A", Trigger.FAILED)])).start()
    run.fail("A")
    run.fail("Tell")
    assert run.status is Status.FAILED


def test_a_job_stopped_by_somebody_counts_as_a_failure() -> None:
    run = Execution.of(step("A")).start()
    run.end_stopped("A")
    assert run.step_statuses == {"A": "Stopped"}
    assert run.status is Status.FAILED


def test_reports_that_nobody_waits_for_change_nothing() -> None:
    run = Execution.of(step("A"), step("B", after=["A"])).start()
    old = run.task("A").id
    run.running("A", ProcessingJob={"Arn": "x"})
    assert run.post(TaskStarted(old, {"ProcessingJob": {"Arn": "x"}})).is_empty
    run.succeed("A")
    before = dict(run.frames)
    for event in (
        TaskSucceeded(old, {"other": 1}),
        TaskFailed(old, "AlgorithmError"),
        TaskStarted(old),
        TaskSucceeded(f"{EXECUTION_ID}/Unknown/1"),
        TaskSucceeded("nonsense"),
        TaskSucceeded(""),
        TaskSucceeded(f"{EXECUTION_ID}/B/2"),
        TimerFired("retry/A/1"),
        TimerFired("nonsense"),
        ExecutionStarted(EXECUTION_ID, EXECUTION_ARN, "P", PIPELINE_ARN),
    ):
        assert run.post(event).is_empty
    assert run.frames == before


def test_an_ended_execution_hears_nothing() -> None:
    run = Execution.of(step("A")).start()
    task = run.task("A").id
    run.succeed("A")
    assert run.post(TaskFailed(task, "AlgorithmError")).is_empty
    assert run.stop().is_empty
    assert run.retry().is_empty
    assert run.status is Status.SUCCEEDED


def test_nothing_can_happen_before_the_start() -> None:
    with pytest.raises(IllegalTransitionError, match="before ExecutionStarted"):
        Execution.of(step("A")).stop()


def test_ten_thousand_conditions_in_a_chain_are_one_advance() -> None:
    chain = [condition(f"C{i}", True, after=[f"C{i - 1}"] if i else []) for i in range(10_000)]
    run = Execution.of(*chain)
    result = run.start()
    assert result.status is Status.SUCCEEDED
    assert len(run.recorded) == 1


def test_deeply_nested_conditions() -> None:
    inner = condition("C0", True, then=[step("A")])
    for depth in range(1, 100):
        inner = condition(f"C{depth}", True, then=[inner])
    run = Execution.of(inner).start()
    assert run.under_way == ["A"]


def test_one_end_touches_few_frames_in_dense_layers() -> None:
    run = Execution(Plan.of(layers(3, 40))).start(parallelism=1_000)
    result = run.succeed("S0-x7")
    assert set(result.frames) == {"execution", "step/S0-x7", "output/S0-x7", "gate/S1-x0"}
