"""Which texts are paths, and what is said of those that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.language.states.jsonpath import PathError, PathSyntaxError, compile_path
from stepmill.language.states.jsonpath.compiling import LONGEST_PATH, MOST_SEGMENTS


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "Path may not be null empty"),
        ("$..", "A path can not end with a scan."),
        ("$x", "Invalid path $x"),
        ("$$.a", "Invalid path $$.a"),
        ("$.with space", "Space not allowed in path"),
        ("foo bar", "Space not allowed in path"),
        ("$.", "The path $. ends before it is complete."),
        ("$.a.", "The path $.a. ends before it is complete."),
        ("$.a['b", "The path $.a['b ends before it is complete."),
        ("$.a[b]", "Could not analyze path component: [b]"),
        ("$[]", "Could not analyze path component: []"),
        ('$["a"]', 'Could not analyze path component: ["a"]'),
        ("$.a[:]", 'java.lang.NumberFormatException: For input string: ""'),
        ("$.a[1-2]", 'java.lang.NumberFormatException: For input string: "1-2"'),
        ("$.a[99999999999]", 'java.lang.NumberFormatException: For input string: "99999999999"'),
        ("$.a[(@.foo-1)]", "Invalid function: @.foo."),
        ("$.a[?(@.b]", "The path $.a[?(@.b] ends before it is complete."),
    ],
)
def test_what_is_no_path_is_refused_as_the_library_refuses_it(path: str, said: str) -> None:
    with pytest.raises(PathSyntaxError) as caught:
        compile_path(path)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("$", "$"),
        ("$.a.b", "$['a']['b']"),
        ("$['a','b']", "$['a', 'b']"),
        ("$..a[*][0,1][1:][:2][1:2]", "$..['a'][*][0,1][1:][:2][1:2]"),
        ("$.a[(@.length-1)]", "$['a'][@.size()-1]"),
        ("$.a[?(@.b)]", "$['a'][?]"),
        ("  $.a ", "$['a']"),
        ("$.a-b.ü.c$d", "$['a-b']['ü']['c$d']"),
    ],
)
def test_a_path_is_named_canonically(path: str, canonical: str) -> None:
    assert compile_path(path).canonical == canonical


def test_the_same_text_gives_the_same_path() -> None:
    assert compile_path("$.same.text") is compile_path("$.same.text")


def test_only_names_and_indexes_are_keys() -> None:
    assert compile_path("$.a[0]['b']").keys == ("a", 0, "b")
    assert compile_path("$.a[*]").keys is None
    assert compile_path("$['a','b']").keys is None


@pytest.mark.parametrize(
    "path",
    [
        "$." + "a" * LONGEST_PATH,
        "$" + ".a" * (MOST_SEGMENTS + 1),
        "$.a" + "[?(@.a" * 20 + ")]" * 20,
        "$.a[?(" + "&&".join(["@.a"] * 200) + ")]",
        "$" + "[" * 5000 + "]" * 5000,
    ],
)
def test_a_path_that_is_too_large_is_refused(path: str) -> None:
    with pytest.raises(PathSyntaxError):
        compile_path(path)


@given(st.text(alphabet="$@.[]()?*'/\\:,-01ab =~<>!&|\" ", max_size=30))
def test_any_text_is_read_or_refused_and_never_breaks(text: str) -> None:
    try:
        path = compile_path(f"$.{text}")
    except PathSyntaxError:
        return
    try:
        path.read({"a": [{"b": 1}, "x", None], "b": {"a": 1.5}})
    except PathError:
        pass
