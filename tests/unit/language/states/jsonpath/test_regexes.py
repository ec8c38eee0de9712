"""Regular expressions agree with Python's matcher, and none keeps the matcher busy."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.language.states.jsonpath.regexes import UnboundedPatternError, compile_pattern

patterns = st.recursive(
    st.sampled_from(["a", "b", ".", r"\d", r"\w", "[ab]", "[^a]", "[a-c0-9]", r"\."]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        inner.map(lambda text: f"({text})*"),
        inner.map(lambda text: f"({text})+?"),
        inner.map(lambda text: f"({text}){{1,3}}"),
    ),
    max_leaves=5,
)


@given(patterns, st.text(alphabet="abcA1. ", max_size=6), st.booleans())
def test_it_matches_what_python_matches(pattern: str, text: str, ignores_case: bool) -> None:
    expected = re.compile(pattern, re.ASCII | (re.IGNORECASE if ignores_case else 0)).fullmatch(text)
    assert compile_pattern(pattern, ignores_case=ignores_case).matches(text) == (expected is not None)


@pytest.mark.parametrize(
    ("pattern", "text", "is_match"),
    [
        ("(a+)+b", "a" * 50_000, False),
        ("(a|a)*b", "a" * 50_000, False),
        ("(a?){30}a{30}", "a" * 30, True),
        ("(.*a){20}", "a" * 10_000, True),
    ],
)
def test_no_expression_keeps_it_busy(pattern: str, text: str, is_match: bool) -> None:
    assert compile_pattern(pattern).matches(text) is is_match


@pytest.mark.parametrize("pattern", ["(", "a{5000}", "((a{100}){100}){100}", r"(a)\1", "(?=a)a", "[z-a]"])
def test_what_cannot_be_bounded_is_refused(pattern: str) -> None:
    with pytest.raises(UnboundedPatternError):
        compile_pattern(pattern)
