"""What Clarify's program is asked of a model: how to ask it, and what is to be explained.

Source: developer guide, "Configure the analysis" of SageMaker Clarify: ``predictor``, ``methods.shap``,
``methods.pdp``; sagemaker SDK 2.257.7, ``ModelConfig``, ``ModelPredictedLabelConfig``, ``SHAPConfig``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .config_reader import Column, ConfigReader

CSV, JSON_LINES, JSON = "text/csv", "application/jsonlines", "application/json"
SHAP, PDP = "shap", "pdp"
AGGREGATIONS = ("mean_abs", "median", "mean_sq")
MOST_SAMPLES = 100_000
MOST_BASELINE_ROWS = 1_000
_LARGEST_SEED = 2**32 - 1
_MOST_BUCKETS = 1_000
_LONGEST_ATTRIBUTES = 1024
# Each would change what is asked or said, so none is passed over in silence.
_REFUSED_OF_PREDICTOR = {
    "endpoint_name": "Name the model by model_name: it is served for the time of the job.",
    "target_model": "Make a model of one of them.",
    "time_series_predictor_config": "Only tables can be analyzed.",
}
_REFUSED_OF_SHAP = {
    "text_config": "Only whole values of tables can be explained, not the words of a text.",
    "image_config": "Only tables can be explained, not images.",
}
# What is for the endpoint of the cloud says nothing of the model.
_KNOWN_OF_PREDICTOR = (
    "model_name", "instance_type", "initial_instance_count", "accelerator_type", "endpoint_name_prefix",
    "content_type", "accept_type", "content_template", "record_template", "custom_attributes",
    "label", "probability", "label_headers",
)  # fmt: skip
_KNOWN_OF_SHAP = (
    "baseline", "num_clusters", "num_samples", "use_logit", "agg_method", "save_local_shap_values", "seed",
    "features_to_explain",
)  # fmt: skip


@dataclass(frozen=True)
class Predictor:
    """How the model is asked, and what of its answers means what.

    Args:
        content_type: Of the requests: ``text/csv``, ``application/jsonlines``, ``application/json``.
        accept_type: Of the answers: the same ones.
        content_template: Of a request in JSON, or of each line.
        record_template: Of a record in JSON.
        custom_attributes: Sent along with each request; empty: nothing.
        label: Where the answer has the label, or the only score: place in a row, or JMESPath.
        probability: Where it has the scores.
        label_headers: The labels that the scores are of.
    """

    content_type: str = CSV
    accept_type: str = CSV
    content_template: str = ""
    record_template: str = ""
    custom_attributes: str = ""
    label: Column | None = None
    probability: Column | None = None
    label_headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shap:
    """How predictions are explained.

    Args:
        baseline: What features are compared with: rows, a file inside the job or the address of one;
            ``None``: it is computed of the data.
        clusters: So many rows a computed baseline has.
        samples: So many coalitions are asked at most; ``None``: as many as fit the number of features.
        aggregation: How the values of all records become one.
        use_logit: Whether log-odds are explained.
        save_local: Whether the values of each record are stored.
        seed: Of chance.
        features: Those that are told of; empty: all.
    """

    baseline: Any = None
    clusters: int = 1
    samples: int | None = None
    aggregation: str = AGGREGATIONS[0]
    use_logit: bool = False
    save_local: bool = False
    seed: int | None = None
    features: tuple[Column, ...] = ()


@dataclass(frozen=True)
class Dependence:
    """Of which features it is told how predictions depend on them.

    Args:
        features: Those; empty: those that weigh most by SHAP.
        buckets: Into so many parts the range of numbers is cut.
        top: So many features are chosen by SHAP.
    """

    features: tuple[Column, ...] = ()
    buckets: int = 15
    top: int = 10


class ExplainReader(ConfigReader):
    """Reads ``predictor``, ``methods.shap`` and ``methods.pdp``."""

    def predictor(self, document: object, dataset_type: str) -> Predictor:
        """Return how the model is asked: by default in the format of the data."""
        given = self.members(document, "predictor")
        self.check_names(given, "predictor", _KNOWN_OF_PREDICTOR, _REFUSED_OF_PREDICTOR)
        content = self._media(given, "content_type", dataset_type if dataset_type == JSON_LINES else CSV)
        found = Predictor(
            content_type=content,
            accept_type=self._media(given, "accept_type", content),
            content_template=self._template(given, "content_template"),
            record_template=self._template(given, "record_template"),
            custom_attributes=self.text(given, "custom_attributes", "predictor"),
            label=self.column(given, "label", "predictor"),
            probability=self.column(given, "probability", "predictor"),
            label_headers=self._label_headers(given.get("label_headers", [])),
        )
        self._check_predictor(found)
        return found

    def _check_predictor(self, found: Predictor) -> None:
        attributes = found.custom_attributes
        if len(attributes) > _LONGEST_ATTRIBUTES or not (attributes.isascii() and attributes.isprintable()):
            self.refuse(
                "predictor.custom_attributes", f"must be {_LONGEST_ATTRIBUTES} ASCII characters at most"
            )
        content, record = found.content_template, found.record_template
        if found.content_type == JSON_LINES and "$features" not in content:
            self.refuse("predictor.content_template", "must have the placeholder $features")
        if found.content_type == JSON:
            if "$record" not in content:
                self.refuse("predictor.content_template", "must have the placeholder $records or $record")
            if not record:
                self.refuse("predictor.record_template", "is missing: what a record looks like in JSON")
        if found.accept_type == CSV:
            for name, where in (("label", found.label), ("probability", found.probability)):
                if isinstance(where, str):
                    self.refuse(f"predictor.{name}", "must be a place from zero, for the answers are CSV")

    def shap(self, document: object) -> Shap:
        """Return how predictions are explained."""
        where = "methods.shap"
        given = self.members(document, where)
        self.check_names(given, where, _KNOWN_OF_SHAP, _REFUSED_OF_SHAP)
        baseline, clusters = given.get("baseline"), given.get("num_clusters")
        if baseline is not None and clusters is not None:
            self.refuse(f"{where}.num_clusters", "is for a baseline that is computed, and one is given")
        if isinstance(baseline, list) and not 0 < len(baseline) <= MOST_BASELINE_ROWS:
            self.refuse(f"{where}.baseline", f"must have 1 to {MOST_BASELINE_ROWS} rows")
        elif not isinstance(baseline, str | list | dict | None):
            self.refuse(f"{where}.baseline", "must be a list of rows, or an S3 address")
        number = self.number
        return Shap(
            baseline=[baseline] if isinstance(baseline, dict) else baseline,
            clusters=number(given, "num_clusters", where, least=1, most=MOST_BASELINE_ROWS) or 1,
            samples=number(given, "num_samples", where, least=1, most=MOST_SAMPLES),
            aggregation=self.choice(
                given.get("agg_method", AGGREGATIONS[0]), f"{where}.agg_method", AGGREGATIONS
            ),
            use_logit=self.flag(given, "use_logit", where, default=False),
            save_local=self.flag(given, "save_local_shap_values", where, default=False),
            seed=number(given, "seed", where, least=0, most=_LARGEST_SEED),
            features=self._columns(given, "features_to_explain", where),
        )

    def dependence(self, document: object, *, has_shap: bool) -> Dependence:
        """Return of which features it is told how predictions depend on them."""
        where = "methods.pdp"
        given = self.members(document, where)
        self.check_names(given, where, ("features", "grid_resolution", "top_k_features"), {})
        features = self._columns(given, "features", where)
        if not features and not has_shap:
            self.refuse(f"{where}.features", "is missing: without methods.shap nothing says which weigh most")
        return Dependence(
            features=features,
            buckets=self.number(given, "grid_resolution", where, least=1, most=_MOST_BUCKETS) or 15,
            top=self.number(given, "top_k_features", where, least=1, most=10_000) or 10,
        )

    def _columns(self, given: Mapping[str, Any], name: str, where: str) -> tuple[Column, ...]:
        return tuple(self.elements(given.get(name) or [], f"{where}.{name}", (str, int)))

    def _media(self, given: Mapping[str, Any], name: str, default: str) -> str:
        return self.choice(given.get(name, default), f"predictor.{name}", (CSV, JSON_LINES, JSON))

    def _template(self, given: Mapping[str, Any], name: str) -> str:
        value = given.get(name)
        # The schema of the SDK knows a map of templates, for time series.
        return "" if value is None else self.text(given, name, "predictor")

    def _label_headers(self, given: object) -> tuple[str, ...]:
        several = [given] if isinstance(given, str) else given
        headers = self.elements(several, "predictor.label_headers", (str, int, float))
        return tuple(str(one) for one in headers)
