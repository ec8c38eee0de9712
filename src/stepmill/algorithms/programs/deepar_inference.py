"""DeepAR's answers to requests.

Source: developer guide, "DeepAR Inference Formats".
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .deepar_model import Forecaster, load_forecaster
from .deepar_records import Record, SeriesError, record_of
from .errors import NotAcceptableError, RequestError, UnsupportedContentError
from .first_party import SEED
from .media import JSON, JSON_LINES, media_type
from .payloads import check_size, instances_of, read_json_lines, write_json_lines

VARIABLE = "DEEPAR_INFERENCE_CONFIG"
_MEAN, _QUANTILES, _SAMPLES = "mean", "quantiles", "samples"
_USUAL_QUANTILES = tuple(f"0.{digit}" for digit in range(1, 10))
_MOST_SAMPLES = 10_000
_MOST_QUANTILES = 1000
# Bounds the memory of an answer: numbers drawn for all time series of a request.
_MOST_NUMBERS = 50_000_000


@dataclass(frozen=True)
class Configuration:
    """What is asked of forecasts.

    Args:
        samples: How many paths to draw.
        types: What to tell: ``mean``, ``quantiles``, ``samples``.
        quantiles: Which, as they were written.
    """

    samples: int = 100
    types: tuple[str, ...] = (_MEAN, _QUANTILES)
    quantiles: tuple[str, ...] = _USUAL_QUANTILES


@dataclass(frozen=True)
class Model:
    """What was loaded.

    Args:
        forecaster: The network.
        configuration: What is told where a request does not say it.
    """

    forecaster: Forecaster
    configuration: Configuration


def load(folder: Path) -> Model:
    """Load the model in a folder.

    Raises:
        RuntimeError: If there is none, it cannot be loaded, or the configuration of batches is wrong.
    """
    text = os.environ.get(VARIABLE, "")
    try:
        configuration = configuration_of(json.loads(text)) if text.strip() else Configuration()
    except (ValueError, RecursionError) as error:
        raise RuntimeError(f"{VARIABLE} cannot be taken: {error}") from error
    forecaster = load_forecaster(folder)
    # The same requests in the same order get the same answers.
    torch.manual_seed(SEED)
    return Model(forecaster, configuration)


def configuration_of(fields: Any) -> Configuration:
    """Read a configuration.

    Raises:
        ValueError: If it cannot be taken.
    """
    if not isinstance(fields, Mapping):
        raise ValueError("configuration is not an object")  # noqa: TRY004 - the client's value is wrong
    usual = Configuration()
    samples = fields.get("num_samples", usual.samples)
    if type(samples) is not int or not 1 <= samples <= _MOST_SAMPLES:
        raise ValueError(f"num_samples is not an integer from 1 to {_MOST_SAMPLES}")
    types = fields.get("output_types", list(usual.types))
    known = (_MEAN, _QUANTILES, _SAMPLES)
    if not isinstance(types, list) or not types or not all(name in known for name in types):
        raise ValueError(f"output_types is not a list of {', '.join(known)}")
    quantiles = fields.get("quantiles", list(usual.quantiles))
    if not isinstance(quantiles, list) or len(quantiles) > _MOST_QUANTILES:
        raise ValueError("quantiles is not a list of numbers from 0 to 1")
    return Configuration(samples, tuple(types), tuple(_quantile(value) for value in quantiles))


def _quantile(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    try:
        fits = len(text) <= 32 and not isinstance(value, bool) and 0 <= float(text) <= 1
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"the quantile {text[:40]} is not a number from 0 to 1")
    return text


def respond(model: Model, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
    """Answer with forecasts. See ``inference.transform_fn`` for what it raises."""
    check_size(body)
    kind, wanted = media_type(content_type)[0], media_type(accept)[0]
    if kind not in (*JSON, *JSON_LINES):
        raise UnsupportedContentError(f"Content-type {content_type[:200]} not supported.")
    if wanted not in ("", "*/*", *JSON, *JSON_LINES):
        raise NotAcceptableError(f"Accept type {accept[:200]} is not supported.")
    try:
        if kind in JSON_LINES:
            return write_json_lines(_forecasts(model, read_json_lines(body), model.configuration))
        document = json.loads(body)
        instances = instances_of(document)
        if not instances:
            raise ValueError("there are no instances")
        given = document.get("configuration")
        configuration = model.configuration if given is None else configuration_of(given)
        return json.dumps({"predictions": _forecasts(model, instances, configuration)}).encode(), JSON[0]
    except (ValueError, RecursionError) as error:
        raise RequestError(f"unable to evaluate payload provided: {error}") from error


def _forecasts(model: Model, instances: Sequence[Any], asked: Configuration) -> list[dict[str, Any]]:
    horizon = model.forecaster.network.horizon
    if len(instances) * asked.samples * horizon > _MOST_NUMBERS:
        raise ValueError("too many instances, samples and time points at once")
    records = [_record(model, index, fields) for index, fields in enumerate(instances)]
    return [_told(paths, asked) for paths in model.forecaster.paths(records, asked.samples)]


def _record(model: Model, index: int, fields: Any) -> Record:
    layout = model.forecaster.network.layout
    try:
        record = record_of(fields)
        if record.categories and not layout.cardinality:
            raise SeriesError("there is cat, and the model was trained without.")
        if record.features is not None and not layout.features:
            raise SeriesError("there is dynamic_feat, and the model was trained without.")
        return layout.fitted(record, ahead=layout.horizon)
    except SeriesError as error:
        raise SeriesError(f"instance {index}: {error}") from error


def _told(paths: Any, asked: Configuration) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if _MEAN in asked.types:
        told[_MEAN] = paths.mean(axis=0).tolist()
    if _QUANTILES in asked.types:
        values = np.quantile(paths, [float(text) for text in asked.quantiles], axis=0)
        told[_QUANTILES] = dict(zip(asked.quantiles, values.tolist(), strict=True))
    if _SAMPLES in asked.types:
        told[_SAMPLES] = paths.tolist()
    return told
