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
from typing import Any, TypeAlias

from .errors import CustomerError

CSV, JSON_LINES, PARQUET = "text/csv", "application/jsonlines", "application/x-parquet"
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
_METHODS_NOT_OFFERED = ("shap", "pdp", "asymmetric_shapley_value")
# What changes nothing here: the address is the input's, and what joins data sets is refused above.
_KNOWN = (
    "version", "dataset_type", "dataset_uri", "headers", "label", "predicted_label", "methods", "predictor",
    "label_values_or_threshold", "probability_threshold", "facet", "features", "facet_headers",
    "predicted_label_headers", "excluded_columns", "joinsource_name_or_index", "group_variable",
)  # fmt: skip

Column: TypeAlias = "str | int"
Value: TypeAlias = "str | int | float"


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


class _Reader:
    """Reads a document to its end, and gathers what is wrong with it."""

    def __init__(self) -> None:
        self.findings: list[str] = []

    def analysis(self, document: object) -> Analysis:
        given = self._object(document, "the document")
        for name, value in given.items():
            if name in _NOT_OFFERED:
                self._refuse(name, f"is not supported. {_NOT_OFFERED[name]}")
            elif name not in _KNOWN:
                self._refuse(str(name)[:100], "is unknown")
            elif value is None:
                self._refuse(name, "must not be null; leave it out")
        methods = self._object(given.get("methods", {}), "methods")
        wanted = self._methods(methods, has_group=given.get("group_variable") is not None)
        found = Analysis(
            dataset_type=self._choice(given.get("dataset_type", CSV), "dataset_type", _DATASETS),
            methods=wanted,
            headers=tuple(str(name) for name in self._list(given.get("headers", []), "headers", str)),
            label=self._column(given, "label"),
            positive=self._values(given.get("label_values_or_threshold", []), "label_values_or_threshold"),
            facets=self._facets(given.get("facet", [])),
            group=self._column(given, "group_variable"),
            predicted_label=self._column(given, "predicted_label"),
            threshold=self._threshold(given.get("probability_threshold")),
            left_out=self._left_out(given),
            features=self._features(given),
            report=self._report(methods.get("report")),
        )
        self._complete(found, has_predictor="predictor" in given)
        return found

    def _complete(self, found: Analysis, *, has_predictor: bool) -> None:
        if len(set(found.headers)) < len(found.headers):
            self._refuse("headers", "has a name twice")
        if not found.methods:
            return
        if found.label is None:
            self._refuse("label", "is missing: the column with the truth")
        if not found.positive:
            self._refuse("label_values_or_threshold", "is missing: which labels are a good outcome")
        if not found.facets:
            self._refuse("facet", "is missing: the columns whose groups are compared")
        if POST_TRAINING in found.methods and found.predicted_label is None:
            if has_predictor:
                self._refuse("predictor", "is not supported. " + _NOT_OFFERED["predicted_label_dataset_uri"])
            else:
                self._refuse("predicted_label", "is missing: the column with the predictions")

    def _methods(self, given: Mapping[str, Any], *, has_group: bool) -> dict[str, Sequence[str]]:
        found: dict[str, Sequence[str]] = {}
        for name, options in given.items():
            where = f"methods.{str(name)[:100]}"
            if name in METHODS:
                found[name] = self._metrics(name, options, has_group=has_group)
            elif name in _METHODS_NOT_OFFERED:
                self._refuse(where, f"is not supported. Those that are: {', '.join(METHODS)}, report")
            elif name != "report":
                self._refuse(where, "is unknown")
        if not found and not any(name in given for name in _METHODS_NOT_OFFERED):
            self._refuse("methods", f"must have one of {', '.join(METHODS)}")
        return found

    def _metrics(self, kind: str, options: object, *, has_group: bool) -> Sequence[str]:
        where = f"methods.{kind}.methods"
        wanted = self._object(options, f"methods.{kind}").get("methods", "all")
        known = METHODS[kind]
        if wanted in ("all", ["all"]):
            return [name for name in known if has_group or name not in _NEED_A_GROUP]
        names = [wanted] if isinstance(wanted, str) else self._list(wanted, where, str)
        names = [_OTHER_NAMES.get(name, name) for name in names]
        for name in names:
            if name not in known:
                self._refuse(where, f"{name[:100]!r} is not one of {', '.join(known)}")
            elif name in _NEED_A_GROUP and not has_group:
                self._refuse("group_variable", f"is missing: {name} looks at its groups one by one")
        if not names:
            self._refuse(where, "is empty")
        return sorted(set(names))

    def _facets(self, given: object) -> tuple[Facet, ...]:
        # The guide has a list; SDKs of old wrote one facet by itself.
        several = self._list([given] if isinstance(given, dict) else given, "facet", dict, most=_MOST_FACETS)
        found = []
        for number, one in enumerate(several):
            where = f"facet[{number}]"
            column = self._column(one, "name_or_index", where)
            if column is None:
                self._refuse(f"{where}.name_or_index", "is missing")
                continue
            values = self._values(one.get("value_or_threshold", []), f"{where}.value_or_threshold")
            found.append(Facet(column, values))
        return tuple(found)

    def _left_out(self, given: Mapping[str, Any]) -> tuple[Column, ...]:
        columns = self._list(given.get("excluded_columns", []), "excluded_columns", (str, int))
        joined = self._column(given, "joinsource_name_or_index")
        return (*columns, *(() if joined is None else (joined,)))

    def _features(self, given: Mapping[str, Any]) -> str:
        path = given.get("features", "")
        if not path:
            return ""
        if str(given.get("dataset_type")).lower() != JSON_LINES:
            self._refuse("features", f"is for data sets of the type {JSON_LINES}")
        for name in ("features", "label", "predicted_label"):
            value = given.get(name)
            if value is not None and not (isinstance(value, str) and _PATH.fullmatch(value)):
                self._refuse(name, "must be a path of members: data.features")
        return str(path)

    def _values(self, given: object, where: str) -> tuple[Value, ...]:
        several = given if isinstance(given, list) else [given]
        told = [str(one).lower() if isinstance(one, bool) else one for one in several]
        values = self._list(told, where, (str, int, float), most=_MOST_VALUES)
        if any(isinstance(value, float) and not math.isfinite(value) for value in values):
            self._refuse(where, "has a number that is not finite")
        return tuple(values)

    def _threshold(self, given: object) -> float | None:
        if given is None:
            return None
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        if not is_number or not 0 <= float(str(given)) <= 1:
            self._refuse("probability_threshold", "must be a number from 0 to 1")
            return None
        return float(str(given))

    def _report(self, given: object) -> str | None:
        if given is None:
            return None
        title = self._object(given, "methods.report").get("title", "Analysis Report")
        return str(title)[:1000]

    def _column(self, given: Mapping[str, Any], name: str, within: str = "") -> Column | None:
        value = given.get(name)
        where = f"{within}.{name}" if within else name
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            self._refuse(where, "must be the name of a column, or its place from zero")
            return None
        return value

    def _choice(self, given: object, where: str, known: Sequence[str]) -> str:
        found = given.lower() if isinstance(given, str) else ""
        if found not in known:
            self._refuse(where, f"{str(given)[:100]!r} is not one of {', '.join(known)}")
        return found

    def _object(self, given: object, where: str) -> Mapping[str, Any]:
        if isinstance(given, dict):
            return given
        self._refuse(where, "must be a JSON object")
        return {}

    def _list(
        self, given: object, where: str, kind: type | tuple[type, ...], most: int = 10_000
    ) -> list[Any]:
        if not isinstance(given, list):
            self._refuse(where, "must be a list")
            return []
        if len(given) > most:
            self._refuse(where, f"has {len(given)} elements, and at most {most} can be taken")
            return []
        if any(isinstance(one, bool) or not isinstance(one, kind) for one in given):
            self._refuse(where, "has an element of a wrong kind")
            return []
        return given

    def _refuse(self, where: str, message: str) -> None:
        self.findings.append(f"{where}: {message}")
