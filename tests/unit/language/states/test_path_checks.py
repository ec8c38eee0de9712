"""What the checker learns of paths and calls without running them."""

from __future__ import annotations

import pytest

from stepmill.language.states.jsonpath import Root
from stepmill.language.states.path_checks import (
    Read,
    check_path,
    check_path_or_intrinsic,
    check_reference_path,
    referenced_paths,
)


@pytest.mark.parametrize("text", ["$", "$.a", "$$.Execution.Id", "$v.a", "$.a[?(@.b == 1)]", "$..x"])
def test_a_path_is_right(text: str) -> None:
    assert check_path(text) is None
    assert check_path_or_intrinsic(text) is None


@pytest.mark.parametrize("text", ["", "a", "$.a[", "$.", "$x y", "$.a b", "$1"])
def test_a_path_is_wrong(text: str) -> None:
    assert check_path(text)


def test_a_reference_path_means_one_place_in_the_input() -> None:
    assert check_reference_path("$.a['b'][0]") is None
    for text in ("$.a[*]", "$..a", "$$.a", "a", "$.a[?(@.b)]", "$v"):
        assert check_reference_path(text), text


def test_a_call_is_checked_with_its_paths_and_its_number_of_functions() -> None:
    assert check_path_or_intrinsic("States.Format('{}', $.a)") is None
    assert check_path_or_intrinsic("States.Format('{}', $.a[)")
    assert check_path_or_intrinsic("States.Nope()")
    ten = "States.Array(" * 10 + ")" * 10
    assert check_path_or_intrinsic(ten) is None
    assert "10 intrinsic functions" in (check_path_or_intrinsic(f"States.Array({ten})") or "")


def test_what_is_read_is_told_as_far_as_it_is_fixed() -> None:
    assert referenced_paths("$.a[0].b") == (Read(Root.INPUT, "", ("a", 0, "b")),)
    assert referenced_paths("$.a[*].b") == (Read(Root.INPUT, "", ("a",), is_whole=False),)
    assert referenced_paths("$") == (Read(Root.INPUT, "", ()),)
    assert referenced_paths("$$.Map.Item") == (Read(Root.CONTEXT, "", ("Map", "Item")),)
    assert referenced_paths("$v.x") == (Read(Root.VARIABLE, "v", ("x",)),)
    assert referenced_paths("States.Array($.a, $v)") == (
        Read(Root.INPUT, "", ("a",)),
        Read(Root.VARIABLE, "v", ()),
    )
    assert referenced_paths("no path") == ()
