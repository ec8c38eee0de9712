"""What Clarify learns from the model itself: the labels that it predicts, and what they rest on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .bias_columns import column_of, numbers_of
from .clarify_config import Analysis
from .clarify_data import texts_of
from .errors import CustomerError
from .explain_config import Predictor
from .explanations import Explained, explanation_section, labels_of_outputs
from .model_answers import Codec, Said, labels_of, scores_of
from .shadow import Ask

_PREDICTED = "predicted_label"
_DEFAULT_THRESHOLD = 0.5
_BINARY = 2


class Questions:
    """Asks a model about records.

    Args:
        table: The data.
        analysis: Says which columns are features, and how the model is asked.
        ask: Sends a request.
    """

    def __init__(self, table: pd.DataFrame, analysis: Analysis, ask: Ask) -> None:
        assert analysis.predictor is not None
        self._predictor: Predictor = analysis.predictor
        self.features = _features(table, analysis)
        are_numbers = [numbers_of(self.features[name]) is not None for name in self.features.columns]
        self._codec = Codec(self._predictor, [str(name) for name in self.features.columns], are_numbers)
        self._ask = ask

    def said(self, records: Any) -> list[Said]:
        """Return what the model says of records, shape (n, features), of texts."""
        found: list[Said] = []
        for count, request in self._codec.requests(records):
            found += self._codec.answers(self._ask(request), count)
        return found

    def scores(self, records: Any) -> Any:
        """Return the scores of records. Shape (n, outputs)."""
        return scores_of(self.said(records))

    def labels(self) -> list[str]:
        """Return what the model predicts of the data; see ``labels_of``."""
        return labels_of(self.said(texts_of(self.features)), self._predictor.label_headers)


def with_predictions(
    table: pd.DataFrame, analysis: Analysis, questions: Questions
) -> tuple[pd.DataFrame, Analysis]:
    """Return the data with a column of what the model predicts, if it is asked for and not there."""
    if not analysis.asks_for_labels:
        return table, analysis
    name = _PREDICTED
    while name in table.columns:
        name += "_"
    table = table.assign(**{name: pd.Series(questions.labels(), index=table.index, dtype=object)})
    analysis = replace(analysis, predicted_label=name)
    assert analysis.label is not None
    truths = numbers_of(table[column_of(table, analysis.label, "label")])
    said = numbers_of(table[name])
    if analysis.threshold is None and said is not None and _are_probabilities(said, truths):
        analysis = replace(analysis, threshold=_DEFAULT_THRESHOLD)
    return table, analysis


def explained(analysis: Analysis, questions: Questions, output: Path, baseline: Path) -> dict[str, Any]:
    """Return what of the report explains the model, or nothing. See ``explanation_section``."""
    if not analysis.explains:
        return {}
    assert analysis.predictor is not None
    first = questions.scores(texts_of(questions.features.iloc[:2]))
    labels = labels_of_outputs(first, analysis.predictor.label_headers)
    what = Explained(questions.features, questions.scores, labels)
    return {"explanations": explanation_section(what, analysis, output, baseline)}


def _features(table: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    others = {
        column_of(table, one, where)
        for where, one in (
            ("label", analysis.label),
            ("predicted_label", analysis.predicted_label),
            *(("excluded_columns", one) for one in analysis.left_out),
        )
        if one is not None
    }
    names = [name for name in table.columns if name not in others]
    if not names:
        raise CustomerError("The data has no feature: all columns are labels or are excluded.")
    return table[names]


def _are_probabilities(said: Any, truths: Any) -> bool:
    """Return whether predictions are probabilities of one of two labels, and no labels themselves."""
    if ((said < 0) | (said > 1)).any() or (said % 1 == 0).all():
        return False
    return truths is None or len(np.unique(truths[~np.isnan(truths)])) <= _BINARY
