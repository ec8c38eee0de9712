"""Values put at reference paths: what is made, what is kept, what is in the way."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.json import Json
from stepmill.language.states.jsonpath import (
    PathSyntaxError,
    ReferencePath,
    ReferencePathError,
    compile_path,
)


@pytest.mark.parametrize(
    ("path", "document", "changed"),
    [
        ("$", {"a": 1}, "new"),
        ("$.a", {"a": 1, "b": 2}, {"a": "new", "b": 2}),
        ("$.c", {"a": 1}, {"a": 1, "c": "new"}),
        ("$.c.d.e", {"a": 1}, {"a": 1, "c": {"d": {"e": "new"}}}),
        ("$['c d'].e", {}, {"c d": {"e": "new"}}),
        ("$.a.b", {"a": {"c": 1}}, {"a": {"c": 1, "b": "new"}}),
        ("$.list[1]", {"list": [1, 2]}, {"list": [1, "new"]}),
        ("$.list[0].a", {"list": [{"b": 1}]}, {"list": [{"b": 1, "a": "new"}]}),
    ],
)
def test_a_value_is_put_where_the_path_leads(path: str, document: Json, changed: Json) -> None:
    before = copy.deepcopy(document)
    assert ReferencePath.of(path).put(document, "new") == changed
    assert document == before


@pytest.mark.parametrize(
    ("path", "document", "said"),
    [
        ("$.a.b", {"a": 1}, 'Unable to apply step "b" to input {"a":1}'),
        ("$.a", "text", 'Unable to apply ReferencePath $.a to input "text"'),
        ("$.a", None, "Unable to apply ReferencePath $.a to input null"),
        ("$.a", [1], 'Unable to apply step "a" to input [1]'),
        ("$.a.b", {"a": None}, 'Unable to apply step "b" to input {"a":null}'),
        ("$.a[1]", {"a": [0]}, 'Unable to apply step "1" to input {"a":[0]}'),
        ("$.a[-1]", {"a": [0]}, 'Unable to apply step "-1" to input {"a":[0]}'),
        ("$.a[0]", {}, 'Unable to apply step "0" to input {}'),
    ],
)
def test_nothing_is_put_where_something_else_is_in_the_way(path: str, document: Json, said: str) -> None:
    with pytest.raises(ReferencePathError) as caught:
        ReferencePath.of(path).put(document, "new")
    assert str(caught.value) == said


@pytest.mark.parametrize(
    "path", ["$.a[*]", "$..a", "$.a[0,1]", "$.a[1:]", "$.a[?(@.b)]", "$['a','b']", "a.b"]
)
def test_a_path_that_may_mean_several_places_is_no_reference_path(path: str) -> None:
    with pytest.raises(PathSyntaxError, match="Reference Path"):
        ReferencePath.of(path)


@given(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=5),
    st.dictionaries(st.sampled_from("abc"), st.just({})),
)
def test_what_was_put_is_read_back_there(names: list[str], document: Json) -> None:
    path = "$." + ".".join(names)
    assert compile_path(path).read(ReferencePath.of(path).put(document, 7)) == 7
