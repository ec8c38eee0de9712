"""What the analyzer is asked for: its environment variables.

Source: developer guide, "Container Contract Inputs" of the model monitor; sagemaker SDK 2.257.7,
``ModelMonitor._generate_env_map``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .captured import BATCH_OUTPUT, INPUT, OUTPUT
from .errors import CustomerError

DATA_QUALITY, MODEL_QUALITY = "DATA_QUALITY", "MODEL_QUALITY"
CAPTURE = "sagemakerCaptureJson"
_FORMATS = ("csv", "json", "parquet", CAPTURE)
_ANALYSES = (DATA_QUALITY, MODEL_QUALITY)
_SIDES = (INPUT, OUTPUT, BATCH_OUTPUT)
_DRIFT_METHODS = ("LInfinity",)
# Each would change what the reports say, so none is passed over in silence.
_NOT_OFFERED = {
    "start_time": "Windows of time belong to monitoring schedules; give the data of the window.",
    "end_time": "Windows of time belong to monitoring schedules; give the data of the window.",
}


@dataclass(frozen=True)
class Settings:
    """What the analyzer is asked for.

    Args:
        format: ``csv``, ``json``, ``parquet`` or ``sagemakerCaptureJson``.
        header: Whether the first line of each CSV file has the names.
        source: Folder of the data.
        output: Folder of the reports.
        analysis: ``DATA_QUALITY`` or ``MODEL_QUALITY``.
        baseline_constraints: What the data is held against; ``None`` if nothing is checked.
        baseline_statistics: What distributions are held against.
        categorical_drift_method: How distributions of categories are compared.
        lines: Whether JSON files have a record a line; else one record, or a list of them.
        sides: Which parts of captured data count: ``endpointInput`` ...; empty: all.
        preprocessor: A script whose ``preprocess_handler`` makes records of records.
        post_script: A script whose ``postprocess_handler`` is called at the end.
        attributes: The other variables, by name: ``problem_type``, ``inference_attribute`` ...
    """

    format: str
    header: bool
    source: Path
    output: Path
    analysis: str = DATA_QUALITY
    baseline_constraints: Path | None = None
    baseline_statistics: Path | None = None
    categorical_drift_method: str = "LInfinity"
    lines: bool = True
    sides: tuple[str, ...] = ()
    preprocessor: Path | None = None
    post_script: Path | None = None
    attributes: Mapping[str, str] | None = None


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the variables of the job.

    Raises:
        CustomerError: If one is missing, cannot be taken, or asks for what is not offered.
    """
    for name, mend in _NOT_OFFERED.items():
        if environment.get(name):
            raise CustomerError(f"The environment variable {name} is not supported. {mend}")
    if environment.get("publish_cloudwatch_metrics", "Disabled").lower() != "disabled":
        raise CustomerError(
            "The environment variable publish_cloudwatch_metrics must be 'Disabled': metrics are published "
            "by monitoring schedules only."
        )
    kind, options = _format(_required(environment, "dataset_format"))
    analysis = environment.get("analysis_type") or DATA_QUALITY
    if analysis not in _ANALYSES:
        raise CustomerError(f"The analysis_type {analysis[:100]!r} is not one of {', '.join(_ANALYSES)}.")
    method = environment.get("categorical_drift_method") or "LInfinity"
    return Settings(
        format=kind,
        header=bool(options.get("header", False)),
        source=Path(_required(environment, "dataset_source")),
        output=Path(_required(environment, "output_path")),
        analysis=analysis,
        baseline_constraints=_path(environment, "baseline_constraints"),
        baseline_statistics=_path(environment, "baseline_statistics"),
        categorical_drift_method=check_drift_method(method),
        lines=bool(options.get("lines", False)),
        sides=_sides(options.get("captureIndexNames")),
        preprocessor=_path(environment, "record_preprocessor_script"),
        post_script=_path(environment, "post_analytics_processor_script"),
        attributes={name: value for name, value in environment.items() if value},
    )


def check_drift_method(method: object) -> str:
    """Return a way of comparing distributions of categories.

    Raises:
        CustomerError: If it is not offered.
    """
    if method not in _DRIFT_METHODS:
        raise CustomerError(
            f"The categorical_drift_method {str(method)[:100]!r} is not supported. Use 'LInfinity'."
        )
    return str(method)


def _format(text: str) -> tuple[str, Mapping[str, Any]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CustomerError(f"The dataset_format is not JSON: {error}") from error
    if not isinstance(document, dict) or len(document) != 1:
        raise CustomerError('The dataset_format must name one format: {"csv": {"header": true}}.')
    ((kind, options),) = document.items()
    if kind not in _FORMATS:
        raise CustomerError(f"The dataset_format {str(kind)[:100]!r} is not one of {', '.join(_FORMATS)}.")
    return kind, options if isinstance(options, dict) else {}


def _sides(names: object) -> tuple[str, ...]:
    if not names:
        return ()
    if not isinstance(names, list) or not all(name in _SIDES for name in names):
        raise CustomerError(f"The captureIndexNames are not some of {', '.join(_SIDES)}.")
    return tuple(names)


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise CustomerError(f"The environment variable {name} is missing.")
    return value


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    value = environment.get(name)
    return Path(value) if value else None
