from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepmill.jobs.checks.programs.clarify_config import (
    METHODS,
    POST_TRAINING,
    PRE_TRAINING,
    Facet,
    load_analysis,
    read_analysis,
)
from stepmill.jobs.checks.programs.errors import CustomerError

GIVEN: dict[str, Any] = {
    "dataset_type": "text/csv",
    "headers": ["age", "sex", "paid", "said"],
    "label": "paid",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": [0]}, {"name_or_index": 0}],
    "methods": {"pre_training_bias": {"methods": "all"}, "report": {"name": "report", "title": "Mine"}},
}


def refused(**changes: Any) -> str:
    with pytest.raises(CustomerError) as caught:
        read_analysis({**GIVEN, **changes})
    return str(caught.value)


def test_what_a_configuration_says() -> None:
    found = read_analysis(GIVEN)
    assert found.headers == ("age", "sex", "paid", "said")
    assert (found.label, found.positive, found.report) == ("paid", (1,), "Mine")
    assert found.facets == (Facet("sex", (0,)), Facet(0))
    # Without a group variable there is no conditional disparity.
    assert found.methods == {PRE_TRAINING: ["CI", "DPL", "JS", "KL", "KS", "LP", "TVD"]}


def test_all_metrics_with_a_group_variable() -> None:
    methods = {"pre_training_bias": {"methods": "all"}, "post_training_bias": {"methods": ["all"]}}
    found = read_analysis({**GIVEN, "methods": methods, "group_variable": "age", "predicted_label": 3})
    assert found.methods == {kind: list(METHODS[kind]) for kind in (PRE_TRAINING, POST_TRAINING)}
    assert (found.predicted_label, found.report) == (3, None)


def test_metrics_by_name_once_each() -> None:
    methods = {"post_training_bias": {"methods": ["DI", "DCA", "AD", "DI"]}}
    found = read_analysis({**GIVEN, "methods": methods, "predicted_label": "said"})
    assert found.methods == {POST_TRAINING: ["AD", "DCAcc", "DI"]}


def test_truth_values_are_as_data_has_them() -> None:
    assert read_analysis({**GIVEN, "label_values_or_threshold": [True]}).positive == ("true",)


def test_columns_that_are_no_features() -> None:
    found = read_analysis({**GIVEN, "excluded_columns": ["age", 2], "joinsource_name_or_index": "id"})
    assert found.left_out == ("age", 2, "id")


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"label": None}, "label: must not be null"),
        ({"label": True}, "label: must be the name of a column"),
        ({"label_values_or_threshold": []}, "label_values_or_threshold: is missing"),
        ({"label_values_or_threshold": [[1]]}, "label_values_or_threshold: has an element of a wrong kind"),
        ({"label_values_or_threshold": [float("inf")]}, "is not finite"),
        ({"label_values_or_threshold": [0] * 1001}, "has 1001 elements"),
        ({"facet": []}, "facet: is missing"),
        ({"facet": "sex"}, "facet: must be a list"),
        ({"facet": [{}]}, "facet[0].name_or_index: is missing"),
        ({"headers": ["a", "a"]}, "headers: has a name twice"),
        ({"headers": "a,b"}, "headers: must be a list"),
        ({"dataset_type": "application/x-image"}, "dataset_type: 'application/x-image' is not one of"),
        ({"dataset_type": ["text/csv"]}, "dataset_type: "),
        ({"probability_threshold": 1.5}, "probability_threshold: must be a number from 0 to 1"),
        ({"methods": {}}, "methods: must have one of pre_training_bias, post_training_bias"),
        ({"methods": {"magic": {}}}, "methods.magic: is unknown"),
        ({"methods": {"asymmetric_shapley_value": {}}}, "asymmetric_shapley_value: is not supported"),
        ({"methods": {"shap": {}}}, "predictor: is missing: the model whose predictions are explained"),
        ({"methods": {"pre_training_bias": {"methods": ["DI"]}}}, "'DI' is not one of CDDL, CI"),
        ({"methods": {"pre_training_bias": {"methods": []}}}, "methods.pre_training_bias.methods: is empty"),
        ({"methods": {"pre_training_bias": {"methods": ["CDDL"]}}}, "group_variable: is missing: CDDL"),
        ({"methods": {"post_training_bias": {"methods": "all"}}}, "predicted_label: is missing"),
        ({"segment_config": []}, "segment_config: is not supported"),
        ({"features": "a"}, "features: is for data sets of the type application/jsonlines"),
        (
            {"dataset_type": "application/jsonlines", "features": "a[0]"},
            "features: must be a path of members",
        ),
        ({"dataset_type": "application/jsonlines", "features": 3}, "features: must be a path of members"),
        (
            {"dataset_type": "application/jsonlines", "features": "a", "label": 3},
            "label: must be a path of members",
        ),
        ({"surprise": 1}, "surprise: is unknown"),
    ],
)
def test_what_cannot_be_taken(changes: dict[str, Any], finding: str) -> None:
    assert finding in refused(**changes)


def test_a_model_predicts_where_the_data_has_no_predictions() -> None:
    methods = {"post_training_bias": {"methods": "all"}}
    found = read_analysis({**GIVEN, "methods": methods, "predictor": {"model_name": "m"}})
    assert found.asks_the_model
    assert not read_analysis({**GIVEN, "methods": methods, "predicted_label": "said"}).asks_the_model
    assert not read_analysis(GIVEN).asks_the_model


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = refused(label=None, facet=[], headers=3)
    assert [name in told for name in ("label: ", "facet: ", "headers: ")] == [True] * 3


@pytest.mark.parametrize("document", [None, [], "text", 7])
def test_a_document_that_is_no_object(document: object) -> None:
    with pytest.raises(CustomerError, match="the document: must be a JSON object"):
        read_analysis(document)


def test_the_file_of_a_job(tmp_path: Path) -> None:
    (tmp_path / "analysis_config.json").write_text(json.dumps(GIVEN))
    assert load_analysis(tmp_path) == read_analysis(GIVEN)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_a_file_that_is_not_json(tmp_path: Path, text: str) -> None:
    (tmp_path / "analysis_config.json").write_text(text)
    with pytest.raises(CustomerError, match="cannot be read"):
        load_analysis(tmp_path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CustomerError, match="cannot be read"):
        load_analysis(tmp_path)
