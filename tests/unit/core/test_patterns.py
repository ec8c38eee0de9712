"""Java's patterns in Python, with bounded effort."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.patterns import matches


def test_names_may_be_as_long_as_their_pattern_says() -> None:
    pattern = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,3}"
    texts = ("a", "a---b", "abcd", "abcde", "a-", "-a", "a_b")
    assert [matches(pattern, text) for text in texts] == [True, True, True, False, False, False, False]


def test_a_text_must_match_as_a_whole() -> None:
    assert matches("^[a-z]+$", "abc")
    assert not matches("[a-z]+", "abc1")
    assert not matches("^[a-z]+$", "abc\n")


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", "Grüße 3€"[:6], "a?b"),
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", "abc-1 @", "a\tb"),
        (r"[\p{L}\p{M}]+", "é", "1"),
        (r"\p{ASCII}*", "a~", "ä"),
        (r"\P{L}+", "12", "a"),
        (r"arn:[\p{Alnum}\-]+:x", "arn:aws-cn:x", "arn:aws_cn:x"),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", "ab\t😀", "a\nb"),
        (r"[\w-_]*", "a-b_c", "a.b"),
        (r"\A\S[\p{Print}]*\z", "ab c", " ab"),
        (r"[a[b]+", "[ab", "c"),
        (r"[\w+=,.@-]+", "a@b", "ä"),
        (r"\d+", "12", "\u0661"),
    ],
)  # fmt: skip
def test_what_java_means_is_meant_here(pattern: str, good: str, bad: str) -> None:
    assert matches(pattern, good)
    assert not matches(pattern, bad)


@pytest.mark.parametrize(
    "pattern", ["[a-z&&[^x]]", r"\h", "(", "a)", "(.*)${1,128}", r"[\P{L}]", r"\p{Klingon}x("]
)
def test_what_python_cannot_express_is_not_held_against_a_text(pattern: str) -> None:
    assert matches(pattern, "anything at all")


@given(st.text(alphabet="-a/.", max_size=5000))
def test_no_text_makes_a_pattern_slow(text: str) -> None:
    for pattern in (
        "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        ".*(?:[ \\r\\n\\t].*)*",
        "[a-z]+(-[a-z]+)*",
        "(a*)*b",
        "((a+))+b",
        "((a+)b?)*c",
        "(-*[a-z]+)*!",
        "^[a-z0-9A-Z]+[\\.\\-\\w]*[a-z0-9A-Z]+!$",
    ):
        assert matches(pattern, text) in (True, False)


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_pattern_and_no_text_raise(pattern: str, text: str) -> None:
    assert matches(pattern, text) in (True, False)
