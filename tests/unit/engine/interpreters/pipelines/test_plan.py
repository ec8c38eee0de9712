from __future__ import annotations

from stepmill.engine.interpreters.pipelines.plan import RESOURCES, Plan
from stepmill.language.pipelines.definition import Branch, StepType, Trigger
from support.interpreting import condition, definition, for_each, layers, step


def test_steps_with_the_same_needs_share_a_gate() -> None:
    plan = Plan.of(layers(3, 4))
    assert len(plan.gates) == 3
    assert plan.gates["S1-x0"].working == ("S1-x0", "S1-x1", "S1-x2", "S1-x3")
    assert plan.steps["S0-x2"].feeds == {Trigger.COMPLETED: ("S1-x0",)}


def test_the_order_in_which_needs_are_written_does_not_matter() -> None:
    plan = Plan.of(definition(step("A"), step("B"), step("C", after=["A", "B"]), step("D", after=["B", "A"])))
    assert plan.steps["D"].gate == "C"


def test_a_reference_is_a_need() -> None:
    plan = Plan.of(definition(step("A"), step("B", arguments={"x": {"Get": "Steps.A.y"}})))
    assert plan.gates["B"].needs == (("A", Trigger.COMPLETED),)


def test_a_reference_to_a_step_that_is_waited_for_with_a_trigger_needs_no_success() -> None:
    plan = Plan.of(
        definition(step("A"), step("B", after=[("A", Trigger.FAILED)], arguments={"x": {"Get": "Steps.A.y"}}))
    )
    assert plan.gates["B"].needs == (("A", Trigger.FAILED),)
    assert plan.steps["B"].reacts_to == ("A",)


def test_steps_of_a_branch_wait_for_the_branch() -> None:
    plan = Plan.of(definition(condition("C", True, then=[step("Yes")], otherwise=[step("No"), step("Nay")])))
    assert plan.gates["Yes"].needs == (("C", Branch.IF),)
    assert plan.gates["No"].needs == (("C", Branch.ELSE),)
    assert plan.gates["No"].steps == ("No", "Nay")


def test_a_for_each_waits_for_what_its_body_needs_from_outside() -> None:
    body = [step("Fit", arguments={"x": {"Get": "Steps.Prep.y"}}), step("Check", after=["Fit"])]
    plan = Plan.of(definition(step("Prep"), for_each("Loop", [1, 2], body)))
    assert plan.gates["Loop"].needs == (("Prep", Trigger.COMPLETED),)
    assert plan.gates["Fit"].needs == ()
    assert plan.gates["Check"].needs == (("Fit", Trigger.COMPLETED),)
    assert plan.gates["Check"].loop == "Loop"
    assert plan.steps["Loop"].first_gates == ("Fit",)
    assert plan.loops == ("Loop",)


def test_body_steps_without_needs_do_not_share_a_gate_with_steps_outside() -> None:
    plan = Plan.of(definition(step("A"), for_each("Loop", [1], [step("B")])))
    assert plan.steps["A"].gate != plan.steps["B"].gate


def test_instant_steps_are_kept_apart_from_those_with_outside_work() -> None:
    plan = Plan.of(definition(step("A"), condition("C", True), for_each("L", [1], [step("B")])))
    assert plan.gates["A"].working == ("A",)
    assert plan.gates["A"].instant == ("C", "L")


def test_every_type_with_outside_work_has_a_resource_of_its_own() -> None:
    assert set(StepType) - set(RESOURCES) == {StepType.CONDITION, StepType.FAIL, StepType.FOR_EACH}
    assert len(set(RESOURCES.values())) == len(RESOURCES)


def test_resources_names_who_is_needed() -> None:
    plan = Plan.of(definition(step("A", StepType.TRAINING), condition("C", True, then=[step("B")])))
    assert plan.resources == {"A": "sagemaker:createTrainingJob", "B": "sagemaker:createProcessingJob"}


def test_a_plan_is_as_large_as_the_definition() -> None:
    plan = Plan.of(layers(20, 50))
    fed = sum(len(gates) for planned in plan.steps.values() for gates in planned.feeds.values())
    assert fed <= len(plan.steps)
