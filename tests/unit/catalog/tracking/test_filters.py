"""MLflow's search language."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.tracking.filters import (
    LONGEST_FILTER,
    OF_EXPERIMENTS,
    OF_MODELS,
    Subject,
    arranged,
    read_filter,
    read_orders,
)
from stepmill.core.errors import InvalidInputError

RUN = Subject(
    {"run_id": "abc", "run_name": "brave-fox-1", "status": "FINISHED", "start_time": 100, "end_time": None},
    metrics={"auc": 0.75, "a b": 2.0, "val/loss": -0.5, "nan": math.nan},
    params={"solver": "lbfgs", "it's": "it's"},
    tags={"mlflow.runName": "brave-fox-1", "team": "Blue"},
    datasets=[{"name": "train", "digest": "d1", "context": "training"}],
)


def holds(text: str) -> bool:
    return all(condition.holds(RUN) for condition in read_filter(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "metrics.auc > 0.5",
        "metric.auc >= .75 AND metrics.auc <= 7.5e-1 and metrics.auc = 0.75",
        "metrics.`a b` != 3",
        'metrics."a b" < 2.5',
        "metrics.val/loss < -0.1",
        "params.solver = 'lbfgs'",
        'parameters.solver = "lbfgs"',
        "params.`it's` = 'it''s'",
        "params.solver LIKE 'l%s' and params.solver like '_bfg_'",
        "params.solver ILIKE 'L%'",
        "tags.team != 'Red'",
        "tags.mlflow.runName = 'brave-fox-1'",
        "tags.gone IS NULL and tags.team is not null",
        "status = 'FINISHED'",
        "attributes.status IN ('RUNNING', 'FINISHED')",
        "run_id NOT IN ('x')",
        "attribute.`Run name` LIKE 'brave%'",
        "created >= 100 and start_time < 101",
        "datasets.name = 'train' and dataset.context IN ('training')",
    ],
)
def test_what_holds(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "metrics.auc > 0.75",
        "metrics.gone > 0",
        "metrics.gone != 0",
        "metrics.nan > 0",
        "params.gone != 'x'",
        "params.solver LIKE 'L%'",
        "tags.team IS NULL",
        "end_time > 0",
        "run_id IN ('x', 'y')",
        "datasets.digest NOT IN ('d1')",
        "metrics.auc > 0.5 and status = 'FAILED'",
    ],
)
def test_what_does_not_hold(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("metrics.auc", "ends too early"),
        ("metrics.auc >", "ends too early"),
        ("metrics.auc > 'x'", "numeric value"),
        ("metrics.auc LIKE '1%'", "Invalid comparator"),
        ("metrics.auc IS NULL", "Invalid comparator"),
        ("params.a = 5", "quoted string"),
        ("params.a > '5'", "Invalid comparator"),
        ("params.a IN ('5')", "Invalid comparator"),
        ("status IS NULL", "Invalid comparator"),
        ("status = 'A' or status = 'B'", "joined by 'and'"),
        ("trace.x = 'a'", "Invalid entity type"),
        ("attributes.nobody = 'a'", "Invalid attribute key"),
        ("nobody = 'a'", "Invalid attribute key"),
        ("datasets.size = 'a'", "Invalid dataset key"),
        ("run_id IN 'a'", "A list"),
        ("run_id IN ('a'", "ends too early"),
        ("run_id IN (1)", "expected string value"),
        ("run_id IS 'a'", "Invalid comparator"),
        ("run_id = 'a", "Error on parsing"),
        ("'a' = run_id", "not what can be compared"),
        ("; DROP TABLE runs", "Error on parsing"),
        ("a" * (LONGEST_FILTER + 1), "longer than"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(InvalidInputError, match=why):
        read_filter(text)


def test_experiments_have_no_metrics() -> None:
    with pytest.raises(InvalidInputError, match="Invalid entity type 'metrics'"):
        read_filter("metrics.a > 1", OF_EXPERIMENTS)


def test_models_are_found_by_their_older_names() -> None:
    [condition] = read_filter("creation_time > 5", OF_MODELS)
    assert condition.key == "creation_timestamp"


def test_the_order_is_of_the_first_then_of_the_next() -> None:
    subjects = [
        (Subject({"run_id": name}, metrics={"auc": auc}), name)
        for name, auc in [("c", 1.0), ("a", 2.0), ("b", 1.0)]
    ]
    assert arranged(subjects, read_orders(["metrics.auc DESC", "run_id"])) == ["a", "b", "c"]
    assert arranged(subjects, read_orders(["metrics.auc", "run_id desc"])) == ["c", "b", "a"]


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_what_is_no_number_comes_after_numbers_and_what_is_not_there_last(direction: str) -> None:
    values = {"none": {}, "nan": {"m": math.nan}, "one": {"m": 1.0}}
    subjects = [(Subject({}, metrics=metrics), name) for name, metrics in values.items()]
    assert arranged(subjects, read_orders([f"metrics.m {direction}"])) == ["one", "nan", "none"]


@pytest.mark.parametrize("text", ["", "datasets.name", "metrics", "nobody", "a" * 2000])
def test_what_cannot_be_ordered_by(text: str) -> None:
    with pytest.raises(InvalidInputError):
        read_orders([text])


def test_too_many_orders_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="more than 50"):
        read_orders(["run_id"] * 51)


def test_a_pattern_of_many_wildcards_takes_no_time() -> None:
    subject = Subject({}, tags={"t": "a" * 5000})
    [condition] = read_filter(f"tags.t LIKE '{'%a' * 2000}b'")
    assert not condition.holds(subject)


@given(st.text(alphabet="ab%_", max_size=8), st.text(alphabet="ab", max_size=8))
def test_like_is_as_sql_has_it(pattern: str, text: str) -> None:
    def matches(left: str, right: str) -> bool:
        if not left:
            return not right
        if left[0] == "%":
            return any(matches(left[1:], right[at:]) for at in range(len(right) + 1))
        return bool(right) and left[0] in ("_", right[0]) and matches(left[1:], right[1:])

    [condition] = read_filter(f"tags.t LIKE '{pattern}'")
    assert condition.holds(Subject({}, tags={"t": text})) == matches(pattern, text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_filter(text)
    except InvalidInputError as error:
        assert str(error)
