"""What a model's predictions rest on: the part ``explanations`` of ``analysis.json``, and its files.

Source: developer guide, "Analysis results" of SageMaker Clarify: ``kernel_shap``, ``pdp``,
``explanations_shap/out.csv``; "Model Feature Attribution Drift Violations".
"""

from __future__ import annotations

import csv
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .baselines import computed_baseline, given_baseline, read_baseline_rows
from .bias_columns import column_of
from .clarify_config import Analysis
from .clarify_data import texts_of
from .documents import is_number, object_of
from .errors import CustomerError
from .explain_config import Shap
from .partial_dependence import dependence_of
from .shapley import AGGREGATES, Explanation, Predict, as_said, coalitions_of, explain, log_odds

_log = logging.getLogger(__name__)

FOLDER, LOCAL, BASELINE = "explanations_shap", "out.csv", "baseline.csv"
# Source: the guide, "Model Feature Attribution Drift Violations".
LEAST_AGREEMENT = 0.9
# As many as the library shap asks where nothing is said.
_LEAST_SAMPLES, _SAMPLES_PER_FEATURE = 2048, 2
_PERIOD_S = 5.0


class Explained(NamedTuple):
    """What is explained.

    Args:
        table: The features, shape (n, features).
        predict: Asks the model: records, shape (n, features), of texts, -> scores, shape (n, outputs).
        labels: What the outputs are called: by ``label_headers``, else ``label0`` and so on.
    """

    table: pd.DataFrame
    predict: Predict
    labels: Sequence[str]


def explanation_section(
    explained: Explained, analysis: Analysis, output: Path, baseline: Path
) -> dict[str, Any]:
    """Return ``explanations``, and write the files that belong to it.

    Args:
        explained: Model and features.
        analysis: What is asked for.
        output: Folder of the reports.
        baseline: Where the rows lie that ``methods.shap.baseline`` names by an address.

    Raises:
        CustomerError: If a feature or the baseline cannot be taken.
    """
    section: dict[str, Any] = {}
    names = [str(name) for name in explained.table.columns]
    weights = np.zeros(len(names))
    if analysis.shap is not None:
        found = _shap(explained, analysis, analysis.shap, output, baseline)
        values = AGGREGATES[analysis.shap.aggregation](found.values)
        shown = _shown(explained.table, analysis.shap.features, "methods.shap.features_to_explain")
        section["kernel_shap"] = {
            label: {
                "global_shap_values": {names[place]: float(values[place, number]) for place in shown},
                "expected_value": float(found.expected[number]),
            }
            for number, label in enumerate(explained.labels)
        }
        weights = np.abs(values).sum(axis=1)
        if analysis.shap.save_local:
            _write_local(output / FOLDER / LOCAL, found, explained.labels, names, shown)
    if analysis.dependence is not None:
        asked = analysis.dependence
        chosen = _shown(explained.table, asked.features, "methods.pdp.features")
        if not asked.features:
            chosen = [int(place) for place in np.argsort(-weights, kind="stable")[: asked.top]]
        section["pdp"] = [
            dependence_of(explained.table, names[place], asked.buckets, explained.predict, explained.labels)
            for place in chosen
        ]
    return section


def labels_of_outputs(scores: Any, headers: Sequence[str]) -> list[str]:
    """Return what the outputs of a model are called.

    Args:
        scores: Shape (n, outputs).
        headers: As they are given; may be empty.

    Raises:
        CustomerError: If there are several headers, and not as many as outputs.
    """
    count = int(scores.shape[1])
    if len(headers) == count:
        return list(headers)
    # Of a probability there may be headers for both labels, or none.
    if count > 1 and headers:
        raise CustomerError(
            f"predictor.label_headers: there are {len(headers)}, and the model gives {count} scores."
        )
    return [f"label{number}" for number in range(count)]


