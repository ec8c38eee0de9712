"""Each documented hyperparameter of the algorithms of one family, within its range and outside."""

from __future__ import annotations

import re

import pytest

from stepmill.algorithms.algorithm import Algorithm
from stepmill.algorithms.checking import check_hyperparameters, check_job
from stepmill.algorithms.registry import algorithm_of, algorithms

REQUIRED = {
    "kmeans": {"k": "10", "feature_dim": "784"},
    "pca": {"feature_dim": "784", "mini_batch_size": "500", "num_components": "10"},
    "knn": {"feature_dim": "54", "k": "10", "predictor_type": "classifier", "sample_size": "200000"},
    "linear-learner": {"predictor_type": "binary_classifier"},
}
# name -> what is taken, what is not
DOCUMENTED = {
    "kmeans": {
        "k": (["1", "10"], ["0", "ten", "2.5"]),
        "feature_dim": (["1"], ["0"]),
        "epochs": (["1", "10"], ["0"]),
        "eval_metrics": (['["msd"]', '["msd","ssd"]'], ["msd", "[]", '["mse"]', "[" * 9999]),
        "extra_center_factor": (["auto", "4"], ["0", "Auto"]),
        "half_life_time_size": (["0", "100"], ["-1"]),
        "init_method": (["random", "kmeans++"], ["k-means++"]),
        "local_lloyd_init_method": (["random", "kmeans++"], [""]),
        "local_lloyd_max_iter": (["300"], ["0"]),
        "local_lloyd_num_trials": (["auto", "3"], ["0"]),
        "local_lloyd_tol": (["0", "0.0001", "1"], ["-0.1", "1.1"]),
        "mini_batch_size": (["5000"], ["0"]),
        "force_dense": (["True"], ["yes"]),
    },
    "pca": {
        "feature_dim": (["784"], ["0"]),
        "mini_batch_size": (["1"], ["0"]),
        "num_components": (["1", "784"], ["0"]),
        "algorithm_mode": (["regular", "randomized"], ["stable"]),
        "extra_components": (["-1", "0", "20"], ["-2"]),
        "subtract_mean": (["true", "False"], ["1"]),
    },
    "knn": {
        "feature_dim": (["1"], ["0"]),
        "k": (["1", "1024"], ["0"]),
        "predictor_type": (["classifier", "regressor"], ["binary_classifier"]),
        "sample_size": (["256"], ["0"]),
        "dimension_reduction_target": (["2"], ["0"]),
        "dimension_reduction_type": ([], ["pca"]),
        "faiss_index_ivf_nlists": (["auto", "100"], ["0"]),
        "faiss_index_pq_m": (["1", "8", "96"], ["5", "128"]),
        "index_metric": (["L2", "INNER_PRODUCT", "COSINE"], ["l2"]),
        "index_type": (["faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ"], ["flat"]),
        "mini_batch_size": (["5000"], ["0"]),
    },
    "linear-learner": {
        "predictor_type": (["binary_classifier", "regressor"], ["classifier"]),
        "num_classes": (["3", "1000000"], ["0", "1000001"]),
        "accuracy_top_k": (["3"], ["0"]),
        "balance_multiclass_weights": (["true"], ["auto"]),
        "beta_1": (["auto", "0.9", "0"], ["1", "-0.1"]),
        "beta_2": (["auto", "0.999"], ["1"]),
        "bias_lr_mult": (["auto", "10"], ["0"]),
        "bias_wd_mult": (["auto", "0"], ["-1"]),
        "binary_classifier_model_selection_criteria": (
            [
                "accuracy",
                "f_beta",
                "precision_at_target_recall",
                "recall_at_target_precision",
                "loss_function",
            ],
            ["auc"],
        ),
        "early_stopping_patience": (["3"], ["0"]),
        "early_stopping_tolerance": (["0.001"], ["0"]),
        "epochs": (["15"], ["0"]),
        "f_beta": (["1.0"], ["0"]),
        "feature_dim": (["auto", "10"], ["0"]),
        "huber_delta": (["1.0"], ["-1"]),
        "init_bias": (["0", "-3.5"], ["none"]),
        "init_method": (["uniform", "normal"], ["zeros"]),
        "init_scale": (["0.07"], ["0"]),
        "init_sigma": (["0.01"], ["0"]),
        "l1": (["auto", "0", "1e-7"], ["-1"]),
        "learning_rate": (["auto", "0.1"], ["0"]),
        "loss": (["auto", "logistic", "hinge_loss"], ["log", "squared"]),
        "loss_insensitivity": (["0.01"], ["0"]),
        "lr_scheduler_factor": (["auto", "0.99"], ["0", "1"]),
        "lr_scheduler_minimum_lr": (["auto", "1e-5"], ["0"]),
        "lr_scheduler_step": (["auto", "10"], ["0"]),
        "margin": (["1.0"], ["-1"]),
        "mini_batch_size": (["1000"], ["0"]),
        "momentum": (["auto", "0.9", "0"], ["1"]),
        "normalize_data": (["auto", "true", "False"], ["yes"]),
        "normalize_label": (["auto", "true"], ["no"]),
        "num_calibration_samples": (["auto", "10"], ["0"]),
        "num_models": (["auto", "32"], ["0"]),
        "num_point_for_scaler": (["10000"], ["0"]),
        "optimizer": (["auto", "adam", "sgd", "rmsprop"], ["adagrad"]),
        "positive_example_weight_mult": (["balanced", "auto", "2.5"], ["0"]),
        "quantile": (["0.5"], ["0", "1"]),
        "target_precision": (["0.8"], ["0", "1"]),
        "target_recall": (["0.8"], ["1.1"]),
        "unbias_data": (["auto", "true"], ["0"]),
        "unbias_label": (["auto", "true"], ["0"]),
        "use_bias": (["true", "False"], ["auto"]),
        "use_lr_scheduler": (["true"], ["auto"]),
        "wd": (["auto", "0"], ["-1"]),
    },
}
CASES = [
    (name, parameter, value, taken)
    for name, parameters in DOCUMENTED.items()
    for parameter, values in parameters.items()
    for taken, some in ((True, values[0]), (False, values[1]))
    for value in some
]


