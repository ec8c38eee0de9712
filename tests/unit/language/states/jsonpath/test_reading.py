"""What each kind of path finds, and what it says when it finds nothing."""

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
    "with space": {"quo'te": True},
    "0": "zero",
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", DOCUMENT),
        ("$.order.id", 7),
        ("$['order']['id']", 7),
        ('$["order"].id', 7),
        ("$.order.customer", None),
        ("$['with space']['quo\\'te']", True),
        ("$.0", "zero"),
        ("$.order.tags[0]", "new"),
        ("$.order.tags[-1]", "paid"),
        ("$.items[1].price", 20.5),
        ("$['order','0']", {"order": {"id": 7, "tags": ["new", "paid"], "customer": None}, "0": "zero"}),
        ("$.order['id','none']", {"id": 7}),
    ],
)
def test_a_definite_path_gives_the_value_itself(path: str, found: Json) -> None:
    assert compile_path(path).is_definite
    assert compile_path(path).read(DOCUMENT) == found


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.items[*].sku", ["a", "b", "c"]),
        ("$.items[*].sizes[*]", [1, 2]),
        ("$.order.*", [7, ["new", "paid"], None]),
        ("$.items[0,2].sku", ["a", "c"]),
        ("$.items[0,9].sku", ["a"]),
        ("$.items[1:].sku", ["b", "c"]),
        ("$.items[:2].sku", ["a", "b"]),
        ("$.items[:-1].sku", ["a", "b"]),
        ("$.items[-1:].sku", ["c"]),
        ("$.items[-2:3].sku", ["b", "c", "a", "b", "c"]),
        ("$.items[0:2:2].sku", ["a", "b"]),
        ("$.items[2:1]", []),
        ("$..sku", ["a", "b", "c"]),
        ("$..sizes[0]", [1]),
        ("$..['sku','price']", [{"sku": "a", "price": 10}, {"sku": "b", "price": 20.5}]),
        ("$.items[*]['sku','price']", [{"sku": "a", "price": 10}, {"sku": "b", "price": 20.5}, {"sku": "c"}]),
        ("$['order','with space'].id", [7]),
    ],
)
def test_a_path_that_may_find_more_gives_a_list(path: str, found: Json) -> None:
    assert not compile_path(path).is_definite
    assert compile_path(path).read(DOCUMENT) == found


@pytest.mark.parametrize(
    "path", ["$.none[*]", "$.none[1:]", "$.none[:1]", "$.none.deep[*].x", "$.order.id[1:]", "$.order.id.x[*]"]
)
def test_a_path_that_may_find_more_finds_nothing_quietly(path: str) -> None:
    assert compile_path(path).read(DOCUMENT) == []


def _not_an_object(place: str, kind: str) -> str:
    return (
        f"Expected to find an object with property ['x'] in path {place} but found '{kind}'. This is not a "
        "json object according to the JsonProvider: 'com.jayway.jsonpath.spi.json.JacksonJsonProvider'."
    )


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("$.x", "No results for path: $['x']"),
        ('$["x"]', 'No results for path: $["x"]'),
        ("$.x.y", "Missing property in path $['x']"),
        ("$.order.x.y.z", "Missing property in path $['order']['x']"),
        ("$.items[7]", "No results for path: $['items'][7]"),
        ("$.items[7].sku", "No results for path: $['items'][7]['sku']"),
        ("$.items[-4]", "No results for path: $['items'][-4]"),
        ("$.order.customer[0]", "The path $['order']['customer'] is null"),
        ("$.order.id[0]", "Filter: [0] can only be applied to arrays. Current context is: 7"),
        (
            "$.items[1][0].x",
            "Filter: [0]['x'] can only be applied to arrays. Current context is: {sku=b, price=20.5}",
        ),
        (
            "$.order.id.x",
            _not_an_object("$['order']['id']", "java.lang.Integer"),
        ),
        (
            "$.order.customer.x",
            _not_an_object("$['order']['customer']", "null"),
        ),
    ],
)
def test_a_definite_path_that_leads_nowhere_says_where_it_ends(path: str, said: str) -> None:
    with pytest.raises(PathNotFoundError) as caught:
        compile_path(path).read(DOCUMENT)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.items.length()", 3),
        ("$.order.size()", 3),
        ("$.order.id.length()", None),
        ("$.order.keys()", ["id", "tags", "customer"]),
        ("$.items.keys()", None),
        ("$..price.sum()", 30.5),
        ("$..price.max()", 20.5),
        ("$..price.min()", 10.0),
        ("$..price.avg()", 15.25),
        ("$..price.stddev()", 5.25),
        ("$.sum($.items[*].price, 1, 0.5)", 32.0),
        ("$.order.tags.concat()", "newpaid"),
        ('$.order.tags.concat("!", $.order.id)', "newpaid!7"),
        ("$.order.tags.append(1)", ["new", "paid", 1]),
        ("$.order.tags.first()", "new"),
        ("$.order.tags.last()", "paid"),
        ("$.order.tags.index(1)", "paid"),
        ("$.length($.items)", 3),
    ],
)
def test_functions_work_on_what_the_path_before_them_gave(path: str, found: Json) -> None:
    assert compile_path(path).read(DOCUMENT) == found


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("$.order.nope()", "Function with name: nope does not exist."),
        ("$.order.tags.sum()", "Aggregation function attempted to calculate value using empty array"),
        ("$.items[0].sizes.index(2)", "Index 2 out of bounds for length 2"),
        ("$.items[0].sizes.index(-2)", "Target index:-2 larger than object count:2"),
    ],
)
def test_functions_say_what_they_cannot_do(path: str, said: str) -> None:
    with pytest.raises(PathEvaluationError) as caught:
        compile_path(path).read(DOCUMENT)
    assert str(caught.value) == said


def test_append_leaves_the_document_as_it_is() -> None:
    document = {"a": [1]}
    assert compile_path("$.a.append(2)").read(document) == [1, 2]
    assert document == {"a": [1]}


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
        with pytest.raises(PathNotFoundError):
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
    with pytest.raises(PathEvaluationError, match="steps through the document"):
        compile_path("$" + "..*" * 8).read(document)


def test_a_slice_of_two_thousand_million_items_is_no_work() -> None:
    assert compile_path("$[-2147483648:2147483647]").read([1]) == [1, 1]
