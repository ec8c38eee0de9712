from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.language.pipelines.expressions import (
    ExecutionVariable,
    ExperimentMember,
    Expression,
    GetCurrentItem,
    GetExecutionVariable,
    GetExperiment,
    GetIterationOutput,
    GetParameter,
    GetStepProperty,
    Join,
    Literal,
    ReadObject,
    ReadPropertyFile,
    expressions_in,
    is_expression,
    leaves_of,
    parse_expression,
)
from stepmill.language.pipelines.places import ROOT


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("Parameters.Count", GetParameter("Count")),
        ("Execution.PipelineName", GetExecutionVariable(ExecutionVariable.PIPELINE_NAME)),
        ("Execution.StartDateTime", GetExecutionVariable(ExecutionVariable.START_DATE_TIME)),
        ("PipelineExperimentConfig.TrialName", GetExperiment(ExperimentMember.TRIAL_NAME)),
        (
            "Steps.Prep.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri",
            GetStepProperty("Prep", ("ProcessingOutputConfig", "Outputs", "train", "S3Output", "S3Uri")),
        ),
        ("Steps.My-Model_1-CreateModel.ModelName", GetStepProperty("My-Model_1-CreateModel", ("ModelName",))),
        (
            "Steps.Loop.IterationOutputs[0].Body.X",
            GetStepProperty("Loop", ("IterationOutputs", 0, "Body", "X")),
        ),
        ("Steps.Train", GetStepProperty("Train", ())),
        ("ForEach.CurrentItem", GetCurrentItem(())),
        ("ForEach.CurrentItem.a.b", GetCurrentItem(("a", "b"))),
        ("ForEach.CurrentItem['a']", GetCurrentItem(("a",))),
        ("IterationOutput.Body.Score", GetIterationOutput("Body", ("Score",))),
    ],
)
def test_a_get_is_read(text: str, expression: Expression) -> None:
    assert parse_expression({"Get": text}) == expression


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Parameters",
        "Parameters.",
        "Params.A",
        "Steps",
        "Steps.",
        "Steps..x",
        "Steps[0].x",
        "Steps.A.b[",
        "Execution.Now",
        "ForEach",
        "ForEach.Item",
        "IterationOutput.",
        "PipelineExperimentConfig.Name",
    ],
)
def test_a_get_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_expression({"Get": text})


def test_a_misspelt_namespace_is_mended() -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_expression({"Get": "Parameter.Count"})
    assert caught.value.mend == "Did you mean 'Parameters'?"


def test_a_misspelt_variable_is_mended() -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_expression({"Get": "Execution.PipelineNme"})
    assert caught.value.mend == "Did you mean 'PipelineName'?"


def test_a_join_holds_literals_and_expressions() -> None:
    value = {
        "Std:Join": {"On": "/", "Values": ["s3:/", 3, {"Get": "Parameters.P"}, {"Std:Join": {"Values": []}}]}
    }
    assert parse_expression(value) == Join(
        "/", (Literal("s3:/"), Literal(3), GetParameter("P"), Join("", ()))
    )


def test_a_value_in_a_property_file() -> None:
    value = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Eval.PropertyFiles.My.Report"}, "Path": "a.b[0]"}}
    assert parse_expression(value) == ReadPropertyFile("Eval", "My.Report", ("a", "b", 0))


def test_a_value_in_an_object_of_the_store() -> None:
    value = {"Std:JsonGet": {"S3Uri": {"Get": "Parameters.Where"}, "Path": "Result"}}
    assert parse_expression(value) == ReadObject(GetParameter("Where"), ("Result",))


@pytest.mark.parametrize(
    "value",
    [
        {"Get": 3},
        {"Get": None},
        {"Std:Join": []},
        {"Std:Join": {}},
        {"Std:Join": {"On": 1, "Values": []}},
        {"Std:Join": {"On": "", "Values": "ab"}},
        {"Std:Join": {"On": "", "Values": [{"a": 1}]}},
        {"Std:Join": {"On": "", "Values": [["a"]]}},
        {"Std:Join": {"On": "", "Values": [], "More": 1}},
        {"Std:Join": {"On": "", "Values": []}, "Get": "Parameters.A"},
        {"Std:JsonGet": None},
        {"Std:JsonGet": {"Path": "a"}},
        {"Std:JsonGet": {"S3Uri": "s3://b/k"}},
        {"Std:JsonGet": {"S3Uri": 3, "Path": "a"}},
        {"Std:JsonGet": {"S3Uri": "s3://b/k", "Path": "a..b"}},
        {"Std:JsonGet": {"PropertyFile": "Report", "Path": "a"}},
        {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.A.Report"}, "Path": "a"}},
        {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.A[0].PropertyFiles.R"}, "Path": "a"}},
        {
            "Std:JsonGet": {
                "PropertyFile": {"Get": "Steps.A.PropertyFiles.R"},
                "S3Uri": "s3://b/k",
                "Path": "a",
            }
        },
    ],
)
def test_an_ill_formed_expression_is_refused(value: Any) -> None:
    assert is_expression(value)
    with pytest.raises(InvalidInputError):
        parse_expression(value)


@pytest.mark.parametrize("value", [None, 1, "Get", [], {}, {"Got": "x"}, {"Get": "a", "Put": "b"}])
def test_what_is_no_expression_stands_for_itself(value: Any) -> None:
    assert not is_expression(value)
    assert parse_expression(value) == Literal(value)


def test_expressions_are_found_in_the_order_of_the_document() -> None:
    document: Any = {
        "a": [{"Get": "Parameters.A"}, {"b": {"Get": "Parameters.B"}}],
        "c": {"Get": "Parameters.C"},
    }
    found = [(str(place), item["Get"]) for place, item in expressions_in(document, ROOT / "Arguments")]
    assert found == [
        ("Arguments.a[0]", "Parameters.A"),
        ("Arguments.a[1].b", "Parameters.B"),
        ("Arguments.c", "Parameters.C"),
    ]


def test_leaves_are_what_a_join_joins() -> None:
    inner = ReadObject(Join("/", (Literal("s3:/"), GetParameter("B"))), ("x",))
    assert list(leaves_of(Join("", (GetParameter("A"), inner)))) == [
        GetParameter("A"),
        inner,
        Literal("s3:/"),
        GetParameter("B"),
    ]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["Get", "Std:Join", "Std:JsonGet", "On", "Values", "Path", "S3Uri", "PropertyFile", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=20,
)


@given(_JSON)
def test_any_value_is_read_or_refused(value: Any) -> None:
    try:
        expression = parse_expression(value)
    except InvalidInputError:
        assert is_expression(value)
    else:
        assert isinstance(expression, Literal) != is_expression(value)
