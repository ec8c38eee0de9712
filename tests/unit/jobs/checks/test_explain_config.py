from __future__ import annotations

from typing import Any

import pytest

from stepmill.jobs.checks.programs.explain_config import (
    CSV,
    JSON,
    JSON_LINES,
    Dependence,
    ExplainReader,
    Predictor,
    Shap,
)

PARQUET = "application/x-parquet"


def predictor(dataset_type: str = CSV, **given: Any) -> Predictor:
    reader = ExplainReader()
    found = reader.predictor({"model_name": "m", **given}, dataset_type)
    assert reader.findings == []
    return found


def findings(method: str, given: Any, *more: Any, **options: Any) -> str:
    reader = ExplainReader()
    getattr(reader, method)(given, *more, **options)
    return "; ".join(reader.findings)


def test_a_model_is_asked_in_the_format_of_the_data() -> None:
    assert predictor() == Predictor(CSV, CSV)
    assert predictor(PARQUET) == Predictor(CSV, CSV)
    lines = predictor(JSON_LINES, content_template='{"x": $features}')
    assert (lines.content_type, lines.accept_type) == (JSON_LINES, JSON_LINES)
    assert predictor(accept_type="application/JSON").accept_type == JSON


def test_what_is_for_the_endpoint_of_the_cloud_changes_nothing() -> None:
    of_cloud = {
        "instance_type": "ml.m5.xlarge",
        "initial_instance_count": 2,
        "accelerator_type": "ml.eia1.medium",
        "endpoint_name_prefix": "mine",
    }
    assert predictor(**of_cloud) == predictor()


@pytest.mark.parametrize("given", [["no", 1], "no"])
def test_labels_are_text(given: Any) -> None:
    assert predictor(label_headers=given).label_headers == (
        ("no", "1") if isinstance(given, list) else ("no",)
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"endpoint_name": "e"}, "predictor.endpoint_name: is not supported. Name the model by model_name"),
        ({"target_model": "t"}, "predictor.target_model: is not supported"),
        ({"surprise": 1}, "predictor.surprise: is unknown"),
        ({"content_type": "image/png"}, "predictor.content_type: 'image/png' is not one of"),
        ({"content_type": JSON_LINES}, "predictor.content_template: must have the placeholder $features"),
        (
            {"content_type": JSON, "record_template": "x"},
            "content_template: must have the placeholder $records",
        ),
        ({"content_type": JSON, "content_template": "$records"}, "predictor.record_template: is missing"),
        ({"content_template": {"a": "b"}}, "predictor.content_template: must be a text"),
        ({"label": "score"}, "predictor.label: must be a place from zero, for the answers are CSV"),
        ({"probability": ""}, "predictor.probability: must be the name of a column"),
        ({"label_headers": [True]}, "predictor.label_headers: has an element of a wrong kind"),
        ({"custom_attributes": "a\r\nHost: b"}, "custom_attributes: must be 1024 ASCII characters at most"),
        ({"custom_attributes": "a" * 1025}, "custom_attributes: must be 1024 ASCII characters at most"),
    ],
)
def test_what_a_predictor_cannot_be(given: Any, told: str) -> None:
    assert told in findings("predictor", given, CSV)


def test_what_is_explained_by_default() -> None:
    assert ExplainReader().shap({}) == Shap()


def test_what_is_explained_as_asked() -> None:
    given = {
        "baseline": [[1, "a"]],
        "num_samples": 50,
        "agg_method": "MEDIAN",
        "use_logit": True,
        "save_local_shap_values": True,
        "seed": 7,
        "features_to_explain": ["a", 1],
    }
    found = ExplainReader().shap(given)
    assert found == Shap([[1, "a"]], 1, 50, "median", True, True, 7, ("a", 1))
    # A JSON object is one row.
    assert ExplainReader().shap({"baseline": {"a": 1}}).baseline == [{"a": 1}]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"text_config": {"language": "en"}}, "methods.shap.text_config: is not supported"),
        ({"image_config": {}}, "methods.shap.image_config: is not supported"),
        ({"surprise": 1}, "methods.shap.surprise: is unknown"),
        ({"baseline": []}, "methods.shap.baseline: must have 1 to 1000 rows"),
        ({"baseline": 3}, "methods.shap.baseline: must be a list of rows, or an S3 address"),
        ({"baseline": [[1]], "num_clusters": 2}, "num_clusters: is for a baseline that is computed"),
        ({"num_clusters": 0}, "methods.shap.num_clusters: must be a whole number from 1 to 1000"),
        ({"num_samples": 10**9}, "methods.shap.num_samples: must be a whole number from 1 to 100000"),
        ({"num_samples": True}, "methods.shap.num_samples: must be a whole number"),
        ({"agg_method": "mean"}, "methods.shap.agg_method: 'mean' is not one of mean_abs"),
        ({"use_logit": 1}, "methods.shap.use_logit: must be true or false"),
        ({"seed": -1}, "methods.shap.seed: must be a whole number from 0"),
    ],
)
def test_what_cannot_be_explained(given: Any, told: str) -> None:
    assert told in findings("shap", given)


def test_of_what_dependence_is_told() -> None:
    given = {"features": ["a"], "grid_resolution": 5, "top_k_features": 3}
    assert ExplainReader().dependence(given, has_shap=False) == Dependence(("a",), 5, 3)
    assert ExplainReader().dependence({}, has_shap=True) == Dependence()
    assert "methods.pdp.features: is missing" in findings("dependence", {}, has_shap=False)
    assert "grid_resolution: must be a whole number" in findings(
        "dependence", {"grid_resolution": 0}, has_shap=True
    )
