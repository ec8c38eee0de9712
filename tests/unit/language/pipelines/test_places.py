from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stepmill.language.pipelines.places import ROOT, show


def test_the_root_has_no_text() -> None:
    assert str(ROOT) == ""


def test_a_place_reads_like_a_path() -> None:
    assert str(ROOT / "Steps" / 1 / "Arguments" / "HyperParameters" / "a b") == (
        "Steps[1].Arguments.HyperParameters['a b']"
    )


def test_a_function_keeps_its_colon() -> None:
    assert str(ROOT / "Steps" / "Std:Join") == "Steps.Std:Join"


def test_a_place_below_the_root_by_index() -> None:
    assert str(ROOT / 3 / "a") == "[3].a"


def test_a_long_key_is_cut() -> None:
    assert len(str(ROOT / ("k" * 10_000_000))) < 120


def test_text_that_cannot_be_printed_is_escaped() -> None:
    assert show("a\x00b\ud800") == "'a\\x00b\\ud800'"


def test_long_text_is_cut() -> None:
    assert show("x" * 200) == f"'{'x' * 80}...'"


def test_values_are_called_by_their_json_names() -> None:
    assert [show(value) for value in (None, True, False, 3, 0.5, [], {})] == [
        "null",
        "true",
        "false",
        "3",
        "0.5",
        "a list",
        "an object",
    ]


def test_a_huge_number_is_not_written_out() -> None:
    assert show(10**5000) == "a number of more than 70 digits"


@given(st.lists(st.one_of(st.integers(0, 99), st.text(max_size=5)), max_size=10))
def test_every_place_is_printable(keys: list[str | int]) -> None:
    place = ROOT
    for key in keys:
        place = place / key
    assert str(place).isprintable()
