from __future__ import annotations

import json
from typing import Any

import pytest

from stepmill.catalog.model_cards import check_card
from stepmill.catalog.model_reports.cards import card_reports
from stepmill.catalog.model_reports.parts import Bars, Curve, Matrix, Metric, Report, Table

METRICS: list[dict[str, Any]] = [
    {"name": "auc", "type": "number", "value": 0.9},
    {"name": "verdict", "type": "string", "value": "“good”"},
    {"name": "fair", "type": "boolean", "value": True},
    {
        "name": "roc",
        "type": "linear_graph",
        "value": [[0, 0], [1, 1]],
        "x_axis_name": "fpr",
        "y_axis_name": "tpr",
    },
    {"name": "effect", "type": "bar_chart", "value": [1, -2], "x_axis_name": ["age", "city"]},
    {"name": "confusion", "type": "matrix", "value": [[3, 1], [0, 4]], "x_axis_name": ["no", "yes"]},
]


def described(*metrics: Any) -> dict[str, Any]:
    groups = [{"name": "test", "metric_data": list(metrics)}]
    content = {"evaluation_details": [{"name": "first", "metric_groups": groups}]}
    card = {"ModelCardContent": json.dumps(content), "ModelCardStatus": "Draft"}
    check_card(card)
    return {"ModelCard": card}


def test_an_evaluation_of_a_card_is_a_report() -> None:
    assert list(card_reports(described(*METRICS))) == [
        Report(
            "Model card: first",
            "ModelCard",
            (Metric("test.auc", 0.9),),
            (
                Curve("test: roc", "fpr", "tpr", ((0, 0), (1, 1))),
                Bars("test: effect", (("age", 1), ("city", -2))),
                Matrix("test: confusion", ("no", "yes"), ((3, 1), (0, 4))),
                Table("Said", ("METRIC", "VALUE"), (("test.verdict", "“good”"), ("test.fair", "True"))),
            ),
        )
    ]


@pytest.mark.parametrize(
    "metric",
    [
        {"name": "a", "type": "linear_graph", "value": [[0, 0]]},
        {"name": "a", "type": "linear_graph", "value": [[0], [1]]},
        {"name": "a", "type": "linear_graph", "value": "text"},
        {"name": "a", "type": "bar_chart", "value": []},
        {"name": "a", "type": "bar_chart", "value": ["x"]},
        {"name": "a", "type": "matrix", "value": [[1, 2], [3]]},
        {"name": "a", "type": "matrix", "value": {}},
        {"name": "a", "type": "number", "value": "high"},
        {"name": "a", "type": "other", "value": 1},
        {},
        3,
    ],
)
def test_what_cannot_be_drawn_hides_nothing(metric: Any) -> None:
    assert list(card_reports(described(metric))) == []
    (report,) = card_reports(described(metric, METRICS[0]))
    assert (report.metrics, report.parts) == ((Metric("test.auc", 0.9),), ())


def test_axes_without_names_are_numbered() -> None:
    (report,) = card_reports(described({"name": "a", "type": "bar_chart", "value": [5, 6]}))
    assert report.parts == (Bars("test: a", (("1", 5), ("2", 6))),)


@pytest.mark.parametrize("document", [{}, {"ModelCard": {}}, {"ModelCard": {"ModelCardContent": "{}"}}])
def test_a_package_without_evaluations(document: dict[str, Any]) -> None:
    assert list(card_reports(document)) == []


def test_a_card_that_is_no_json_says_so() -> None:
    (report,) = card_reports({"ModelCard": {"ModelCardContent": "{"}})
    assert "not valid JSON" in report.problem
