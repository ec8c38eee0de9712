from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings

from stepmill.core.service_models import service_model
from stepmill.language.pipelines.checking import read
from stepmill.language.pipelines.cycles import cycles
from stepmill.language.pipelines.definition import Branch, Dependency, Trigger
from stepmill.language.pipelines.dependencies import StepDependencies, dependencies, enclosing
from stepmill.testing.definitions import pipeline_documents
from support.documents import condition, definition_of, for_each, function, get


def reads(name: str, *steps: str, **keys: Any) -> Any:
    arguments = {step: get(f"Steps.{step}.OutputParameters['score']") for step in steps}
    return function(name, "score", arguments=arguments, **keys)


def of(*steps: Any) -> dict[str, StepDependencies]:
    return dict(dependencies(definition_of(*steps)))


def test_a_step_waits_for_what_it_reads_and_what_it_names() -> None:
    found = of(reads("A"), reads("B"), reads("C", "A", DependsOn=["B", "A"]))
    assert found["C"] == StepDependencies((Dependency("B"), Dependency("A")), ("A",))
    assert found["C"].steps == ("B", "A")


def test_a_trigger_is_kept() -> None:
    found = of(reads("A"), reads("B", DependsOn=[{"Step": "A", "Trigger": "Failed"}]))
    assert found["B"].explicit == (Dependency("A", Trigger.FAILED),)


def test_entries_stand_once_per_trigger() -> None:
    after = ["A", "A", {"Step": "A", "Trigger": "Failed"}]
    found = of(reads("A"), reads("B", DependsOn=after))
    assert found["B"].explicit == (Dependency("A"), Dependency("A", Trigger.FAILED))


def test_a_step_in_a_branch_waits_for_its_condition() -> None:
    found = of(reads("A"), condition("Gate", then=[reads("Yes", "A")], otherwise=[reads("No")]))
    assert found["Yes"] == StepDependencies((), ("A",), "Gate", Branch.IF)
    assert found["Yes"].steps == ("Gate", "A")
    assert found["No"].branch is Branch.ELSE


def test_a_condition_waits_for_what_it_compares_only() -> None:
    compared = {"Type": "Equals", "LeftValue": get("Steps.A.OutputParameters['score']"), "RightValue": 1}
    found = of(reads("A"), reads("B"), condition("Gate", compared, then=[reads("Yes", "B")]))
    assert found["Gate"].references == ("A",)


def test_a_loop_takes_over_what_its_body_needs_from_outside() -> None:
    body = reads("One", "A"), reads("Two", "One", "B", DependsOn=["A", {"Step": "One", "Trigger": "Any"}])
    found = of(reads("A"), reads("B"), for_each("Loop", *body))
    assert found["Loop"] == StepDependencies((Dependency("A"),), ("A", "B"))
    assert found["One"] == StepDependencies((), (), "Loop", Branch.BODY)
    assert found["Two"] == StepDependencies((Dependency("One", Trigger.ANY),), ("One",), "Loop", Branch.BODY)


def test_what_encloses_a_step_is_told_from_the_inside() -> None:
    steps = definition_of(condition("Outer", then=[condition("Inner", then=[reads("Deep")])])).steps
    assert [step.name for step in enclosing(steps["Deep"], steps)] == ["Inner", "Outer"]


@settings(deadline=None, max_examples=50)
@given(pipeline_documents())
def test_dependencies_name_steps_and_have_no_cycle(document: dict[str, Any]) -> None:
    definition = read(json.dumps(document), service_model)
    waits = {name: each.steps for name, each in dependencies(definition).items()}
    assert list(waits) == list(definition.steps)
    assert all(target in waits for targets in waits.values() for target in targets)
    assert list(cycles(waits)) == []
