"""What Clarify's program is asked for: ``analysis_config.json``.

Source: developer guide, "Configure the analysis" of SageMaker Clarify; sagemaker SDK 2.257.7,
``ANALYSIS_CONFIG_SCHEMA_V1_0``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .config_reader import Column, Value
from .errors import CustomerError
from .explain_config import CSV, JSON_LINES, PDP, SHAP, Dependence, ExplainReader, Predictor, Shap

PARQUET = "application/x-parquet"
PRE_TRAINING, POST_TRAINING = "pre_training_bias", "post_training_bias"
METHODS: Mapping[str, Sequence[str]] = {
    PRE_TRAINING: ("CDDL", "CI", "DPL", "JS", "KL", "KS", "LP", "TVD"),
    POST_TRAINING: (
        "AD", "CDDPL", "DAR", "DCAcc", "DCR", "DI", "DPPL", "DRR", "FT", "GE", "RD", "SD", "TE",
    ),
}  # fmt: skip
# The SDK knows the difference in conditional acceptance by its old name, too.
_OTHER_NAMES = {"DCA": "DCAcc"}
_NEED_A_GROUP = ("CDDL", "CDDPL")
_DATASETS = (CSV, JSON_LINES, PARQUET)
_LARGEST_BYTES = 16 * 1024 * 1024
_MOST_FINDINGS = 20
_MOST_FACETS = 100
_MOST_VALUES = 1_000
# Of JMESPath: members of members. Whatever else it can do gives lists of records, and here is one.
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
# Each would change what the reports say, so none is passed over in silence.
_NOT_OFFERED = {
    "segment_config": "Give a data set for each segment.",
    "facet_dataset_uri": "Put the facets into the data set.",
    "predicted_label_dataset_uri": "Put the predictions into the data set, and name them by predicted_label.",
    "time_series_data_config": "Only tables can be analyzed.",
}
_EXPLANATIONS = (SHAP, PDP)
_OFFERED = (*METHODS, *_EXPLANATIONS)
_METHODS_NOT_OFFERED = ("asymmetric_shapley_value",)
# What changes nothing here: the address is the input's, and what joins data sets is refused above.
_KNOWN = (
    "version", "dataset_type", "dataset_uri", "headers", "label", "predicted_label", "methods", "predictor",
    "label_values_or_threshold", "probability_threshold", "facet", "features", "facet_headers",
    "predicted_label_headers", "excluded_columns", "joinsource_name_or_index", "group_variable",
)  # fmt: skip


@dataclass(frozen=True)
class Facet:
    """A column whose groups are compared.

    Args:
        column: Its name, or its place from zero.
        values: Of the group that may be treated worse; of numbers, the bound above which it begins. Empty:
            each value is compared with all others.
    """

    column: Column
    values: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Analysis:
    """What is to be analyzed, and how.

    Args:
        dataset_type: ``text/csv``, ``application/jsonlines``, ``application/x-parquet``.
        methods: Kind of bias -> the short names of its metrics, ascending.
        headers: Names of the columns; empty: those of the data.
        label: The column with the truth.
        positive: Its values that are a good outcome; of numbers, the bound above which it begins.
        facets: Which groups are compared.
        group: The column of the strata that conditional disparity looks at one by one.
        predicted_label: The column with the predictions.
        threshold: What a predicted probability must be above to mean 1; ``None``: predictions are labels.
        left_out: Columns that are no features.
        features: Of JSON Lines: path of the list with the features of a record; then ``label`` and
            ``predicted_label`` are paths as well. Empty: records are flat.
        report: Title of the page; ``None``: there is none.
        predictor: How the model is asked; ``None``: there is none.
        shap: How its predictions are explained; ``None``: they are not.
        dependence: Of which features it is told how predictions depend on them; ``None``: of none.
    """

    dataset_type: str
    methods: Mapping[str, Sequence[str]]
    headers: tuple[str, ...] = ()
    label: Column | None = None
    positive: tuple[Value, ...] = ()
    facets: tuple[Facet, ...] = ()
    group: Column | None = None
    predicted_label: Column | None = None
    threshold: float | None = None
    left_out: tuple[Column, ...] = ()
    features: str = ""
    report: str | None = None
    predictor: Predictor | None = None
    shap: Shap | None = None
    dependence: Dependence | None = None

    @property
    def asks_the_model(self) -> bool:
        """Whether the model must be asked: to explain it, or for the predictions that the data has not."""
        return self.asks_for_labels or self.explains

    @property
    def asks_for_labels(self) -> bool:
        """Whether predictions are needed that the data has not."""
        return POST_TRAINING in self.methods and self.predicted_label is None

    @property
    def explains(self) -> bool:
        """Whether it is told what predictions rest on."""
        return self.shap is not None or self.dependence is not None


def load_analysis(path: Path) -> Analysis:
    """Read the file of a job.

    Args:
        path: The file, or a folder that has it.

    Raises:
        CustomerError: If there is none, or it cannot be taken: with all that is wrong with it.
    """
    path = path if path.is_file() else path / "analysis_config.json"
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise CustomerError(f"The analysis configuration is larger than {_LARGEST_BYTES} bytes.")
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CustomerError(f"The analysis configuration {path} cannot be read: {error}") from error
    return read_analysis(document)


def read_analysis(document: object) -> Analysis:
    """Read the document. See ``load_analysis``."""
    reader = _Reader()
    found = reader.analysis(document)
    if reader.findings:
        shown = reader.findings[:_MOST_FINDINGS]
        raise CustomerError("The analysis configuration cannot be taken: " + "; ".join(shown))
    return found


class _Reader(ExplainReader):
    """Reads a document to its end, and gathers what is wrong with it."""

    def analysis(self, document: object) -> Analysis:
        given = self.members(document, "the document")
        self.check_names(given, "", _KNOWN, _NOT_OFFERED)
        for name in _KNOWN:
            if name in given and given[name] is None:
                self.refuse(name, "must not be null; leave it out")
        methods = self.members(given.get("methods", {}), "methods")
        wanted = self._methods(methods, has_group=given.get("group_variable") is not None)
        dataset_type = self.choice(given.get("dataset_type", CSV), "dataset_type", _DATASETS)
        predictor = given.get("predictor")
        shap, dependence = methods.get(SHAP), methods.get(PDP)
        found = Analysis(
            dataset_type=dataset_type,
            methods=wanted,
            headers=tuple(str(name) for name in self.elements(given.get("headers", []), "headers", str)),
            label=self.column(given, "label"),
            positive=self._values(given.get("label_values_or_threshold", []), "label_values_or_threshold"),
            facets=self._facets(given.get("facet", [])),
            group=self.column(given, "group_variable"),
            predicted_label=self.column(given, "predicted_label"),
            threshold=self._threshold(given.get("probability_threshold")),
            left_out=self._left_out(given),
            features=self._features(given),
            report=self._report(methods.get("report")),
            predictor=None if predictor is None else self.predictor(predictor, dataset_type),
            shap=None if shap is None else self.shap(shap),
            dependence=None if dependence is None else self.dependence(dependence, has_shap=shap is not None),
        )
        self._complete(found)
        return found

    def _complete(self, found: Analysis) -> None:
        if len(set(found.headers)) < len(found.headers):
            self.refuse("headers", "has a name twice")
        if found.predictor is None:
            if found.explains:
                self.refuse("predictor", "is missing: the model whose predictions are explained")
            elif found.asks_for_labels:
                self.refuse("predicted_label", "is missing: the column with the predictions, or a predictor")
        if not found.methods:
            return
        if found.label is None:
            self.refuse("label", "is missing: the column with the truth")
        if not found.positive:
            self.refuse("label_values_or_threshold", "is missing: which labels are a good outcome")
        if not found.facets:
            self.refuse("facet", "is missing: the columns whose groups are compared")

    def _methods(self, given: Mapping[str, Any], *, has_group: bool) -> dict[str, Sequence[str]]:
        found: dict[str, Sequence[str]] = {}
        for name, options in given.items():
            where = f"methods.{str(name)[:100]}"
            if name in METHODS:
                found[name] = self._metrics(name, options, has_group=has_group)
            elif name in _METHODS_NOT_OFFERED:
                self.refuse(where, f"is not supported. Those that are: {', '.join(_OFFERED)}, report")
            elif name not in (*_EXPLANATIONS, "report"):
                self.refuse(where, "is unknown")
        if not found and not any(name in given for name in (*_EXPLANATIONS, *_METHODS_NOT_OFFERED)):
            self.refuse("methods", f"must have one of {', '.join(_OFFERED)}")
        return found

    def _metrics(self, kind: str, options: object, *, has_group: bool) -> Sequence[str]:
        where = f"methods.{kind}.methods"
        wanted = self.members(options, f"methods.{kind}").get("methods", "all")
        known = METHODS[kind]
        if wanted in ("all", ["all"]):
            return [name for name in known if has_group or name not in _NEED_A_GROUP]
        names = [wanted] if isinstance(wanted, str) else self.elements(wanted, where, str)
        names = [_OTHER_NAMES.get(name, name) for name in names]
        for name in names:
            if name not in known:
                self.refuse(where, f"{name[:100]!r} is not one of {', '.join(known)}")
            elif name in _NEED_A_GROUP and not has_group:
                self.refuse("group_variable", f"is missing: {name} looks at its groups one by one")
        if not names:
            self.refuse(where, "is empty")
        return sorted(set(names))

    def _facets(self, given: object) -> tuple[Facet, ...]:
        # The guide has a list; SDKs of old wrote one facet by itself.
        several = self.elements(
            [given] if isinstance(given, dict) else given, "facet", dict, most=_MOST_FACETS
        )
        found = []
        for number, one in enumerate(several):
            where = f"facet[{number}]"
            column = self.column(one, "name_or_index", where)
            if column is None:
                self.refuse(f"{where}.name_or_index", "is missing")
                continue
            values = self._values(one.get("value_or_threshold", []), f"{where}.value_or_threshold")
            found.append(Facet(column, values))
        return tuple(found)

    def _left_out(self, given: Mapping[str, Any]) -> tuple[Column, ...]:
        columns = self.elements(given.get("excluded_columns", []), "excluded_columns", (str, int))
        joined = self.column(given, "joinsource_name_or_index")
        return (*columns, *(() if joined is None else (joined,)))

    def _features(self, given: Mapping[str, Any]) -> str:
        path = given.get("features", "")
        if not path:
            return ""
        if str(given.get("dataset_type")).lower() != JSON_LINES:
            self.refuse("features", f"is for data sets of the type {JSON_LINES}")
        for name in ("features", "label", "predicted_label"):
            value = given.get(name)
            if value is not None and not (isinstance(value, str) and _PATH.fullmatch(value)):
                self.refuse(name, "must be a path of members: data.features")
        return str(path)

    def _values(self, given: object, where: str) -> tuple[Value, ...]:
        several = given if isinstance(given, list) else [given]
        told = [str(one).lower() if isinstance(one, bool) else one for one in several]
        values = self.elements(told, where, (str, int, float), most=_MOST_VALUES)
        if any(isinstance(value, float) and not math.isfinite(value) for value in values):
            self.refuse(where, "has a number that is not finite")
        return tuple(values)

    def _threshold(self, given: object) -> float | None:
        if given is None:
            return None
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        if not is_number or not 0 <= float(str(given)) <= 1:
            self.refuse("probability_threshold", "must be a number from 0 to 1")
            return None
        return float(str(given))

    def _report(self, given: object) -> str | None:
        if given is None:
            return None
        title = self.members(given, "methods.report").get("title", "Analysis Report")
        return str(title)[:1000]
