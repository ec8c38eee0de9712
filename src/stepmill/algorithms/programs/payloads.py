"""Requests and answers in the formats that all built-in algorithms share.

Source: developer guide, "Common data formats for inference".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .csv_format import read_csv
from .errors import (
    CustomerError,
    EmptyRequestError,
    NotAcceptableError,
    RequestError,
    UnsupportedContentError,
)
from .media import CSV, JSON, JSON_LINES, RECORDIO, label_size_of, media_type
from .recordio import RecordError, write_record
from .tables import dense, from_columns, from_recordio

_LARGEST_REQUEST = 100 * 1024 * 1024
_FEATURES, _VALUES = "features", "values"
Row = Mapping[str, Any]


def read_request(body: bytes, content_type: str, width: int | None = None) -> NDArray[np.float32]:
    """Read the rows of a request.

    Args:
        body: The request.
        content_type: Its media type.
        width: Number of features that the model takes; ``None``: any.

    Returns:
        Shape (n_rows, width).

    Raises:
        EmptyRequestError: If there is nothing in it.
        UnsupportedContentError: If its type is not one that can be read.
        RequestError: If it cannot be read, or has another number of features.
    """
    check_size(body)
    kind, _ = media_type(content_type)
    try:
        rows = _read(kind, body, content_type)
    except (CustomerError, RecordError, ValueError, RecursionError) as error:
        if isinstance(error, RequestError):
            raise
        raise RequestError(f"unable to evaluate payload provided: {error}") from error
    if width is not None and rows.shape[1] != width:
        raise RequestError(
            f"unable to evaluate payload provided: the model takes {width} features, the request has "
            f"{rows.shape[1]}"
        )
    return rows


def check_size(body: bytes) -> None:
    """Refuse a request with nothing in it, or with too much.

    Raises:
        EmptyRequestError: If there is nothing in it.
        RequestError: If it is too large.
    """
    if not body.strip():
        raise EmptyRequestError("The request is empty.")
    if len(body) > _LARGEST_REQUEST:
        raise RequestError(f"The request is larger than {_LARGEST_REQUEST} bytes.")


def _read(kind: str, body: bytes, content_type: str) -> NDArray[np.float32]:
    if kind in CSV:
        columns = read_csv(body, missing=False)
        return dense(from_columns(columns, label_size_of(content_type, 0)).features)
    if kind in RECORDIO:
        return dense(from_recordio(body).features)
    if kind in JSON:
        return _rows(instances_of(json.loads(body)))
    if kind in JSON_LINES:
        return _rows(read_json_lines(body))
    raise UnsupportedContentError(f"Content-type {content_type[:200]} not supported.")


def instances_of(document: Any) -> list[Any]:
    """Return the instances of a request in JSON.

    Raises:
        ValueError: If there is no list of them.
    """
    instances = document.get("instances") if isinstance(document, dict) else None
    if not isinstance(instances, list):
        raise ValueError("there is no list of instances")  # noqa: TRY004 - the client's value is wrong
    return instances


def read_json_lines(body: bytes) -> list[Any]:
    """Return what the lines of a request in JSON Lines hold; empty ones do not count.

    Raises:
        ValueError: If one is not JSON.
    """
    return [json.loads(line) for line in body.splitlines() if line.strip()]


def write_json_lines(rows: Iterable[Any]) -> tuple[bytes, str]:
    """Return rows as JSON Lines, and the media type of that."""
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode(), JSON_LINES[0]


def _rows(instances: Sequence[Any]) -> NDArray[np.float32]:
    rows = [_row(instance) for instance in instances]
    if len({len(row) for row in rows}) > 1:
        raise ValueError("the instances do not have equally many features")
    if not rows:
        raise ValueError("there are no instances")
    table = np.stack(rows).astype(np.float32)
    if not np.isfinite(table).all():
        raise ValueError("a feature is NaN or infinite")
    return table


def _row(instance: Any) -> NDArray[np.float64]:
    features = instance
    for name in ("data", _FEATURES):
        if isinstance(features, dict) and name in features:
            features = features[name]
    if isinstance(features, dict):
        values = _numbers(features.get(_VALUES))
        if "keys" not in features:
            return values
        return _unfolded(values, features)
    return _numbers(features)


def _unfolded(values: NDArray[np.float64], features: dict[str, Any]) -> NDArray[np.float64]:
    keys, shape = features["keys"], features.get("shape")
    sizes = shape if isinstance(shape, list) else [shape]
    if not (isinstance(keys, list) and len(keys) == len(values) and len(sizes) == 1):
        raise ValueError("a sparse instance needs equally many keys and values, and a shape of one number")
    size = sizes[0]
    if not isinstance(size, int) or not 0 < size <= _LARGEST_REQUEST:
        raise ValueError("the shape of a sparse instance is no number of features")
    if not all(isinstance(key, int) and 0 <= key < size for key in keys):
        raise ValueError("a key of a sparse instance lies outside its shape")
    row = np.zeros(size)
    row[keys] = values
    return row


def _numbers(values: Any) -> NDArray[np.float64]:
    if not isinstance(values, list) or not all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    ):
        raise ValueError("the features are not a list of numbers")
    return np.array(values, dtype=np.float64)


def write_answer(
    rows: Sequence[Row],
    accept: str,
    *,
    member: str = "predictions",
    default: str = JSON[0],
    csv: Callable[[Row], str] | None = None,
) -> tuple[bytes, str]:
    """Write what a model says of each row.

    Args:
        rows: Per row its values by name: a number, or a list of numbers.
        accept: The media type that is asked for.
        member: What the list of rows is called in JSON.
        default: The type where none is asked for.
        csv: Writes a row as a line of CSV; ``None``: all its values, one after the other.

    Returns:
        The answer and its media type.

    Raises:
        NotAcceptableError: If it cannot be given in that type.
    """
    kind = media_type(accept)[0]
    if kind in ("", "*/*"):
        kind = default
    if kind in JSON:
        return json.dumps({member: list(rows)}).encode(), JSON[0]
    if kind in JSON_LINES:
        return write_json_lines(rows)
    if kind in CSV:
        return "".join(f"{(csv or _line)(row)}\n" for row in rows).encode(), CSV[0]
    if kind in RECORDIO:
        labels = ({name: _listed(value) for name, value in row.items()} for row in rows)
        return b"".join(write_record({}, label) for label in labels), RECORDIO[0]
    raise NotAcceptableError(f"Accept type {accept[:200]} is not supported.")


def _line(row: Row) -> str:
    return ",".join(str(number) for value in row.values() for number in _listed(value))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
