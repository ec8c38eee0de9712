from __future__ import annotations

import re

import pytest

from stepmill.algorithms.checking import check_hyperparameters, check_job, check_ranges
from stepmill.algorithms.parameters import Kind
from stepmill.algorithms.tables.xgboost import XGBOOST

# Each documented hyperparameter, with a value that is taken and one that is not.
DOCUMENTED = {
    "num_round": ("100", "0"),
    "csv_weights": ("1", "2"),
    "early_stopping_rounds": ("10", "0"),
    "booster": ("dart", "gbforest"),
    "verbosity": ("3", "4"),
    "silent": ("1", "2"),
    "nthread": ("2", "0"),
    "eta": ("0.1", "1.1"),
    "learning_rate": ("0.1", "1.1"),
    "gamma": ("4", "-1"),
    "min_split_loss": ("4", "-1"),
    "max_depth": ("0", "-1"),
    "min_child_weight": ("6", "-0.1"),
    "max_delta_step": ("1", "-1"),
    "subsample": ("0.7", "0"),
    "colsample_bytree": ("1", "0"),
    "colsample_bylevel": ("0.5", "1.5"),
    "colsample_bynode": ("0.5", "0"),
    "lambda": ("1", "-1"),
    "reg_lambda": ("1", "-1"),
    "alpha": ("0", "-1"),
    "reg_alpha": ("0", "-1"),
    "tree_method": ("hist", "fast"),
    "sketch_eps": ("0.03", "1"),
    "scale_pos_weight": ("2", "0"),
    "updater": ("grow_colmaker,prune", "grow_trees"),
    "dsplit": ("row", "rows"),
    "refresh_leaf": ("0", "2"),
    "process_type": ("default", "new"),
    "grow_policy": ("lossguide", "deep"),
    "max_leaves": ("0", "-1"),
    "max_bin": ("256", "-1"),
    "predictor": ("cpu_predictor", "cpu"),
    "sample_type": ("weighted", "even"),
    "normalize_type": ("forest", "trees"),
    "rate_drop": ("0.1", "1.1"),
    "one_drop": ("1", "true"),
    "skip_drop": ("0.1", "-1"),
    "lambda_bias": ("0.5", "2"),
    "tweedie_variance_power": ("1.5", "2"),
    "objective": ("reg:gamma", "reg:squared"),
    "base_score": ("0.5", "-1"),
    "_kfold": ("5", "1"),
    "_num_cv_round": ("2", "0"),
    "_tuning_objective_metric": ("validation:rmse", "rmse"),
    "eval_metric": ("rmse,mae", "rsme"),
    "seed": ("-5", str(2**31)),
    "num_parallel_tree": ("4", "0"),
    "save_model_on_termination": ("true", "True"),
    "aft_loss_distribution": ("extreme", "gumbel"),
    "aft_loss_distribution_scale": ("1.2", "-1"),
    "deterministic_histogram": ("true", "1"),
    "single_precision_histogram": ("true", "1"),
    "sampling_method": ("gradient_based", "random"),
    "prob_buffer_row": ("2", "1"),
    "use_dask_gpu_training": ("false", "no"),
}


def told(**given: str) -> list[str]:
    return [finding.message for finding in check_hyperparameters(XGBOOST, {"num_round": "5", **given})]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_each_documented_hyperparameter_is_taken_within_its_range(name: str) -> None:
    right, wrong = DOCUMENTED[name]
    assert told(**{name: right}) == []
    (message,) = told(**{name: wrong})
    assert message.startswith(f"Hyperparameter {name}: ")


