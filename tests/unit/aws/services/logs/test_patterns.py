from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.aws.services.logs.patterns import read_pattern
from stepmill.core.errors import InvalidInputError, StepmillError, UnsupportedError


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("", ["", "anything"], []),
        ("ERROR", ["ERROR", "an ERROR."], ["error", ""]),
        ("ERROR memory", ["memory ERROR"], ["ERROR", "memory"]),
        ('"out of"', ["out of memory"], ["of out", "out  of"]),
        ("ERROR -retry", ["ERROR 5"], ["ERROR, retry 1", "retry"]),
        ("-retry", ["", "ERROR"], ["retry"]),
        ('-"out of"', ["out"], ["out of"]),
        ("?ERROR ?WARN", ["ERROR", "a WARN"], ["INFO"]),
        # Optional terms say nothing beside others.
        ("?WARN ERROR", ["ERROR"], ["WARN"]),
        (r'"a \"b\""', ['a "b"'], ['a \\"b\\"']),
        ("  loss=0.5;  ", ["loss=0.5;"], ["loss=0.6;"]),
    ],
)
def test_terms(pattern: str, matching: list[str], other: list[str]) -> None:
    matches = read_pattern(pattern)
    assert [text for text in matching if not matches(text)] == []
    assert [text for text in other if matches(text)] == []


@pytest.mark.parametrize("pattern", ['{ $.level = "ERROR" }', "[ip, user]", "%ERR.R%"])
def test_other_kinds_are_refused_by_name(pattern: str) -> None:
    with pytest.raises(UnsupportedError, match="not offered"):
        read_pattern(pattern)


@pytest.mark.parametrize("pattern", ['"open', 'a"b', '"a"b', '""" x'])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(InvalidInputError, match="Invalid filter pattern"):
        read_pattern(pattern)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_a_pattern_or_refused(pattern: str, text: str) -> None:
    try:
        matches = read_pattern(pattern)
    except StepmillError:
        return
    assert matches(text) in (True, False)
