from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.sdk import ConditionStep, FailStep, ForEachStep, Parameter, ProcessingStep, Step
from stepmill.sdk.layout import lay_out

LIMIT = Parameter("limit", 6)


def job(name: str, *needs: Step, **options: object) -> ProcessingStep:
    return ProcessingStep(name, image="python", depends_on=needs, outputs=["out"], **options)


def top(*steps: Step) -> list[str]:
    return [step.name for step in lay_out(steps, "P").top]


def test_what_a_step_needs_comes_before_it() -> None:
    first = job("A")
    second = job("B", inputs={"x": first.outputs["out"]})
    assert top(second, first) == ["A", "B"]


def test_what_a_step_needs_need_not_be_listed() -> None:
    assert top(job("C", job("B", job("A")))) == ["A", "B", "C"]


def test_the_listed_order_is_kept_where_nothing_speaks_against_it() -> None:
    assert top(job("C"), job("A"), job("B")) == ["C", "A", "B"]


def test_a_value_deep_in_a_step_counts() -> None:
    first = job("A")
    gate = ConditionStep("G", (LIMIT < 3) | ~(first.report("x.json")["a"] > 1), then=[job("B")])
    assert top(gate) == ["A", "G"]


def test_what_steps_in_a_branch_need_stands_outside() -> None:
    first = job("A")
    assert top(first, ConditionStep("G", LIMIT < 3, then=[job("B", first)])) == ["A", "G"]
    assert set(top(ConditionStep("G", LIMIT < 3, then=[job("B", first)]))) == {"A", "G"}


def test_what_needs_a_step_in_a_branch_comes_after_the_condition() -> None:
    inside = job("B")
    gate = ConditionStep("G", LIMIT < 3, then=[inside])
    assert top(job("C", inside), gate) == ["G", "C"]


def test_a_step_between_two_of_a_branch() -> None:
    first = job("First")
    between = job("Between", first)
    gate = ConditionStep("G", LIMIT < 3, then=[first, job("Last", between)])
    assert top(gate) == ["G", "Between"]


def test_parameters_in_the_order_of_their_first_use() -> None:
    a, b = Parameter("a", 1), Parameter("b", 2)
    first = job("A", arguments=[b])
    layout = lay_out([job("B", first, arguments=[a, b])], "P")
    assert layout.parameters == (b, a)


def test_a_parameter_in_a_branch_counts() -> None:
    inside = Parameter("inside", 1)
    gate = ConditionStep("G", LIMIT < 3, then=[FailStep("F", inside / "x")])
    assert [parameter.name for parameter in lay_out([gate], "P").parameters] == ["limit", "inside"]


def test_equal_parameters_are_one() -> None:
    steps = [job("A", arguments=[Parameter("p", 1)]), job("B", arguments=[Parameter("p", 1)])]
    assert len(lay_out(steps, "P").parameters) == 1


def test_different_parameters_of_one_name_are_refused() -> None:
    steps = [job("A", arguments=[Parameter("p", 1)]), job("B", arguments=[Parameter("p", 2)])]
    with pytest.raises(InvalidInputError, match="two different parameters 'p'") as caught:
        lay_out(steps, "P")
    assert caught.value.where == "step 'B'"


def test_two_steps_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="Two steps are named 'A'"):
        lay_out([job("B", job("A")), ConditionStep("G", LIMIT < 3, then=[job("A")])], "P")


@pytest.mark.parametrize("places", ["both branches", "two conditions", "branch and top", "twice in one"])
def test_a_step_stands_in_one_place(places: str) -> None:
    step = job("A")
    steps: list[Step] = {
        "both branches": [ConditionStep("G", LIMIT < 3, then=[step], otherwise=[step])],
        "two conditions": [
            ConditionStep("G", LIMIT < 3, then=[step]),
            ForEachStep("H", items=[1], body=[step]),
        ],
        "branch and top": [step, ConditionStep("G", LIMIT < 3, then=[step])],
        "twice in one": [ConditionStep("G", LIMIT < 3, then=[step, step])],
    }[places]
    with pytest.raises(InvalidInputError, match="'A' stands in two places"):
        lay_out(steps, "P")


def test_a_step_may_be_listed_twice() -> None:
    step = job("A")
    assert top(step, step) == ["A"]


def test_waiting_for_each_other_is_refused() -> None:
    a, b, c = job("A"), job("B"), job("C")
    a.after(b)
    b.after(c)
    c.after(a)
    with pytest.raises(InvalidInputError, match="A waits for B waits for C waits for A"):
        lay_out([a], "P")


def test_waiting_for_oneself_is_refused() -> None:
    step = job("A")
    with pytest.raises(InvalidInputError, match="A waits for A"):
        lay_out([step.after(step)], "P")


def test_a_condition_that_waits_for_its_own_branch_is_refused() -> None:
    inside = job("A")
    gate = ConditionStep("G", inside.report("x.json")["a"] > 1, then=[inside])
    with pytest.raises(InvalidInputError, match="wait for each other"):
        lay_out([gate, job("B", inside)], "P")


def test_a_long_chain() -> None:
    step = job("s0")
    for number in range(1, 5000):
        step = job(f"s{number}", step)
    assert len(lay_out([step], "P").top) == 5000


@given(st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=1, max_size=10), st.randoms())
def test_every_order_of_listing_keeps_needs_first(needs: list[list[int]], random: object) -> None:
    steps: list[ProcessingStep] = []
    for number, wanted in enumerate(needs):
        steps.append(job(f"s{number}", *(steps[index] for index in wanted if index < number)))
    listed = list(steps)
    random.shuffle(listed)
    order = {step: position for position, step in enumerate(lay_out(listed, "P").top)}
    assert set(order) == set(steps)
    assert all(order[need] < order[step] for step in steps for need in step.needs())