def test_the_list_is_whole() -> None:
    special = {"num_class", "monotone_constraints", "interaction_constraints"}
    assert set(XGBOOST.names) == {*DOCUMENTED, *special}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"objective": "multi:softmax"}, "Require input for parameter 'num_class' for multi-classification."),
        ({"objective": "multi:softprob", "num_class": "3"}, None),
        ({"num_class": "3"}, "Do not need to setup parameter 'num_class'"),
        (
            {"num_class": "1", "objective": "multi:softmax"},
            "Hyperparameter num_class: 1 is not in [2, +inf).",
        ),
        ({"eval_metric": "auc"}, "Metric 'auc' can only be applied for classification and ranking problems."),
        ({"eval_metric": "auc", "objective": "binary:logistic"}, None),
        ({"eval_metric": "aft-nloglik"}, "Metric 'aft-nloglik' can only be applied for 'survival:aft'"),
        ({"eval_metric": "error@0.7,ndcg@5"}, None),
        ({"eval_metric": '["rmse", "mae"]'}, None),
        ({"eval_metric": "rmse@1"}, "Hyperparameter eval_metric: rmse@1 is not in"),
        ({"eval_metric": "error@half"}, "Hyperparameter eval_metric: error@half is not in"),
        ({"updater": "shotgun", "booster": "gblinear"}, None),
        ({"updater": "prune", "booster": "gblinear"}, "Linear updater should be one of these options"),
        ({"updater": "shotgun"}, "Tree updater should be selected from these options"),
        ({"updater": "grow_colmaker,grow_histmaker"}, "Only one tree grow plugin can be selected."),
        ({"updater": "refresh,prune", "process_type": "update"}, None),
        ({"updater": "grow_colmaker", "process_type": "update"}, "process_type 'update' can only be used"),
        ({"monotone_constraints": "(1, -1, 0)", "tree_method": "hist"}, None),
        ({"monotone_constraints": "(1, 0)"}, "monotone_constraints can be used only when"),
        ({"monotone_constraints": "(2, 0)", "tree_method": "hist"}, "Hyperparameter monotone_constraints"),
        ({"monotone_constraints": "__import__('os')", "tree_method": "hist"}, "Hyperparameter monotone"),
        ({"monotone_constraints": "(" * 2000, "tree_method": "hist"}, "Hyperparameter monotone"),
        ({"interaction_constraints": "[[0, 1], [2]]", "tree_method": "approx"}, None),
        ({"interaction_constraints": "[0, 1]", "tree_method": "approx"}, "Hyperparameter interaction"),
        ({"interaction_constraints": "[[0, 1]]"}, "interaction_constraints can be used only when"),
    ],
)
def test_what_hyperparameters_mean_to_one_another(given: dict[str, str], message: str | None) -> None:
    findings = told(**given)
    assert bool(findings) == bool(message)
    if message:
        assert message in findings[0]


def test_the_number_of_rounds_is_needed() -> None:
    findings = check_job(XGBOOST, {}, {"train": {}})
    assert [finding.message for finding in findings] == ["Missing required hyperparameter: num_round."]


@pytest.mark.parametrize(
    ("content_type", "taken"), [("text/csv;label_size=1", True), ("csv;label_size=0", False)]
)
def test_rows_of_csv_have_one_label(content_type: str, taken: bool) -> None:
    findings = check_job(XGBOOST, {"num_round": "1"}, {"train": {"ContentType": content_type}})
    assert [finding.message for finding in findings] == (
        [] if taken else [f"{content_type!r} is not an accepted ContentType: label_size must be equal to 1."]
    )


def test_metrics_are_read_from_the_lines_that_the_container_prints() -> None:
    line = "[12]\ttrain-rmse:4.5\ttrain-mae:3.25\tvalidation-rmse:1e-05\tvalidation-mae:2"
    found = {
        metric.name: float(match[1])
        for metric in XGBOOST.metrics
        if (match := re.search(metric.regex.replace("#011", "\t"), line))
    }
    assert found == {"train:rmse": 4.5, "train:mae": 3.25, "validation:rmse": 1e-05, "validation:mae": 2.0}


@pytest.mark.parametrize("kind", [Kind.INTEGER, Kind.CONTINUOUS])
def test_max_delta_step_is_tuned_as_the_guide_says_and_as_the_container_takes_it(kind: Kind) -> None:
    # Source: developer guide, "Tune an XGBoost Model": IntegerParameterRanges, [0, 10].
    ranges = {"max_delta_step": (kind, ["0", "10"])}
    assert check_ranges(XGBOOST, {"num_round": "5"}, ranges) == ()
