"""Members of requests to MLflow's door."""

from __future__ import annotations

import math
from typing import Any

import pytest

from stepmill.core.http import Request
from stepmill.mlflow_rest.errors import MlflowError
from stepmill.mlflow_rest.fields import Fields, fields_of


@pytest.mark.parametrize(("given", "read"), [(5, 5), ("5", 5), (-5, -5), (5.0, 5), (2**63 - 1, 2**63 - 1)])
def test_integers_may_be_texts(given: Any, read: int) -> None:
    assert Fields({"a": given}).integer("a") == read


@pytest.mark.parametrize("given", ["x", "", 1.5, True, 2**63, "9" * 30, [1], {}, "٣"])
def test_what_is_no_integer(given: Any) -> None:
    with pytest.raises(MlflowError, match=r"'a'.*integer"):
        Fields({"a": given}).integer("a")


@pytest.mark.parametrize(
    ("given", "read"), [(1, 1.0), (0.5, 0.5), ("Infinity", math.inf), ("-Infinity", -math.inf)]
)
def test_numbers_that_json_does_not_know_are_texts(given: Any, read: float) -> None:
    assert Fields({"a": given}).number("a") == read


@pytest.mark.parametrize("given", ["1", "inf", True, [], 10**400])
def test_what_is_no_number(given: Any) -> None:
    with pytest.raises(MlflowError, match="valid double"):
        Fields({"a": given}).number("a")


def test_a_text_may_be_a_number_of_a_query_and_never_half_a_character() -> None:
    assert Fields({"a": 12}).text("a") == "12"
    for wrong in (True, [], {}, 1.5, "\ud800"):
        with pytest.raises(MlflowError):
            Fields({"a": wrong}).text("a")


def test_what_is_missing_is_named_with_its_place() -> None:
    [metric] = Fields({"metrics": [{"key": "a"}]}).objects("metrics", 5)
    with pytest.raises(MlflowError, match=r"'metrics\[0\].value'"):
        metric.number("value")


@pytest.mark.parametrize("given", ["x", {"a": 1}, [1], [[]]])
def test_what_is_no_list_of_objects(given: Any) -> None:
    with pytest.raises(MlflowError):
        Fields({"a": given}).objects("a", 5)


def test_a_list_beyond_its_limit_is_refused_in_mlflows_words() -> None:
    with pytest.raises(MlflowError, match=r"at most 1 metrics\. Got 2 metrics"):
        Fields({"metrics": [{}, {}]}).objects("metrics", 1)


def test_a_query_gives_texts_and_lists_of_them() -> None:
    found = fields_of(Request("GET", "/", "a=1&b=x&b=y&c="))
    assert found.integer("a") == 1
    assert found.texts("b") == ["x", "y"]
    assert found.texts("a") == ["1"]
    assert found.text("c") == ""


@pytest.mark.parametrize("query", ["a=%ff", "&".join(f"a{n}=1" for n in range(2000))])
def test_a_query_that_cannot_be_read(query: str) -> None:
    with pytest.raises(MlflowError) as raised:
        fields_of(Request("GET", "/", query))
    assert raised.value.code == "BAD_REQUEST"
