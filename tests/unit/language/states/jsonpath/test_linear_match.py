"""Regular expressions agree with Python's matcher, and no expression keeps them busy."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.language.states.jsonpath.linear_match import UnboundedPatternError, compile_pattern

atoms = st.sampled_from(
    ["a", "b", ".", r"\d", r"\w", r"\s", "[ab]", "[^a]", "[a-c0-9]", r"\.", r"\b", "^", "$"]
)
patterns = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        inner.map(lambda text: f"({text})*"),
        inner.map(lambda text: f"({text})+?"),
        inner.map(lambda text: f"({text})?"),
        inner.map(lambda text: f"({text}){{1,3}}"),
    ),
    max_leaves=5,
)


@given(patterns, st.text(alphabet="abc1. ", max_size=6), st.sampled_from(["", "i"]))
def test_it_matches_what_python_matches(pattern: str, text: str, flags: str) -> None:
    expected = re.compile(pattern, re.ASCII | (re.IGNORECASE if flags else 0)).fullmatch(text)
    assert compile_pattern(pattern, flags).matches(text) == (expected is not None)


@pytest.mark.parametrize(
    ("pattern", "text", "is_match"),
    [
        ("(a+)+b", "a" * 5000, False),
        ("(a|a)*b", "a" * 5000, False),
        ("(a?){30}a{30}", "a" * 30, True),
        ("(.*a){20}", "a" * 1000, True),
    ],
)
def test_no_expression_keeps_it_busy(pattern: str, text: str, *, is_match: bool) -> None:
    assert compile_pattern(pattern).matches(text) is is_match


@pytest.mark.parametrize(
    "pattern", ["(", "a{5000}", "((a{100}){100}){100}", r"(a)\1", "(?=a)a", "[z-a]", "(" * 2000]
)
def test_what_cannot_be_bounded_is_refused(pattern: str) -> None:
    with pytest.raises(UnboundedPatternError):
        compile_pattern(pattern)


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(UnboundedPatternError, match="characters"):
        compile_pattern("a*").matches("a" * 100_001)
