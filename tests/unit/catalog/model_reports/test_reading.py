from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.model_reports.parts import (
    MOST_POINTS,
    MOST_SHOWN,
    Bars,
    Curve,
    Matrix,
    Metric,
    Report,
    Table,
)
from stepmill.catalog.model_reports.reading import read_report
from support.model_reports import (
    ANALYSIS,
    BINARY,
    DATA_CONSTRAINTS,
    DATA_STATISTICS,
    MULTICLASS,
    QUALITY_CONSTRAINTS,
    REGRESSION,
)


def read(document: Any) -> Report:
    return read_report("Title", "s3://b/k", json.dumps(document).encode())


def one(report: Report, kind: type[Any], title: str = "") -> Any:
    (found,) = (part for part in report.parts if isinstance(part, kind) and part.title.startswith(title))
    return found


class TestModelQuality:
    def test_numbers_come_with_their_deviation(self) -> None:
        report = read(REGRESSION)
        assert report.metrics == (Metric("mse", 4.925353410353891, 2.219186917819692), Metric("r2", 0.5))
        assert (report.title, report.uri, report.problem, report.parts) == ("Title", "s3://b/k", "", ())

    def test_a_classifier_has_a_matrix_and_curves(self) -> None:
        report = read(BINARY)
        assert report.metrics == (Metric("accuracy", 0.88, 0.01), Metric("auc", 0.95))
        assert one(report, Matrix) == Matrix("Confusion matrix", ("0", "1"), ((50, 5), (7, 38)))
        roc = one(report, Curve, "Receiver")
        assert roc.points == ((0, 0), (0.2, 0.8), (1, 1))
        assert roc.has_diagonal
        precision = one(report, Curve, "Precision")
        assert precision.points == ((0, 1), (0.7, 0.8), (1, 0.5))
        assert (precision.x_label, precision.y_label) == ("recall", "precision")

    def test_labels_are_in_the_order_of_their_numbers(self) -> None:
        matrix = one(read(MULTICLASS), Matrix)
        assert matrix.labels == ("2", "10", "x")
        assert matrix.counts == ((3, 1, 0), (0, 4, 0), (0, 0, 5))

    def test_a_long_curve_is_thinned_and_keeps_its_ends(self) -> None:
        rates = [number / 5000 for number in range(5001)]
        curve = {"false_positive_rates": rates, "true_positive_rates": rates}
        report = read({"binary_classification_metrics": {"receiver_operating_characteristic_curve": curve}})
        points = one(report, Curve).points
        assert len(points) <= MOST_POINTS + 1
        assert (points[0], points[-1]) == ((0, 0), (1, 1))

    @pytest.mark.parametrize(
        "curve",
        [
            {"false_positive_rates": [0, 1]},
            {"false_positive_rates": [0, 1], "true_positive_rates": [0, 0.5, 1]},
            {"false_positive_rates": [0], "true_positive_rates": [0]},
            {"false_positive_rates": [0, None], "true_positive_rates": [0, 1]},
            {"false_positive_rates": "01", "true_positive_rates": "01"},
            [],
        ],
    )
    def test_what_is_no_curve_is_not_drawn_and_hides_nothing(self, curve: Any) -> None:
        metrics = {"auc": {"value": 0.5}, "receiver_operating_characteristic_curve": curve}
        report = read({"binary_classification_metrics": metrics})
        assert (report.metrics, report.parts) == ((Metric("auc", 0.5),), ())

    def test_a_matrix_of_too_many_labels_is_not_drawn(self) -> None:
        matrix = {str(label): {str(label): 1} for label in range(100)}
        metrics = {"accuracy": {"value": 1}, "confusion_matrix": matrix}
        assert read({"multiclass_classification_metrics": metrics}).parts == ()

    def test_any_document_with_numbers_by_name_is_read(self) -> None:
        report = read({"test": {"f1": 0.5, "note": "text"}, "loss": 1, "ok": True, "rows": [1, 2]})
        assert report.metrics == (Metric("test.f1", 0.5), Metric("loss", 1.0))

    def test_thresholds(self) -> None:
        table = one(read(QUALITY_CONSTRAINTS), Table)
        assert table.title == "Regression constraints"
        assert table.rows == (("mse", "GreaterThanThreshold", "5.5"),)


