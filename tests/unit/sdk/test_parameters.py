from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.sdk import Parameter, ProcessingStep, execution
from support.sdk import definition


@pytest.mark.parametrize(
    ("default", "kind"),
    [("a", "String"), (3, "Integer"), (0.5, "Float"), (True, "Boolean"), (False, "Boolean")],
)
def test_the_type_is_that_of_the_default(default: str | float, kind: str) -> None:
    assert Parameter("p", default).document() == {"Name": "p", "Type": kind, "DefaultValue": default}


def test_without_a_default_it_is_a_text_that_must_be_given() -> None:
    assert Parameter("p").document() == {"Name": "p", "Type": "String"}


def test_a_type_can_be_given() -> None:
    assert Parameter("p", type=int).document() == {"Name": "p", "Type": "Integer"}


def test_a_whole_number_is_a_good_default_of_a_float() -> None:
    document = Parameter("p", 1, type=float).document()
    assert document["DefaultValue"] == 1.0
    assert isinstance(document["DefaultValue"], float)


@pytest.mark.parametrize(("default", "kind"), [(0.5, int), (True, int), (1, bool), ("a", int), (1, str)])
def test_a_default_of_another_type_is_refused(default: str | float, kind: type) -> None:
    with pytest.raises(InvalidInputError, match="not of type"):
        Parameter("p", default, type=kind)


def test_other_types_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="list is no type"):
        Parameter("p", [1])


def test_choices() -> None:
    parameter = Parameter("p", "a", choices=["a", "b"], description="Either.")
    assert parameter.document()["EnumValues"] == ["a", "b"]
    assert parameter.document()["Description"] == "Either."


@pytest.mark.parametrize(("default", "choices"), [("c", ["a", "b"]), (1, ["a"])])
def test_wrong_choices_are_refused(default: str | int, choices: list[str]) -> None:
    with pytest.raises(InvalidInputError, match="Choices"):
        Parameter("p", default, choices=choices)


@pytest.mark.parametrize("name", ["", "a b", "ä", "a" * 65, "a.b"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="no name for a parameter"):
        Parameter(name)


def test_what_an_execution_knows_of_itself() -> None:
    step = ProcessingStep(
        "A",
        image="python",
        arguments=[
            execution.id,
            execution.arn,
            execution.pipeline_name,
            execution.pipeline_arn,
            execution.started_at,
            execution.now,
            execution.processing_job_name,
        ],
    )
    document = definition(step)["Steps"][0]["Arguments"]["AppSpecification"]["ContainerArguments"]
    assert [each["Get"].partition(".")[2] for each in document] == [
        "PipelineExecutionId",
        "PipelineExecutionArn",
        "PipelineName",
        "PipelineArn",
        "StartDateTime",
        "CurrentDateTime",
        "ProcessingJobName",
    ]


@given(
    st.from_regex(r"[A-Za-z0-9\-_]{1,64}", fullmatch=True),
    st.one_of(
        st.booleans(),
        st.integers(-(2**31), 2**31),
        st.floats(-1e9, 1e9),
        st.text(st.characters(codec="utf-8"), max_size=50),
    ),
)
def test_every_parameter_passes_the_check(name: str, default: str | float) -> None:
    parameter = Parameter(name, default)
    document = definition(ProcessingStep("A", image="python", arguments=[parameter]))
    assert document["Parameters"] == [parameter.document()]
