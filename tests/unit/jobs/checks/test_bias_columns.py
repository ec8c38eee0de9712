from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest

from stepmill.jobs.checks.programs.bias_columns import column_of, group_of, groups_of, numbers_of, predicted
from stepmill.jobs.checks.programs.clarify_config import Analysis, Value
from stepmill.jobs.checks.programs.errors import CustomerError


def texts(values: Sequence[Any]) -> Any:
    return pd.Series(list(values), dtype=object)


def chosen(values: Sequence[Any], wanted: Sequence[Value], like: Sequence[Any] | None = None) -> Any:
    """Return the places of the records of a group, and its text."""
    found = group_of(texts(values), wanted, None if like is None else texts(like))
    return [place for place, flag in enumerate(found.flags) if flag], found.text


@pytest.mark.parametrize(
    ("values", "wanted", "places", "text"),
    [
        (["a", "b", "c"], ["a", "c"], [0, 2], "a,c"),
        (["0", "1", "1"], [1], [1, 2], "1"),
        # Numbers are compared as such, words letter by letter.
        (["0", "1", "1.0"], ["1"], [1, 2], "1"),
        (["01", "1", "x"], ["1"], [1], "1"),
        # Two different values are categories; one that is none of them is a bound.
        (["0", "1", "1"], [0.5], [1, 2], "(0.5, 1.0]"),
        (["3", "5", "9"], [5], [2], "(5, 9]"),
        (["3", "5", "9"], ["5"], [2], "(5, 9]"),
        (["0.5", "5", "9"], [5], [2], "(5, 9]"),
        # Several values are no bound.
        (["3", "5", "9"], [5, 9], [1, 2], "5,9"),
        (["3", "5", "9"], ["many"], [], "many"),
        # Nothing is above it.
        (["3", "5", "9"], [10], [], "(10, 9]"),
        (["True", "False", "TRUE"], ["true"], [0, 2], "true"),
        (["true", "false", "false"], ["False"], [1, 2], "False"),
        (["True", "maybe", "no"], ["true"], [], "true"),
    ],
)
def test_a_group(values: list[str], wanted: list[Value], places: list[int], text: str) -> None:
    assert chosen(values, wanted) == (places, text)


@pytest.mark.parametrize(("count", "is_bound"), [(59, True), (61, False)])
def test_whole_numbers_that_repeat_are_categories(count: int, is_bound: bool) -> None:
    values = [str(number % 3) for number in range(count)]
    places, text = chosen(values, [1])
    assert text == ("(1, 2]" if is_bound else "1")
    assert len(places) == values.count("2" if is_bound else "1")


def test_labels_tell_what_predictions_are() -> None:
    # By themselves these would be categories, of which none is 5.
    assert chosen(["7", "7", "3"], [5], like=["3", "5", "9"])[0] == [0, 1]


def test_each_category_is_a_group_in_the_order_of_the_data() -> None:
    found = groups_of(texts(["b", "a", "b"]), (), "facet[0]")
    assert [(one.text, one.flags.tolist()) for one in found] == [
        ("b", [True, False, True]),
        ("a", [False, True, False]),
    ]


def test_numbers_have_no_groups_by_themselves() -> None:
    with pytest.raises(CustomerError, match=r"facet\[0\].value_or_threshold: is missing"):
        groups_of(texts(["1", "2", "3"]), (), "facet[0]")


def test_too_many_categories_are_refused() -> None:
    with pytest.raises(CustomerError, match="there are 1001 values"):
        groups_of(texts([f"n{number}" for number in range(1001)]), (), "facet[0]")


@pytest.mark.parametrize(
    ("labels", "positive", "said"),
    [
        (["0", "1", "0"], (1,), [False, True, False]),
        # What is above the threshold is 1, and here 0 is the good outcome.
        (["0", "1", "0"], (0,), [True, False, True]),
        (["no", "yes", "no"], ("yes",), [False, True, False]),
    ],
)
def test_probabilities(labels: list[str], positive: tuple[Value, ...], said: list[bool]) -> None:
    analysis = Analysis("text/csv", {}, positive=positive, threshold=0.5)
    assert predicted(texts(["0.5", "0.6", "0.1"]), texts(labels), analysis).tolist() == said


def test_words_are_labels_whatever_the_threshold() -> None:
    analysis = Analysis("text/csv", {}, positive=("yes",), threshold=0.5)
    assert predicted(texts(["yes", "no"]), texts(["no", "yes"]), analysis).tolist() == [True, False]


@pytest.mark.parametrize("values", [["1", "x"], ["inf", "1"], ["", "1"], ["nan", "1"]])
def test_what_is_not_all_numbers(values: list[str]) -> None:
    assert numbers_of(texts(values)) is None


def test_a_missing_number_is_none() -> None:
    assert str(numbers_of(texts(["1", None]))) == "[ 1. nan]"


@pytest.mark.parametrize("column", [2, -1, "c", "0", "A"])
def test_a_column_that_is_not_there(column: Any) -> None:
    with pytest.raises(CustomerError, match=r"label: .* is no column of the data: a, b"):
        column_of(pd.DataFrame({"a": [1], "b": [2]}), column, "label")


def test_columns_by_name_and_place() -> None:
    table = pd.DataFrame({"a": [1], "b": [2]})
    assert [column_of(table, one, "label") for one in ("b", 0)] == ["b", "a"]
