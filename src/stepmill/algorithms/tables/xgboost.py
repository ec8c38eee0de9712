"""XGBoost in algorithm mode.

Source: developer guide, "XGBoost hyperparameters" and "Tune an XGBoost Model"; the table and the rules of the
container for XGBoost 3.0 (``hyperparameter_validation.py``, ``channel_validation.py``, ``metrics.py``); for
repository ``xgboost``, tag ``1``: "XGBoost Release 0.72".
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace

from stepmill.algorithms.algorithm import Algorithm, Channel, Metric, Wording
from stepmill.algorithms.parameters import NOT_NEGATIVE, UNIT, Interval, Kind, choice, integer, number, text
from stepmill.algorithms.programs.xgboost_names import ALIASES, MAXIMISED

MINIMISED = (
    "aft-nloglik", "cox-nloglik", "error", "gamma-deviance", "gamma-nloglik", "interval-regression-accuracy",
    "logloss", "mae", "mape", "merror", "mlogloss", "mphe", "mse", "poisson-nloglik", "rmse", "rmsle",
    "tweedie-nloglik",
)  # fmt: skip

# The container reads all but libsvm from pipes.
_PIPED = (
    "text/csv", "csv", "application/x-parquet", "parquet", "application/x-recordio-protobuf",
    "recordio-protobuf",
)  # fmt: skip
_CONTENT_TYPES = ("text/libsvm", "text/x-libsvm", "libsvm", *_PIPED)
_OBJECTIVES = (
    "aft_loss_distribution", "binary:logistic", "binary:logitraw", "binary:hinge", "count:poisson",
    "multi:softmax", "multi:softprob", "rank:pairwise", "rank:ndcg", "rank:map", "reg:linear",
    "reg:squarederror", "reg:logistic", "reg:gamma", "reg:pseudohubererror", "reg:squaredlogerror",
    "reg:absoluteerror", "reg:tweedie", "survival:aft", "survival:cox",
)  # fmt: skip
_TREE_UPDATERS = (
    "grow_colmaker", "distcol", "grow_histmaker", "grow_skmaker", "sync", "refresh", "prune",
    "grow_quantile_histmaker",
)  # fmt: skip
_LINEAR_UPDATERS = ("shotgun", "coord_descent")
_GROWING = ("grow_colmaker", "distcol", "grow_histmaker", "grow_quantile_histmaker")
# Metrics of which the threshold may be set: error@0.7.
_WITH_THRESHOLD = ("error", "ndcg", "map")
_OPEN_UNIT = Interval(0, 1, above=True)
_BIT = Interval(0, 1)
_METHODS_OF = {
    "monotone_constraints": ("exact", "hist"),
    "interaction_constraints": ("exact", "hist", "approx"),
}


def _is_metric(name: str) -> bool:
    name, at, threshold = (part.strip() for part in name.partition("@"))
    if not at:
        return name in MAXIMISED or name in MINIMISED
    try:
        float(threshold)
    except ValueError:
        return False
    return name in _WITH_THRESHOLD


def _are_metrics(value: str) -> bool:
    return all(_is_metric(name) for name in _parts(value))


def _parts(value: str) -> list[str]:
    """Return the parts of ``rmse,mae``; SDKs may send a list: ``["rmse", "mae"]``."""
    return [part.strip().strip("\"'") for part in value.strip("[]").split(",")]


def _are_updaters(value: str) -> bool:
    return all(part in (*_TREE_UPDATERS, *_LINEAR_UPDATERS) for part in _parts(value))


def _literal(value: str) -> object:
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _are_directions(value: str) -> bool:
    found = _literal(value)
    return isinstance(found, tuple | list) and all(item in (-1, 0, 1) for item in found)


def _are_groups(value: str) -> bool:
    found = _literal(value)
    return isinstance(found, list) and all(
        isinstance(group, list) and all(isinstance(item, int) and item >= 0 for item in group)
        for group in found
    )


def _objective(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    multi = given.get("objective") in ("multi:softmax", "multi:softprob")
    if multi and "num_class" not in given:
        yield "num_class", "Require input for parameter 'num_class' for multi-classification."
    if "num_class" in given and "objective" not in given:
        yield (
            "num_class",
            "Do not need to setup parameter 'num_class' for learning task other than multi-classification.",
        )


def _metrics(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    objective = given.get("objective", "reg:squarederror")
    asked = _parts(given.get("eval_metric", ""))
    if "auc" in asked and not objective.startswith(("binary:", "rank:")):
        yield "eval_metric", "Metric 'auc' can only be applied for classification and ranking problems."
    if "aft-nloglik" in asked and objective != "survival:aft":
        yield "eval_metric", "Metric 'aft-nloglik' can only be applied for 'survival:aft' objective."


def _updaters(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if "updater" not in given:
        return
    asked = _parts(given["updater"])
    if given.get("booster") == "gblinear":
        if len(asked) != 1 or asked[0] not in _LINEAR_UPDATERS:
            options = ", ".join(f"'{name}'" for name in _LINEAR_UPDATERS)
            yield "updater", f"Linear updater should be one of these options: {options}."
    elif given.get("process_type") == "update":
        if not all(name in ("refresh", "prune") for name in asked):
            yield "updater", "process_type 'update' can only be used with updater 'refresh' and 'prune'."
    elif not all(name in _TREE_UPDATERS for name in asked):
        options = ", ".join(f"'{name}'" for name in _TREE_UPDATERS)
        yield "updater", f"Tree updater should be selected from these options: {options}."
    elif sum(name in _GROWING for name in asked) > 1:
        options = ", ".join(f"'{name}'" for name in _GROWING)
        yield (
            "updater",
            f"Only one tree grow plugin can be selected. Choose one from the following: {options}.",
        )


def _constraints(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    method = given.get("tree_method")
    for name, methods in _METHODS_OF.items():
        if name in given and method not in methods:
            *others, last = (f"'{other}'" for other in methods)
            listed = f"{', '.join(others)} or {last}"
            yield name, f"{name} can be used only when the tree_method parameter is set to either {listed}."


def _metric(channel: str, name: str) -> Metric:
    return Metric(f"{channel}:{name}", rf"\[[0-9]+\].*#011{channel}-{name}:(\S+)")


_METRICS = tuple(
    _metric(channel, name) for channel in ("train", "validation") for name in (*MAXIMISED, *MINIMISED)
)

XGBOOST = Algorithm(
    name="xgboost",
    several_hosts=True,
    alone=("_kfold",),
    wording=Wording.XGBOOST,
    channels=(
        Channel("train", _CONTENT_TYPES, "text/libsvm", required=True, one_label=True, piped=_PIPED),
        Channel("validation", _CONTENT_TYPES, "text/libsvm", one_label=True, piped=_PIPED),
    ),
    metrics=_METRICS,
    aliases=ALIASES,
    rules=(_objective, _metrics, _updaters, _constraints),
    parameters=(
        integer("num_round", required=True),
        integer("csv_weights", _BIT, default="0"),
        integer("early_stopping_rounds"),
        choice("booster", "gbtree", "gblinear", "dart", default="gbtree"),
        integer("verbosity", Interval(0, 3), default="1"),
        integer("silent", _BIT),
        integer("nthread"),
        number("eta", UNIT, default="0.3"),
        number("gamma", NOT_NEGATIVE, default="0"),
        integer("max_depth", NOT_NEGATIVE, default="6"),
        number("min_child_weight", NOT_NEGATIVE, default="1"),
        # The container takes any number; the guide to tuning gives it an integer range.
        replace(number("max_delta_step", NOT_NEGATIVE, default="0"), ranges=(Kind.INTEGER, Kind.CONTINUOUS)),
        number("subsample", _OPEN_UNIT, default="1"),
        number("colsample_bytree", _OPEN_UNIT, default="1"),
        number("colsample_bylevel", _OPEN_UNIT, default="1"),
        number("colsample_bynode", _OPEN_UNIT, default="1"),
        number("lambda", NOT_NEGATIVE, default="1"),
        number("alpha", NOT_NEGATIVE, default="0"),
        choice("tree_method", "auto", "exact", "approx", "hist", "gpu_hist", default="auto"),
        number("sketch_eps", Interval(0, 1, above=True, below=True), default="0.03"),
        number("scale_pos_weight", Interval(0, above=True), default="1"),
        text("updater", _are_updaters, str([*_TREE_UPDATERS, *_LINEAR_UPDATERS])),
        choice("dsplit", "row", "col"),
        integer("refresh_leaf", _BIT, default="1"),
        choice("process_type", "default", "update", default="default"),
        choice("grow_policy", "depthwise", "lossguide", default="depthwise"),
        integer("max_leaves", NOT_NEGATIVE, default="0"),
        integer("max_bin", NOT_NEGATIVE, default="256"),
        choice("predictor", "auto", "cpu_predictor", "gpu_predictor", default="auto"),
        text("monotone_constraints", _are_directions, "a tuple of -1, 0 and 1"),
        text("interaction_constraints", _are_groups, "nested lists of indexes of features"),
        choice("sample_type", "uniform", "weighted", default="uniform"),
        choice("normalize_type", "tree", "forest", default="tree"),
        number("rate_drop", UNIT, default="0"),
        integer("one_drop", _BIT, default="0"),
        number("skip_drop", UNIT, default="0"),
        number("lambda_bias", UNIT, default="0"),
        number("tweedie_variance_power", Interval(1, 2, above=True, below=True), default="1.5"),
        choice("objective", *_OBJECTIVES, default="reg:squarederror"),
        integer("num_class", Interval(2)),
        number("base_score", NOT_NEGATIVE),
        integer("_kfold", Interval(2)),
        integer("_num_cv_round"),
        choice("_tuning_objective_metric", *(metric.name for metric in _METRICS)),
        text("eval_metric", _are_metrics, str([*MAXIMISED, *MINIMISED])),
        integer("seed", Interval(-(2**31), 2**31 - 1, above=True, below=True), default="0"),
        integer("num_parallel_tree", default="1"),
        choice("save_model_on_termination", "true", "false", default="false"),
        choice("aft_loss_distribution", "normal", "logistic", "extreme", default="normal"),
        number("aft_loss_distribution_scale", NOT_NEGATIVE, default="1"),
        choice("deterministic_histogram", "true", "false", default="true"),
        choice("single_precision_histogram", "true", "false", default="false"),
        choice("sampling_method", "uniform", "gradient_based", default="uniform"),
        integer("prob_buffer_row", Interval(1, above=True)),
        choice("use_dask_gpu_training", "true", "false", default="false"),
    ),
)
