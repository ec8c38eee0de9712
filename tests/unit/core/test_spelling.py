"""What somebody may have meant who wrote a name that there is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.spelling import did_you_mean, nearest

KNOWN = ("PrepareData", "Train", "évaluer")


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("PrepareDate", "PrepareData"),
        ("preparedata", "PrepareData"),
        ("TRAIN", "Train"),
        ("evaluer", "évaluer"),
        ("Deploy", None),
        ("", None),
        (None, None),
        (7, None),
        (["Train"], None),
    ],
)
def test_the_nearest_of_the_known_words(word: object, found: str | None) -> None:
    assert nearest(word, KNOWN) == found


def test_of_nothing_nothing_is_near() -> None:
    assert nearest("Train", []) is None
    assert nearest("Train", iter(["Trains"])) == "Trains"


def test_what_is_long_is_not_compared() -> None:
    word = "x" * 200
    assert nearest(word, [word]) is None


def test_the_sentence_names_it_or_says_what_else_to_do() -> None:
    assert did_you_mean("Trian", KNOWN, "Look at the list.") == "Did you mean 'Train'?"
    assert did_you_mean("Deploy", KNOWN, "Look at the list.") == "Look at the list."
    assert did_you_mean("Deploy", KNOWN) == ""


@given(st.text(max_size=40), st.lists(st.text(max_size=40), max_size=8))
def test_what_is_found_is_one_of_them(word: str, known: list[str]) -> None:
    found = nearest(word, known)
    assert found is None or found in known


@given(st.text(min_size=1, max_size=40))
def test_a_word_that_is_known_is_the_nearest_to_itself(word: str) -> None:
    found = nearest(word, [word, "something else"])
    assert found is not None
    assert found.lower() == word.lower()
