from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.jobs.checks.programs.data_constraints import constraints_of
from stepmill.jobs.checks.programs.data_violations import violations_of
from stepmill.jobs.checks.programs.errors import CustomerError
from stepmill.jobs.checks.programs.profile import Column, describe_columns, statistics_of

AGES = [str(20 + number % 40) for number in range(400)]
PLACES = ["in" if number % 4 else "out" for number in range(400)]
USUAL = {"age": AGES, "place": PLACES}


def columns(data: dict[str, list[Any]]) -> list[Column]:
    return describe_columns(pd.DataFrame({name: pd.Series(v, dtype=object) for name, v in data.items()}))


def check(
    data: dict[str, list[Any]],
    *,
    change: Callable[[dict[str, Any]], None] = lambda _constraints: None,
    baseline: dict[str, list[Any]] = USUAL,
) -> list[tuple[str, str]]:
    before = columns(baseline)
    constraints = copy.deepcopy(constraints_of(before))
    change(constraints)
    found = violations_of(columns(data), constraints, statistics_of(before))
    return [(one["feature_name"], one["constraint_check_type"]) for one in found]


def test_constraints_as_they_are_documented() -> None:
    found = constraints_of(
        columns({**USUAL, "temperature": ["-1.5", None] * 200, "id": [f"u{n}" for n in range(400)]})
    )
    assert found["version"] == 0.0
    assert found["features"] == [
        {
            "name": "age",
            "inferred_type": "Integral",
            "completeness": 1.0,
            "num_constraints": {"is_non_negative": True},
        },
        {
            "name": "place",
            "inferred_type": "String",
            "completeness": 1.0,
            "string_constraints": {"domains": ["in", "out"]},
        },
        {
            "name": "temperature",
            "inferred_type": "Fractional",
            "completeness": 0.5,
            "num_constraints": {"is_non_negative": False},
        },
        {"name": "id", "inferred_type": "String", "completeness": 1.0},
    ]
    assert found["monitoring_config"]["distribution_constraints"]["comparison_method"] == "Robust"


@given(
    st.dictionaries(st.text(min_size=1), st.lists(st.none() | st.text(), min_size=5, max_size=5), min_size=1)
)
def test_data_satisfies_its_own_constraints(data: dict[str, list[Any]]) -> None:
    # An empty text is what a missing one is in CSV.
    data = {name: [value or None for value in values] for name, values in data.items()}
    assert check(data, baseline=data) == []


def test_a_type_that_differs_in_one_value() -> None:
    assert check({**USUAL, "age": ["x", *AGES[1:]]}) == [("age", "data_type_check")]


def test_a_threshold_lets_some_values_differ() -> None:
    def loosen(constraints: dict[str, Any]) -> None:
        constraints["monitoring_config"]["datatype_check_threshold"] = 0.99

    assert check({**USUAL, "age": ["x", *AGES[1:]]}, change=loosen) == []


def test_the_text_of_a_type_violation_has_the_shares() -> None:
    before = columns(USUAL)
    (found,) = violations_of(
        columns({**USUAL, "age": ["x", *AGES[1:]]}), constraints_of(before), statistics_of(before)
    )
    assert found["description"] == (
        "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
        "Observed: Only 99.75% of data is Integral."
    )


def test_whole_numbers_are_fractional_too_but_not_the_other_way() -> None:
    fractions = [f"{age}.5" for age in AGES]
    assert check({"a": AGES}, baseline={"a": fractions}) == []
    assert ("a", "data_type_check") in check({"a": fractions}, baseline={"a": AGES})


def test_missing_values() -> None:
    assert check({**USUAL, "age": [None, *AGES[1:]]}) == [("age", "completeness_check")]


def test_columns_that_are_missing_and_that_are_new() -> None:
    assert check({"age": AGES, "new": PLACES, "newer": PLACES}) == [
        ("Missing columns", "missing_column_check"),
        ("Extra columns", "extra_column_check"),
    ]


def test_a_value_outside_the_domain() -> None:
    assert check({**USUAL, "place": ["elsewhere", *PLACES[1:]]}) == [("place", "categorical_values_check")]


def test_numbers_that_drift() -> None:
    assert check({**USUAL, "age": [str(int(age) + 20) for age in AGES]}) == [("age", "baseline_drift_check")]


def test_categories_that_drift() -> None:
    moved = ["in" if number % 4 == 0 else "out" for number in range(400)]
    assert check({**USUAL, "place": moved}) == [("place", "baseline_drift_check")]


def test_few_records_are_given_the_benefit_of_the_doubt_unless_it_is_refused() -> None:
    few = {"age": AGES[:5], "place": PLACES[:5]}

    def simple(constraints: dict[str, Any]) -> None:
        constraints["monitoring_config"]["distribution_constraints"]["comparison_method"] = "Simple"

    assert check(few) == []
    assert ("age", "baseline_drift_check") in check(few, change=simple)


def test_comparisons_and_checks_can_be_switched_off() -> None:
    odd = {**USUAL, "age": [str(int(age) + 90) for age in AGES], "place": ["x"] * 400}

    def no_comparison(constraints: dict[str, Any]) -> None:
        constraints["monitoring_config"]["distribution_constraints"]["perform_comparison"] = "Disabled"

    def nothing(constraints: dict[str, Any]) -> None:
        constraints["monitoring_config"]["evaluate_constraints"] = "Disabled"

    assert check(odd, change=no_comparison) == [("place", "categorical_values_check")]
    assert check(odd, change=nothing) == []


def test_a_feature_may_have_rules_of_its_own() -> None:
    def own(constraints: dict[str, Any]) -> None:
        constraints["features"][0]["monitoringConfigOverrides"] = {"datatype_check_threshold": 0.5}

    assert check({**USUAL, "age": ["x", *AGES[1:]]}, change=own) == []


def test_without_statistics_no_distribution_is_compared() -> None:
    before = columns(USUAL)
    moved = columns({**USUAL, "age": [str(int(age) + 20) for age in AGES]})
    assert violations_of(moved, constraints_of(before), {}) == []


@pytest.mark.parametrize(
    "constraints",
    [
        {},
        {"features": 1},
        {"features": [1]},
        {"features": [{"name": "age", "completeness": "all"}]},
        {"features": [{"name": "age", "completeness": True}]},
        {"features": [{"name": "age", "completeness": float("nan")}]},
        {
            "features": [{"name": "place"}],
            "monitoring_config": {"distribution_constraints": {"categorical_drift_method": "ChiSquared"}},
        },
        {
            "features": [{"name": "age"}],
            "monitoring_config": {"distribution_constraints": {"comparison_method": "Bold"}},
        },
        {
            "features": [{"name": "age"}],
            "monitoring_config": {"distribution_constraints": {"comparison_threshold": []}},
        },
    ],
)
def test_a_baseline_that_is_none_is_refused(constraints: dict[str, Any]) -> None:
    before = columns(USUAL)
    with pytest.raises(CustomerError):
        violations_of(before, constraints, statistics_of(before))


@pytest.mark.parametrize("data", ["x", [["x"]], [[None]], [[[1], [2, 3]]], [{"a": 1}]])
def test_a_sketch_that_is_none_is_refused_or_passed_over(data: Any) -> None:
    before = columns(USUAL)
    statistics = statistics_of(before)
    statistics["features"][0]["numerical_statistics"]["distribution"]["kll"]["sketch"]["data"] = data
    try:
        found = violations_of(before, constraints_of(before), statistics)
    except CustomerError as error:
        assert "The sketch of 'age'" in str(error)
    else:
        assert found == []