def explanation_violations(document: Mapping[str, Any], before: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return of which labels predictions rest on other features than in a baseline.

    Args:
        document: ``analysis.json``.
        before: The one of the baseline.

    Raises:
        CustomerError: If the baseline explains none of the labels.
    """
    then, now = dict(_global_values(before)), dict(_global_values(document))
    if not then.keys() & now.keys():
        raise CustomerError("The baseline constraints explain none of the labels of this analysis.")
    found = []
    for label in now:
        if label not in then:
            continue
        agreement = agreement_of(then[label], now[label])
        if agreement < LEAST_AGREEMENT:
            said = f"Feature attribution drift {agreement} exceeds threshold {LEAST_AGREEMENT}"
            found.append(
                {
                    "label": label,
                    "metric_name": "shap",
                    "constraint_check_type": "feature_attribution_drift_check",
                    "description": said,
                }
            )
    return found


def agreement_of(then: Mapping[str, float], now: Mapping[str, float]) -> float:
    """Return the normalized discounted cumulative gain of an order of features.

    Args:
        then: What the features weighed: the gain.
        now: What they weigh: the order. A feature that is not there weighs nothing.

    Returns:
        1 if the order is as good as that of before.

    Source:
        The guide, "Monitor Feature Attribution Drift"; of equal features each has the mean of their places.
    """
    names = list(dict.fromkeys([*then, *now]))
    gains = np.array([then.get(name, 0.0) for name in names])
    order = np.array([now.get(name, 0.0) for name in names])
    discounts = 1 / np.log2(np.arange(len(names)) + 2)
    best = float((np.sort(gains)[::-1] * discounts).sum())
    if best == 0:
        return 1.0
    reached, place = 0.0, 0
    for weight in sorted(set(order.tolist()), reverse=True):
        equal = order == weight
        count = int(equal.sum())
        reached += float(gains[equal].mean() * discounts[place : place + count].sum())
        place += count
    return reached / best


def _shap(explained: Explained, analysis: Analysis, shap: Shap, output: Path, baseline: Path) -> Explanation:
    chance = np.random.default_rng(shap.seed)
    width = explained.table.shape[1]
    rows = _baseline(explained, analysis, shap, baseline, chance)
    if shap.baseline is None:
        _write_rows(output / FOLDER / BASELINE, rows)
    most = shap.samples or _SAMPLES_PER_FEATURE * width + _LEAST_SAMPLES
    coalitions = coalitions_of(width, most, chance)
    records = texts_of(explained.table)
    _log.info(
        "%d records are explained by %d coalitions of %d features, with %d rows of the baseline.",
        len(records), len(coalitions.kept), width, len(rows),
    )  # fmt: skip
    link = log_odds if shap.use_logit else as_said
    return explain(explained.predict, records, rows, coalitions, link, _Progress(len(records)))


class _Progress:
    """Tells now and then how many records are explained."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._told_at = time.monotonic()

    def __call__(self, done: int) -> None:
        if time.monotonic() - self._told_at > _PERIOD_S:
            self._told_at = time.monotonic()
            _log.info("%d of %d records are explained.", done, self._size)


def _baseline(
    explained: Explained, analysis: Analysis, shap: Shap, baseline: Path, chance: np.random.Generator
) -> Any:
    names = [str(name) for name in explained.table.columns]
    if shap.baseline is None:
        return computed_baseline(explained.table, shap.clusters, chance)
    if isinstance(shap.baseline, str):
        return read_baseline_rows(baseline, analysis, names)
    return given_baseline(shap.baseline, names, analysis.features)


def _shown(table: pd.DataFrame, asked: Sequence[str | int], where: str) -> list[int]:
    """Return the places of features that are told of: all, if none is named."""
    names = [str(name) for name in table.columns]
    return [names.index(column_of(table, one, where)) for one in asked] or list(range(len(names)))


def _write_local(
    path: Path, found: Explanation, labels: Sequence[str], names: Sequence[str], shown: Sequence[int]
) -> None:
    header = [f"{names[place]}_{label}" for label in labels for place in shown]
    values = [found.values[:, place, number] for number in range(len(labels)) for place in shown]
    _write_rows(path, [header, *(map(repr, map(float, row)) for row in np.column_stack(values))])


def _write_rows(path: Path, rows: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _global_values(document: Mapping[str, Any]) -> list[tuple[str, dict[str, float]]]:
    found = []
    for label, one in object_of(object_of(document.get("explanations")).get("kernel_shap")).items():
        values = object_of(one).get("global_shap_values")
        if isinstance(values, dict):
            numbers = {str(name): float(value) for name, value in values.items() if is_number(value)}
            found.append((str(label), numbers))
    return found
