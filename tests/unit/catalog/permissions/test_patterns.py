from __future__ import annotations

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.permissions.patterns import ANY_TEXT, Pattern


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("*", "", True),
        ("*", "anything at all", True),
        ("", "", True),
        ("", "x", False),
        ("?", "x", True),
        ("?", "", False),
        ("?", "xy", False),
        ("a*", "a", True),
        ("*a", "a", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("a**b", "ab", True),
        ("a*?b", "ab", False),
        ("a*?b", "axb", True),
        ("s3:Get*", "s3:GetObject", True),
        ("s3:Get*", "s3:PutObject", False),
        ("arn:aws:s3:::b/*/x?.csv", "arn:aws:s3:::b/a/b/x1.csv", True),
        ("arn:aws:s3:::b/*/x?.csv", "arn:aws:s3:::b/a/b/x.csv", False),
        ("arn:aws:s3:::b", "arn:aws:s3:::b/key", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("*ü?", "grüß", True),
    ],
)
def test_stars_are_any_text_and_marks_any_character(pattern: str, text: str, fits: bool) -> None:
    assert Pattern.read(pattern).matches(text) is fits


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=14))
def test_patterns_match_as_a_regular_expression_would(pattern: str, text: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)
    assert Pattern.read(pattern).matches(text) is (re.fullmatch(expression, text, re.DOTALL) is not None)


@given(st.text("ab*?[]", max_size=8), st.text("ab*?[]x", max_size=10))
def test_a_beginning_has_no_wildcards(beginning: str, text: str) -> None:
    assert Pattern.beginning(beginning).matches(text) is text.startswith(beginning)
    assert Pattern.exactly(beginning).matches(text) is (text == beginning)
    assert Pattern.of((beginning, ANY_TEXT)).matches(beginning + text)


def test_hostile_patterns_take_steps_in_proportion() -> None:
    """Each of these would take a matcher that goes back longer than the universe has existed."""
    text = "a" * 20_000
    assert not Pattern.read("*a" * 30_000 + "b").matches(text)
    assert not Pattern.read("*a" * 9_000 + "*b").matches(text)
    assert not Pattern.read("*" + "?a" * 5_000 + "*b?").matches(text + "b")
    assert not Pattern.read("*" + "?" * 5_000 + "b" + "?" * 5_000 + "*").matches(text)
    assert Pattern.read("*" + "a?" * 5_000 + "*").matches(text)
    assert Pattern.read("*" * 100_000).matches(text)
    # For comparison: what a star at both ends would be elsewhere.
    assert fnmatch.fnmatchcase("aab", "*a*b")
