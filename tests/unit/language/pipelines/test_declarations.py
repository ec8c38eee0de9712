from __future__ import annotations

from typing import Any

import pytest

from stepmill.language.pipelines.declarations import (
    cleaned_steps,
    declared_at,
    has_own_metrics,
    names_at,
    value_at,
)

GET = {"Get": "Parameters.P"}


def test_a_value_below_keys() -> None:
    assert value_at({"a": {"b": 3}}, "a", "b") == 3
    assert value_at({"a": 3}, "a", "b") is None
    assert value_at({}, "a") is None


def test_an_expression_on_the_way_stands_for_what_is_below() -> None:
    assert value_at({"a": GET}, "a", "b") == GET


def test_a_list_declares_by_a_member() -> None:
    declared = declared_at({"a": [{"Name": "x"}, {"Name": "y"}]}, "a", member="Name")
    assert (list(declared.names), declared.is_complete, declared.count) == (["x", "y"], True, 2)


def test_a_map_declares_by_its_keys() -> None:
    declared = declared_at({"a": {"x": 1, "y": GET}}, "a")
    assert (list(declared.names), declared.is_complete, declared.count) == (["x", "y"], True, 2)


@pytest.mark.parametrize("value", [GET, {"Std:Join": {}}, 3, "x", [{"Name": GET}], [GET], [3]])
def test_what_comes_later_may_declare_anything(value: Any) -> None:
    assert not declared_at({"a": value}, "a", member="Name").is_complete


def test_nothing_declares_nothing() -> None:
    declared = declared_at({}, "a", member="Name")
    assert (list(declared.names), declared.is_complete, declared.count) == ([], True, 0)


def test_names_come_with_their_positions() -> None:
    assert list(names_at({"a": [{"Name": "x"}, 3, {}, {"Name": "x"}]}, ("a",), "Name")) == [
        (0, "x"),
        (3, "x"),
    ]


@pytest.mark.parametrize(
    "arguments", [{}, {"Resources": GET}, {"Resources": {"S3": 3}}, {"Resources": {"S3": [3, {}]}}]
)
def test_a_cleanup_step_that_names_nothing(arguments: Any) -> None:
    assert cleaned_steps(arguments) == ()


@pytest.mark.parametrize(
    ("algorithm", "has"),
    [
        (None, True),
        (GET, True),
        ({}, True),
        ({"TrainingImage": GET}, True),
        ({"TrainingImage": "1.dkr.ecr.us-west-2.amazonaws.com/linear-learner:1"}, True),
        ({"TrainingImage": "1.dkr.ecr.us-west-2.amazonaws.com/xgboost@sha256:abc"}, True),
        ({"TrainingImage": "1.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"}, False),
        ({"TrainingImage": "mine"}, False),
    ],
)
def test_which_algorithms_report_metrics_of_their_own(algorithm: Any, has: bool) -> None:
    arguments = {} if algorithm is None else {"AlgorithmSpecification": algorithm}
    assert has_own_metrics(arguments) == has
