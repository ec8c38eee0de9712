from __future__ import annotations

from stepmill.core.statuses import StepStatus
from stepmill.engine.interpreters.pipelines.listing import Standing, step_entries, step_notes, step_views
from stepmill.engine.interpreters.pipelines.plan import Plan
from stepmill.language.pipelines.definition import Trigger
from support.interpreting import NOON, Execution, condition, definition, fail_step, for_each, step


def standings(run: Execution) -> dict[str, str]:
    return {view.name: str(view.status) for view in step_views(run.plan, run.frames)}


def test_an_entry_has_the_shape_of_the_api() -> None:
    run = Execution.of(step("A", display_name="The A", description="Does it")).start()
    assert run.entries == [
        {
            "StepName": "A",
            "StepDisplayName": "The A",
            "StepDescription": "Does it",
            "StepStatus": "Starting",
            "StartTime": "2026-01-01T12:00:00Z",
            "AttemptCount": 1,
        }
    ]
    run.wait(2.5).succeed("A", ProcessingJob={"Arn": "arn"})
    assert run.entries[0]["EndTime"] == "2026-01-01T12:00:02.500000Z"
    assert run.entries[0]["Metadata"] == {"ProcessingJob": {"Arn": "arn"}}


def test_entries_come_in_the_order_of_the_starts() -> None:
    run = Execution.of(step("Z", after=["B"]), step("B"), step("A", after=["Z"])).start()
    run.succeed("B")
    run.succeed("Z")
    assert [entry["StepName"] for entry in run.entries] == ["B", "Z", "A"]


def test_before_the_start_nothing_is_listed_and_all_waits() -> None:
    plan = Plan.of(definition(step("A"), condition("C", True, then=[step("B")])))
    assert step_entries(plan, {}) == []
    assert [(view.name, view.status) for view in step_views(plan, {})] == [
        ("A", Standing.WAITING),
        ("C", Standing.WAITING),
        ("B", Standing.WAITING),
    ]


def test_what_was_not_taken_and_what_comes_after_it() -> None:
    run = Execution.of(
        step("A"),
        condition("C", False, then=[step("Yes"), condition("D", True, then=[step("Deep")])], after=["A"]),
        step("After", after=["Yes"]),
    ).start()
    assert standings(run) == {
        "A": "Starting",
        "C": "Waiting",
        "Yes": "Waiting",
        "D": "Waiting",
        "Deep": "Waiting",
        "After": "Waiting",
    }
    run.succeed("A")
    assert standings(run) == {
        "A": "Succeeded",
        "C": "Succeeded",
        "Yes": "NotTaken",
        "D": "NotTaken",
        "Deep": "NotTaken",
        "After": "NotTaken",
    }


def test_what_cannot_be_reached_after_a_failure() -> None:
    run = Execution.of(
        step("A"),
        step("B"),
        step("C", after=["A", "B"]),
        step("D", after=["C"]),
        step("Tell", after=[("A", Trigger.FAILED)]),
        step("Fine", after=["B"]),
    ).start()
    run.fail("A")
    assert standings(run) == {
        "A": "Failed",
        "B": "Starting",
        "C": "NotReached",
        "D": "NotReached",
        "Tell": "Starting",
        "Fine": "Waiting",
    }


def test_a_reaction_to_a_failure_that_did_not_come() -> None:
    run = Execution.of(step("A"), step("B"), step("Tell", after=[("A", Trigger.FAILED)])).start()
    run.succeed("A")
    assert standings(run)["Tell"] == "NotReached"


def test_after_the_end_nothing_waits() -> None:
    run = Execution.of(step("A"), step("B", after=["A"]), step("C")).start(parallelism=1)
    run.stop()
    run.end_stopped("A")
    assert standings(run) == {"A": "Stopped", "B": "NotReached", "C": "NotReached"}


def test_after_a_fail_step_nothing_waits() -> None:
    run = Execution.of(
        step("A"), step("B"), step("C", after=["A"]), fail_step("Bad", "x", after=["B"])
    ).start()
    run.succeed("B")
    assert standings(run) == {"A": "Starting", "B": "Succeeded", "C": "NotReached", "Bad": "Failed"}


def test_children_of_a_for_each_follow_their_body_step() -> None:
    run = Execution.of(
        for_each("Loop", [1, 2, 3], [step("A"), step("B", after=["A"])], concurrency=2)
    ).start()
    run.succeed("A-0")
    views = {view.name: view for view in step_views(run.plan, run.frames)}
    assert list(views) == ["Loop", "A", "A-0", "A-1", "B", "B-0"]
    assert views["B-0"].needs == ("A-0",)
    assert (views["A-1"].parent, views["A-1"].index) == ("Loop", 1)


def test_a_view_has_all_that_is_known() -> None:
    run = Execution.of(step("A"), step("B", after=["A"])).start()
    run.running("A", notes=("cache missed: Environment changed",))
    run.wait(1).succeed("A", cached_from="arn")
    first, second = step_views(run.plan, run.frames)
    assert first.status is StepStatus.SUCCEEDED
    assert (first.started_at, first.ended_at) == (NOON, run.at)
    assert (first.attempt, first.cached_from) == (1, "arn")
    assert first.notes == ("cache missed: Environment changed",)
    assert second.needs == ("A",)
    assert step_notes(run.plan, run.frames) == {"A": ("cache missed: Environment changed",)}


def test_a_step_that_is_to_run_again_waits() -> None:
    run = Execution.of(step("A"), step("B"), step("C", after=["B"])).start(parallelism=1)
    run.fail("A")
    run.fail("B")
    run.retry()
    assert standings(run) == {"A": "Starting", "B": "Waiting", "C": "Waiting"}
    (view,) = [view for view in step_views(run.plan, run.frames) if view.name == "B"]
    assert view.attempt == 1
