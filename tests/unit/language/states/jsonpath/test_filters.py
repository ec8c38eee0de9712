"""What filters let through, with the slips of the library that the service runs."""

from __future__ import annotations

import pytest

from stepmill.core.json import Json
from stepmill.language.states.jsonpath import PathEvaluationError, PathSyntaxError, compile_path

ITEMS: Json = {
    "limit": 15,
    "items": [
        {"n": "a", "price": 10, "ok": True, "sizes": [1]},
        {"n": "b", "price": 20.5, "ok": False},
        {"n": "it's", "price": None},
    ],
}


@pytest.mark.parametrize(
    ("test", "names"),
    [
        ("@.price", ["a", "b"]),
        ("!@.price", ["it's"]),
        ("@.price > 10", ["b"]),
        ("@.price >= 10", ["a", "b"]),
        ("@.price<20", ["a"]),
        ("@.price <= 10.0", ["a"]),
        ("@.price == 10", ["a"]),
        ("@.price == 10.0", ["a"]),
        ("@.price == '10'", ["a"]),
        ("@.price != 10", ["b", "it's"]),
        ("@.price == null", ["it's"]),
        ("@.ok == true", ["a"]),
        ("@.ok == TRUE", ["a"]),
        ("@.ok == 'false'", ["b"]),
        ("@.n == 'a'", ["a"]),
        ("@.n == a", ["a"]),
        ("@['n'] == 'b'", ["b"]),
        ("@.n == 'it\\'s'", ["it's"]),
        ('@.n == "a"', []),
        ("@.n > 'a'", ["b", "it's"]),
        ("@.n == 'a' || @.n == 'b'", ["a", "b"]),
        ("@.n=='a'&&@.price==10", ["a"]),
        ("(@.n == 'a') && (@.price == 10)", ["a"]),
        ("@.ok && @.price > 10 || @.n == 'a'", ["a", "b"]),
        ("@.price > $.limit", ["b"]),
        ("$.limit < @.price", ["b"]),
        ("$.limit", []),
        ("@.none == null", []),
        ("@.none != 1", []),
        ("@.sizes[0] == 1", ["a"]),
        ("@.n =~ /[AB]/i", ["a", "b"]),
        ("@.n =~ /[ab]/", ["a", "b"]),
        ("/a|b/ =~ @.n", ["a", "b"]),
        ("@.n =~ /t/", []),
        ("@.price =~ /20.*/", ["b"]),
        ("1 == 1", ["a", "b", "it's"]),
        ("@", ["a", "b", "it's"]),
        ("@.sizes == @.sizes", ["a"]),
        ("@.sizes == 1", []),
    ],
)
def test_a_filter_lets_through(test: str, names: list[str]) -> None:
    assert compile_path(f"$.items[?({test})].n").read(ITEMS) == names


def test_a_filter_on_an_object_tests_the_object() -> None:
    assert compile_path("$[?(@.limit == 15)].limit").read(ITEMS) == [15]
    assert compile_path("$[?(@.limit == 16)].limit").read(ITEMS) == []


def test_a_filter_after_a_deep_scan_tests_every_object() -> None:
    assert compile_path("$..[?(@.n == 'b')].price").read(ITEMS) == [20.5]


def test_a_filter_tests_scalars_too() -> None:
    assert compile_path("$[?(@ > 1)]").read([1, 2, 3, None, True]) == [2, 3, True]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("$.items[?(@.n > 1)]", "String has no number"),
        ("$.items[?(@.price == x)]", 'Character x is neither a decimal digit number, decimal point, nor "e"'),
        ("$.items[?(@.sizes[0] > 0)]", ""),
        ("$.items[?(@.n[0] == 1)]", "Filter: [0] can only be applied to arrays. Current context is: a"),
        ("$.items[?(@.n =~ b)]", "class java.lang.String cannot be cast to class java.util.regex.Pattern"),
    ],
)
def test_a_filter_that_cannot_be_told_is_an_error(path: str, said: str) -> None:
    if said in ("", "String has no number"):
        # Kinds without an order, and paths that lead nowhere, are just false.
        assert isinstance(compile_path(path).read(ITEMS), list)
        return
    with pytest.raises(PathEvaluationError) as caught:
        compile_path(path).read(ITEMS)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("$.a[?]", "Not enough predicates supplied"),
        ("$.a[?()]", "String index out of range"),
        ("$.a[?(1)]", "CriteriaType  can not be parsed"),
        ("$.a[?(@.x in [1,2])]", "Space not allowed in path"),
        ("$.a[?(@.x[*] == 1)]", "the predicate path: @.x[*] is not definite"),
        ("$.a[?(1 == !@.x)]", "Invalid negation! Can only be used for existence check"),
        ("$.a[?(@.x &&)]", "Invalid operators"),
        ("$.a[?@.x]", "Filter must start with '[?(' and end with ')]'"),
        ("$.a[?(@.x =~ /a{2,1}/)]", "The regular expression /a{2,1}/ cannot be used"),
        ("$.a[?(@.x =~ /(a)\\1/)]", "The regular expression"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(path: str, said: str) -> None:
    with pytest.raises(PathSyntaxError) as caught:
        compile_path(path)
    assert str(caught.value).startswith(said)
