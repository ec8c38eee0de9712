"""What each kind of path finds, and what it says when it finds nothing.

Expected values are those that Jayway's JsonPath 2.0.0 gives for the same document.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.json import Json
from stepmill.language.states.jsonpath import (
    PathEvaluationError,
    PathNotFoundError,
    compile_path,
    read_field,
)

DOCUMENT: Json = {
    "order": {"id": 7, "tags": ["new", "paid"], "customer": None},
    "items": [
        {"sku": "a", "price": 10, "sizes": [1, 2]},
        {"sku": "b", "price": 20.5},
        {"sku": "c", "sizes": []},
    ],
    "with space": {"q": True},
    "0": "zero",
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", DOCUMENT),
        ("$.order.id", 7),
        ("$['order']['id']", 7),
        ("$.['order'].['id']", 7),
        ("$.order.customer", None),
        ("$['with space'].q", True),
        ("$.0", "zero"),
        ("$.order.tags[0]", "new"),
        ("$.order.tags[ 1 ]", "paid"),
        ("$.order.tags.[1]", "paid"),
        ("$.items[(@.length-1)].sku", "c"),
        ("$.items[(@.length - 2)].sku", "b"),
        ("$.items[(@.size()-3)].sku", "a"),
        ("$['order','0']", {"order": {"id": 7, "tags": ["new", "paid"], "customer": None}, "0": "zero"}),
        ("$.order['id','none']", {"id": 7}),
        ("order.id", 7),
    ],
)
def test_a_definite_path_gives_the_value_itself(path: str, found: Json) -> None:
    assert compile_path(path).is_definite
    assert compile_path(path).read(DOCUMENT) == found


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.items[*].sku", ["a", "b", "c"]),
        ("$.items[*].price", [10, 20.5]),
        ("$.items[*].sizes[*]", [1, 2]),
        ("$.items.*.sku", ["a", "b", "c"]),
        ("$.order.*", [7, ["new", "paid"], None]),
        ("$.items[0,2].sku", ["a", "c"]),
        ("$.items[1:].sku", ["b", "c"]),
        ("$.items[:2].sku", ["a", "b"]),
        ("$.items[:-1].sku", ["a", "b"]),
        ("$.items[-1:].sku", ["c"]),
        ("$.items[0:2:2].sku", ["a", "b"]),
        ("$.items[1: 2].sku", ["b"]),
        ("$.items[2:1]", []),
        ("$.items[5:]", []),
        ("$..sku", ["a", "b", "c"]),
        ("$...sku", ["a", "b", "c"]),
        ("$..sizes", [[1, 2], []]),
        ("$.items..price", [10, 20.5]),
        ("$..['sku','price']", [{"sku": "a", "price": 10}, {"sku": "b", "price": 20.5}]),
        ("$.items[*]['sku','price']", [{"sku": "a", "price": 10}, {"sku": "b", "price": 20.5}, {"sku": "c"}]),
    ],
)
def test_a_path_that_may_find_more_gives_a_list(path: str, found: Json) -> None:
    assert not compile_path(path).is_definite
    assert compile_path(path).read(DOCUMENT) == found


@pytest.mark.parametrize(
    "path", ["$.none[*]", "$.none[1:]", "$.none[:1]", "$.none.deep[*]", "$.none..x", "$.order.id[*]"]
)
def test_a_property_that_is_missing_before_a_part_that_may_find_more_is_nothing(path: str) -> None:
    assert compile_path(path).read(DOCUMENT) == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("$.x", "No results for path: $['x']"),
        ("$.x.y", "Missing property in path $['x']"),
        ("$.order.x.y.z", "Missing property in path $['order']['x']"),
        ("$.none[0]", "Missing property in path $['none']"),
        ("$.items[7]", "Index out of bounds when evaluating path $['items'][7]"),
        ("$.items[7].sku", "Index out of bounds when evaluating path $['items'][7]"),
        ("$.items[-1].sku", "Index out of bounds when evaluating path $['items'][-1]"),
        ("$.items[0,9].sku", "Index out of bounds when evaluating path $['items'][9]"),
        ("$.items[-2:3]", "Index out of bounds when evaluating path $['items'][-2]"),
        ("$.order.customer[0]", "The path $['order']['customer'] is null"),
        ("$.order.id.x", "Property ['x'] not found in path $['order']['id']"),
        ("$.items.sku", "Property ['sku'] not found in path $['items']"),
        ("$.items.length()", "Property ['length()'] not found in path $['items']"),
        ("$.order.*.x", "Property ['x'] not found in path $['order']['id']"),
        ("$..sizes[0]", "Index out of bounds when evaluating path $['items'][2]['sizes'][0]"),
    ],
)
def test_a_path_that_leads_nowhere_says_where_it_ends(path: str, said: str) -> None:
    with pytest.raises(PathNotFoundError) as caught:
        compile_path(path).read(DOCUMENT)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("$.order.id[0]", "Filter: [0] can only be applied to arrays. Current context is: 7"),
        ("$.order.id[1:]", "Filter: [1:] can only be applied to arrays. Current context is: 7"),
        (
            "$.items[1][0].x",
            "Filter: [0]['x'] can only be applied to arrays. Current context is: {sku=b, price=20.5}",
        ),
        ("$.items[*].sku[0]", "Filter: [0] can only be applied to arrays. Current context is: a"),
        ("$.order.id[?(@.a)]", "Filter: [?] can not be applied to primitives. Current context is: 7"),
        (
            "$['order','0'].id",
            "Multi properties can only be used as path leafs: $['order', '0']",
        ),
    ],
)
def test_a_part_that_cannot_be_applied_is_another_error(path: str, said: str) -> None:
    with pytest.raises(PathEvaluationError) as caught:
        compile_path(path).read(DOCUMENT)
    assert str(caught.value) == said


def test_the_root_is_chosen_by_how_a_path_starts() -> None:
    def read(text: str) -> Json:
        return read_field(
            text, input={"a": 1}, context={"Execution": {"Id": "e"}}, variables={"a": {"b": [2]}, "ö": 3}
        )

    assert read("$") == {"a": 1}
    assert read("$.a") == 1
    assert read("$['a']") == 1
    assert read("$$") == {"Execution": {"Id": "e"}}
    assert read("$$.Execution.Id") == "e"
    assert read("$a") == {"b": [2]}
    assert read("$a.b[0]") == 2
    assert read("$ö") == 3
    with pytest.raises(PathNotFoundError):
        read("$b")


names = st.text(alphabet="abc", min_size=1, max_size=2)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | names,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)


@given(documents, st.lists(names | st.integers(0, 3), max_size=4))
def test_names_and_indexes_lead_where_python_would_go(document: Json, keys: list[str | int]) -> None:
    path = "$" + "".join(f".{key}" if isinstance(key, str) else f"[{key}]" for key in keys)
    value = document
    try:
        for key in keys:
            assert isinstance(value, dict if isinstance(key, str) else list)
            value = value[key]
    except (AssertionError, KeyError, IndexError):
        with pytest.raises((PathNotFoundError, PathEvaluationError)):
            compile_path(path).read(document)
    else:
        assert compile_path(path).read(document) == value


@given(documents)
def test_a_deep_scan_finds_every_member_once(document: Json) -> None:
    def members(value: Json) -> list[Json]:
        if isinstance(value, dict):
            return [v for k, v in value.items() if k == "a"] + [m for v in value.values() for m in members(v)]
        return [m for v in value for m in members(v)] if isinstance(value, list) else []

    assert compile_path("$..a").read(document) == members(document)


def test_a_path_that_would_visit_too_much_is_given_up() -> None:
    document: Json = 1
    for _ in range(60):
        document = {"a": document, "b": 1}
    with pytest.raises(PathEvaluationError, match="too many steps"):
        compile_path("$" + "..*" * 8).read(document)


def test_a_slice_of_two_thousand_million_items_is_no_work() -> None:
    assert compile_path("$[0:2147483647]").read([1]) == [1]


def test_a_document_that_is_nested_too_deep_is_an_error_and_no_crash() -> None:
    document: Json = 1
    for _ in range(5000):
        document = {"a": [document]}
    for path in ("$..b", "$..*", "$..[?(@.b)]"):
        with pytest.raises(PathEvaluationError):
            compile_path(path).read(document)
    assert compile_path("$.a[0].a[0].b[*]").read(document) == []


def test_a_large_document_may_take_more_steps() -> None:
    items = [{"a": [index, 1, 1, 1]} for index in range(60_000)]
    found = compile_path("$..a[0]").read({"items": items})
    assert isinstance(found, list)
    assert len(found) == 60_000
