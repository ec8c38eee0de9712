"""ARNs of Step Functions come apart into what they were made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.states_arns import StatesArn, StatesArns

ARNS = StatesArns("us-west-2", "123456789012")
names = st.text(
    st.characters(blacklist_characters=":/", blacklist_categories=["Cs"]), min_size=1, max_size=20
)


@given(names, names)
def test_an_execution_is_one_of_its_machine(machine: str, name: str) -> None:
    found = StatesArn.read(ARNS.execution(machine, name))
    assert found == StatesArn("us-west-2", "123456789012", "execution", machine, rest=name)


@given(names)
def test_a_version_follows_the_name(machine: str) -> None:
    found = StatesArn.read(ARNS.machine(machine, "3"))
    assert found is not None
    assert (found.kind, found.name, found.rest) == ("stateMachine", machine, "3")


def test_the_label_of_a_map_is_not_part_of_the_name() -> None:
    found = StatesArn.read(ARNS.map_run("Churn", "Each", "abc"))
    assert found is not None
    assert (found.kind, found.name, found.label, found.rest) == ("mapRun", "Churn", "Each", "abc")


def test_an_express_execution_has_a_name_and_what_makes_it_unique() -> None:
    found = StatesArn.read(ARNS.express_execution("Churn", "monday", "u-1"))
    assert found is not None
    assert found.rest == "monday:u-1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "arn:aws:lambda:us-west-2:123456789012:function:f",
        "arn:aws:states:us-west-2:1:stateMachine:x",
    ],
)
def test_what_is_none_is_none(text: str) -> None:
    assert StatesArn.read(text) is None
