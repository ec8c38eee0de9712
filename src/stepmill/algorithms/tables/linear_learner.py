"""Linear learner.

Source: developer guide, "Linear learner hyperparameters" and "Tune a linear learner model"; the metric
definitions that DescribeTrainingJob shows for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stepmill.algorithms.algorithm import Algorithm, Metric
from stepmill.algorithms.parameters import NOT_NEGATIVE, POSITIVE, Interval, choice, flag, integer, number
from stepmill.algorithms.tables.first_party import COMMON, PROGRESS, channels, metric

BINARY, MULTICLASS, REGRESSOR = "binary_classifier", "multiclass_classifier", "regressor"
_AUTO = "auto"
# Of two classes a binary classifier tells.
_LEAST_CLASSES = 3
_OPEN = Interval(0, 1, above=True, below=True)
_HALF_OPEN = Interval(0, 1, below=True)
_LOSSES = {
    BINARY: ("logistic", "hinge_loss"),
    MULTICLASS: ("softmax_loss",),
    REGRESSOR: (
        "squared_loss", "absolute_loss", "eps_insensitive_squared_loss", "eps_insensitive_absolute_loss",
        "quantile_loss", "huber_loss",
    ),
}  # fmt: skip
# Name, whether more is better, and what the log says for it where that varies.
_FINAL = (
    ("absolute_loss", "loss", ""),
    ("binary_classification_accuracy", "score", ""),
    ("binary_f_beta", "score", r"binary_f_\S+"),
    ("dcg", "score", ""),
    ("macro_f_beta", "score", r"macro_f_\S+"),
    ("macro_precision", "score", ""),
    ("macro_recall", "score", ""),
    ("mse", "loss", ""),
    ("rmse", "loss", ""),
    ("multiclass_accuracy", "score", ""),
    ("multiclass_top_k_accuracy", "score", r"multiclass_top_k_accuracy_\S+"),
    ("precision", "score", ""),
    ("recall", "score", ""),
    ("roc_auc_score", "score", ""),
)


def _final(channel: str) -> tuple[Metric, ...]:
    each = tuple(metric(channel, name, word, pattern) for name, word, pattern in _FINAL)
    if channel == "test":
        return (*each, metric("test", "objective_loss", "loss", r"\S+_objective"))
    final = metric(channel, "objective_loss:final", "loss", r"\S+_objective")
    epoch = Metric(
        f"{channel}:objective_loss",
        rf"#quality_metric: host=\S+, epoch=\S+, {channel} \S+_objective <loss>=(\S+)",
    )
    return (*each, epoch, final)


def _classes(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if given["predictor_type"] != MULTICLASS:
        return
    if "num_classes" not in given:
        yield "num_classes", "num_classes is required when predictor_type is multiclass_classifier."
    elif int(given["num_classes"]) < _LEAST_CLASSES:
        yield "num_classes", "num_classes must be an integer from 3 to 1,000,000."


def _loss(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    loss, kind = given.get("loss", _AUTO), given["predictor_type"]
    if loss != _AUTO and loss not in _LOSSES[kind]:
        yield "loss", f"loss {loss} does not go with predictor_type {kind}: use {', '.join(_LOSSES[kind])}."


LINEAR_LEARNER = Algorithm(
    name="linear-learner",
    several_hosts=True,
    channels=channels("validation", "test"),
    metrics=(*_final("train"), *_final("validation"), *_final("test"), *PROGRESS),
    rules=(_classes, _loss),
    parameters=(
        choice("predictor_type", BINARY, MULTICLASS, REGRESSOR, required=True),
        integer("num_classes", Interval(1, 1_000_000)),
        integer("accuracy_top_k", default="3"),
        flag("balance_multiclass_weights", default="false"),
        number("beta_1", _HALF_OPEN, _AUTO, default=_AUTO),
        number("beta_2", _HALF_OPEN, _AUTO, default=_AUTO),
        number("bias_lr_mult", POSITIVE, _AUTO, default=_AUTO),
        number("bias_wd_mult", NOT_NEGATIVE, _AUTO, default=_AUTO),
        choice(
            "binary_classifier_model_selection_criteria",
            "accuracy",
            "f_beta",
            "f1",
            "precision_at_target_recall",
            "recall_at_target_precision",
            "loss_function",
            "cross_entropy_loss",
            default="accuracy",
        ),
        integer("early_stopping_patience", default="3"),
        number("early_stopping_tolerance", POSITIVE, default="0.001"),
        integer("epochs", default="15"),
        number("f_beta", POSITIVE, default="1.0"),
        integer("feature_dim", Interval(1), _AUTO, default=_AUTO),
        number("huber_delta", NOT_NEGATIVE, default="1.0"),
        number("init_bias", default="0"),
        choice("init_method", "uniform", "normal", default="uniform"),
        number("init_scale", POSITIVE, default="0.07"),
        number("init_sigma", POSITIVE, default="0.01"),
        number("l1", NOT_NEGATIVE, _AUTO, default=_AUTO),
        number("learning_rate", POSITIVE, _AUTO, default=_AUTO),
        choice("loss", _AUTO, *(loss for losses in _LOSSES.values() for loss in losses), default=_AUTO),
        number("loss_insensitivity", POSITIVE, default="0.01"),
        number("lr_scheduler_factor", _OPEN, _AUTO, default=_AUTO),
        number("lr_scheduler_minimum_lr", POSITIVE, _AUTO, default=_AUTO),
        integer("lr_scheduler_step", Interval(1), _AUTO, default=_AUTO),
        number("margin", NOT_NEGATIVE, default="1.0"),
        integer("mini_batch_size", default="1000"),
        number("momentum", _HALF_OPEN, _AUTO, default=_AUTO),
        flag("normalize_data", _AUTO, default="true"),
        flag("normalize_label", _AUTO, default=_AUTO),
        integer("num_calibration_samples", Interval(1), _AUTO, default=_AUTO),
        integer("num_models", Interval(1), _AUTO, default=_AUTO),
        integer("num_point_for_scaler", default="10000"),
        choice("optimizer", _AUTO, "adam", "sgd", "rmsprop", default=_AUTO),
        number("positive_example_weight_mult", POSITIVE, _AUTO, "balanced", default="1.0"),
        number("quantile", _OPEN, default="0.5"),
        number("target_precision", _OPEN, default="0.8"),
        number("target_recall", _OPEN, default="0.8"),
        flag("unbias_data", _AUTO, default=_AUTO),
        flag("unbias_label", _AUTO, default=_AUTO),
        flag("use_bias", default="true"),
        flag("use_lr_scheduler", default="true"),
        number("wd", NOT_NEGATIVE, _AUTO, default=_AUTO),
        *COMMON,
    ),
)