def table(name: str) -> Algorithm:
    found = algorithm_of(name)
    assert found is not None
    return found


def told(name: str, **given: str) -> list[str]:
    return [finding.message for finding in check_hyperparameters(table(name), {**REQUIRED[name], **given})]


@pytest.mark.parametrize(("name", "parameter", "value", "taken"), CASES)
def test_each_documented_hyperparameter(name: str, parameter: str, value: str, taken: bool) -> None:
    messages = told(name, **{parameter: value})
    if taken:
        assert messages == []
    else:
        assert len(messages) == 1
        assert f"is not valid for the '{parameter}' hyperparameter" in messages[0]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_lists_are_whole(name: str) -> None:
    assert set(table(name).names) - {"force_dense", "_tuning_objective_metric"} == set(DOCUMENTED[name]) - {
        "force_dense"
    }


@pytest.mark.parametrize("name", DOCUMENTED)
def test_what_is_required_is_named_together(name: str) -> None:
    (message,) = [finding.message for finding in check_hyperparameters(table(name), {})]
    names = ", ".join(repr(p.name) for p in table(name).parameters if p.required)
    assert message.startswith(f"No value(s) were specified for {names} which are required")


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("pca", {"num_components": "785"}, "num_components must be at most feature_dim."),
        ("knn", {"dimension_reduction_type": "sign"}, "dimension_reduction_target is required when"),
        ("knn", {"dimension_reduction_type": "fjlt", "dimension_reduction_target": "53"}, None),
        ("knn", {"dimension_reduction_target": "54"}, "less than feature_dim"),
        ("knn", {"index_type": "faiss.IVFPQ", "index_metric": "COSINE"}, "does not support index_metric"),
        ("knn", {"k": "10", "sample_size": "9"}, "k must not be greater than sample_size."),
        ("linear-learner", {"predictor_type": "multiclass_classifier"}, "num_classes is required when"),
        ("linear-learner", {"predictor_type": "multiclass_classifier", "num_classes": "2"}, "from 3 to"),
        ("linear-learner", {"predictor_type": "multiclass_classifier", "num_classes": "3"}, None),
        ("linear-learner", {"loss": "squared_loss"}, "does not go with predictor_type binary_classifier"),
        ("linear-learner", {"loss": "huber_loss", "predictor_type": "regressor"}, None),
    ],
)
def test_what_hyperparameters_mean_to_one_another(
    name: str, given: dict[str, str], message: str | None
) -> None:
    messages = told(name, **given)
    assert len(messages) == (1 if message else 0)
    if message:
        assert message in messages[0]


@pytest.mark.parametrize(
    ("name", "line", "found"),
    [
        ("kmeans", "#quality_metric: host=algo-1, test msd <loss>=4.5", {"test:msd": "4.5"}),
        ("knn", "[..] #quality_metric: host=algo-1, test accuracy <score>=0.98", {"test:accuracy": "0.98"}),
        ("pca", "#progress_metric: host=algo-1, completed 50.0 % of epochs", {"train:progress": "50.0"}),
        (
            "linear-learner",
            "#quality_metric: host=algo-1, epoch=3, train binary_objective <loss>=0.5",
            {"train:objective_loss": "0.5"},
        ),
        (
            "linear-learner",
            "#quality_metric: host=algo-1, validation mse_objective <loss>=0.5",
            {"validation:objective_loss:final": "0.5"},
        ),
        (
            "linear-learner",
            "#quality_metric: host=algo-1, test binary_f_1.000 <score>=0.9",
            {"test:binary_f_beta": "0.9"},
        ),
        (
            "linear-learner",
            "#quality_metric: host=algo-1, test multiclass_top_k_accuracy_3 <score>=1",
            {"test:multiclass_top_k_accuracy": "1"},
        ),
    ],
)
def test_metrics_are_read_from_lines_as_aws_writes_them(name: str, line: str, found: dict[str, str]) -> None:
    matches = {metric.name: re.search(metric.regex, line) for metric in table(name).metrics}
    assert {metric: match[1] for metric, match in matches.items() if match} == found


@pytest.mark.parametrize("algorithm", algorithms(), ids=lambda algorithm: algorithm.name)
def test_tables_are_sound(algorithm: Algorithm) -> None:
    names = [*algorithm.names, *(metric.name for metric in algorithm.metrics)]
    assert len(names) == len(set(names))
    for parameter in algorithm.parameters:
        if parameter.default is not None:
            assert parameter.trouble(parameter.default) is None, parameter.name
    for metric in algorithm.metrics:
        assert re.compile(metric.regex.replace("#011", "\t")).groups == 1
    findings = check_job(algorithm, {}, {})
    assert any("Missing required channel: train." in finding.message for finding in findings)
