"""Payload templates: what is put in, what stays as it is, and what is said of paths that lead nowhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json
from stepmill.language.states.evaluation import FixedScope, SeededChance
from stepmill.language.states.failures import EvaluationError
from stepmill.language.states.templates import Template

SCOPE = FixedScope(
    {"flagged": 7, "vals": [0, 10, 20, 30, 40, 50], "none": None},
    {"Execution": {"Name": "run"}},
    {"who": {"name": "Ada"}},
)


@pytest.mark.parametrize(
    ("template", "rendered"),
    [
        # The specification's own example.
        (
            {"flagged": True, "parts": {"first.$": "$.vals[0]", "last3.$": "$.vals[3:]"}},
            {"flagged": True, "parts": {"first": 0, "last3": [30, 40, 50]}},
        ),
        ({"a.$": "$"}, {"a": SCOPE.document}),
        ({"a.$": "$$.Execution.Name"}, {"a": "run"}),
        ({"a.$": "$who.name", "b.$": "$who"}, {"a": "Ada", "b": {"name": "Ada"}}),
        ({"a.$": "$.none"}, {"a": None}),
        ({"a.$": "$.missing[*]"}, {"a": []}),
        ({"a.$": "States.Format('{}!', $who.name)"}, {"a": "Ada!"}),
        ([{"a.$": "$.flagged"}, "$.flagged", ["$.flagged"]], [{"a": 7}, "$.flagged", ["$.flagged"]]),
        ({"a": "$.flagged", "b": {"c": "States.UUID()"}}, {"a": "$.flagged", "b": {"c": "States.UUID()"}}),
        ({".$": "$.flagged", "$": 1, "x.$y": 2}, {"": 7, "$": 1, "x.$y": 2}),
        ({"a": [[{"b": [{"c.$": "$.flagged"}]}]]}, {"a": [[{"b": [{"c": 7}]}]]}),
        ({}, {}),
        ([], []),
        ("$.flagged", "$.flagged"),
        (None, None),
        (1.50, 1.5),
    ],
)
def test_a_template_renders(template: Json, rendered: Json) -> None:
    assert Template.of(template).render(SCOPE) == rendered


def test_members_keep_their_order() -> None:
    rendered = Template.of({"b.$": "$.flagged", "a": 1, "c.$": "$.none"}).render(SCOPE)
    assert isinstance(rendered, dict)
    assert list(rendered) == ["b", "a", "c"]


def test_what_is_constant_is_given_back_itself() -> None:
    document = {"a": [1, {"b": 2}]}
    assert Template.of(document).render(SCOPE) is document


def _not_found(path: str, field: str, document: str) -> str:
    said = "could not be found in the input"
    return f"The JSONPath '{path}' specified for the field '{field}' {said} '{document}'"


@pytest.mark.parametrize(
    ("template", "cause"),
    [
        (
            {"a": [{"value.$": "$.x"}]},
            _not_found("$.x", "value.$", '{"y":1}'),
        ),
        (
            {"v.$": "$.y.length()"},
            _not_found("$.y.length()", "v.$", '{"y":1}'),
        ),
        (
            {"v.$": "$$.Map"},
            _not_found("$$.Map", "v.$", '{"S":2}'),
        ),
        ({"v.$": "$.y[0]"}, "Filter: [0] can only be applied to arrays. Current context is: 1"),
        (
            {"v.$": "States.Hash($.y, 1)"},
            "The function 'States.Hash($.y, 1)' had the following error: Invalid arguments in States.Hash",
        ),
    ],
)
def test_a_path_that_leads_nowhere_fails_the_state(template: Json, cause: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        Template.of(template).render(FixedScope({"y": 1}, {"S": 2}))
    assert caught.value.error == "States.Runtime"
    assert caught.value.cause == cause


def test_the_input_is_quoted_as_it_was_written() -> None:
    with pytest.raises(EvaluationError) as caught:
        Template.of({"a.$": "$.x"}).render(FixedScope({"y": 1}, text='{\n  "y": 1\n}'))
    assert caught.value.cause.endswith("could not be found in the input '{\n  \"y\": 1\n}'")


@pytest.mark.parametrize("path", ["$", "$.a"])
def test_nothing_is_read_from_null(path: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        Template.of({"a.$": path}).render(FixedScope(None))
    assert caught.value.cause == "Unable to apply Path transformation to null or empty input."


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (
            {"a.$": ["$.x"]},
            "The value for the field 'a.$' must be a STRING that contains a JSONPath but was an ARRAY",
        ),
        ({"a": [{"b.$": 1}]}, "The value for the field 'b.$' must be a STRING"),
        ({"a.$": "x"}, "Expected '('"),
        ({"a.$": "$x y"}, "Invalid path $ y"),
        ({"a.$": "$.x["}, ""),
    ],
)
def test_a_template_that_is_none_is_refused(template: Json, said: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Template.of(template)
    assert said in caught.value.what


def test_a_template_that_is_nested_too_deep_is_refused() -> None:
    template: Json = 1
    for _ in range(5000):
        template = {"a": template}
    with pytest.raises(InvalidInputError, match="nested too deep"):
        Template.of(template)


def test_a_template_knows_all_its_paths() -> None:
    template = Template.of({"a.$": "$.x", "b": [{"c.$": "States.Array($$.y, States.Array($z))"}]})
    assert [field.text for field in template.fields] == ["$.x", "$$.y", "$z"]


def test_every_uuid_of_a_template_is_another() -> None:
    template = Template.of({"a.$": "States.UUID()", "b.$": "States.UUID()"})
    first = template.render(FixedScope({}, chance=SeededChance("1")))
    assert isinstance(first, dict)
    assert first["a"] != first["b"]
    assert template.render(FixedScope({}, chance=SeededChance("1"))) == first
    assert template.render(FixedScope({}, chance=SeededChance("2"))) != first


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5).filter(lambda key: not key.endswith(".$")), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(documents)
def test_a_document_without_the_suffix_is_its_own_rendering(document: Json) -> None:
    assert Template.of(document).render(FixedScope({})) == document