class TestDataQuality:
    def test_statistics(self) -> None:
        report = read(DATA_STATISTICS)
        assert report.metrics == (
            Metric("rows", 102), Metric("age / missing", 2), Metric("age / mean", 41.5, 9.0),
            Metric("city / missing", 0),
        )  # fmt: skip
        assert one(report, Table).rows == (
            ("age", "Integral", "100", "2", "41.5", "9", "18", "90", ""),
            ("city", "String", "102", "0", "", "", "", "", "2"),
        )
        assert one(report, Bars, "Distribution of age").bars == (("18 to 54", 70), ("54 to 90", 30))
        assert one(report, Bars, "Distribution of city").bars == (("Köln", 60),)

    def test_constraints(self) -> None:
        report = read(DATA_CONSTRAINTS)
        assert report.metrics == ()
        assert one(report, Table).rows == (
            ("age", "Integral", "0.98", "yes", ""),
            ("city", "String", "1", "", "Köln, Bonn"),
        )

    def test_of_many_features_the_first_are_shown_and_the_rest_is_counted(self) -> None:
        (feature, _) = DATA_STATISTICS["features"]
        many = [{**feature, "name": f"f{number}"} for number in range(2500)]
        table = one(read({**DATA_STATISTICS, "features": many}), Table)
        assert (len(table.rows), table.left_out) == (MOST_SHOWN, 2500 - MOST_SHOWN)


class TestClarify:
    def test_bias_and_explanations(self) -> None:
        report = read(ANALYSIS)
        assert report.metrics == (
            Metric("pre / sex[0] / CI", 0.33), Metric("post / sex[0] / DI", 0.6),
            Metric("shap / age", 0.1), Metric("shap / city", -0.3),
        )  # fmt: skip
        assert one(report, Table, "Bias before").rows == (
            ("sex[0]", "CI", "0.33", "Class Imbalance (CI)"),
            ("sex[0]", "KL", "", "Kullback-Leibler"),
        )
        assert one(report, Bars, "Bias before").bars == (("sex[0] CI", 0.33),)
        assert one(report, Bars, "Mean of the SHAP values").bars == (("city", -0.3), ("age", 0.1))

    def test_several_outputs_are_told_apart(self) -> None:
        shap = {label: {"global_shap_values": {"age": 0.1}} for label in ("cat", "dog")}
        report = read({"explanations": {"kernel_shap": shap}})
        assert [metric.name for metric in report.metrics] == ["shap / cat / age", "shap / dog / age"]


class TestBadReports:
    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (b"", "not valid JSON"),
            (b"[1", "not valid JSON"),
            (b"\xff\xfe", "not UTF-8"),
            (b"[1]", "a JSON object"),
            (b"3", "a JSON object"),
            (b"{}", "no metric in it"),
            (b'{"regression_metrics": {"mse": "low"}}', "no metric in it"),
            (b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}", "nested"),
            (b"NaN [", "not valid JSON"),
        ],
    )
    def test_what_is_no_report_says_why(self, content: bytes, problem: str) -> None:
        report = read_report("Title", "s3://b/k", content)
        assert problem in report.problem
        assert (report.title, report.metrics, report.parts) == ("Title", (), ())

    def test_nan_as_python_writes_it_hides_only_itself(self) -> None:
        document = {"regression_metrics": {"mse": {"value": float("nan")}, "mae": {"value": 1.0}}}
        report = read(document)
        assert (report.metrics, report.problem) == ((Metric("mae", 1.0),), "")

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "regression_metrics", "binary_classification_metrics", "confusion_matrix",
                            "receiver_operating_characteristic_curve", "false_positive_rates", "value",
                            "true_positive_rates", "features", "numerical_statistics", "distribution", "kll",
                            "buckets", "common", "completeness", "explanations", "kernel_shap", "facets",
                            "global_shap_values", "pre_training_bias_metrics", "metrics", "name", "dataset",
                            "string_constraints", "domains", "regression_constraints", "threshold",
                        ]
                    ),
                    inner,
                    max_size=5,
                )
            ),
            max_leaves=30,
        )
    )  # fmt: skip
    def test_whatever_it_holds_it_is_read_or_refused_with_a_word(self, document: Any) -> None:
        report = read(document)
        assert bool(report.problem) != bool(report.metrics or report.parts)
