"""Reads and writes the content types that the framework images know without the user's help.

Source: sagemaker-inference-toolkit and sagemaker-xgboost-container, decoders and encoders.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from .errors import BAD_REQUEST, NOT_ACCEPTABLE, UNSUPPORTED_MEDIA_TYPE, RequestError

JSON = "application/json"
JSON_LINES = "application/jsonlines"
CSV = "text/csv"
NPY = "application/x-npy"
ANY = "*/*"
# Handlers get these as text, all others as bytes.
TEXTS = (JSON, CSV)


def media_type(header: str) -> str:
    """Return a content type without its parameters.

    Example:
        >>> media_type("Text/CSV; header=absent")
        'text/csv'
    """
    return header.partition(";")[0].strip().lower()


def decode(body: Any, content_type: str) -> Any:
    """Return the array that a body holds.

    Raises:
        RequestError: If the content type is not known (415), or the body is not of it (400).
    """
    decoder = _DECODERS.get(media_type(content_type))
    if decoder is None:
        raise unsupported(content_type)
    return _decoded(decoder, body, content_type)


def decode_matrix(body: Any, content_type: str) -> Any:
    """Return the ``DMatrix`` of XGBoost that a body holds. See ``decode``."""
    decoder = _MATRIX_DECODERS.get(media_type(content_type))
    if decoder is None:
        raise unsupported(content_type)
    return _decoded(decoder, body, content_type)


def _decoded(decoder: Callable[[Any], Any], body: Any, content_type: str) -> Any:
    try:
        return decoder(body)
    except (ValueError, EOFError) as error:
        raise RequestError(f"The body is not {content_type}: {error}", BAD_REQUEST) from error


def encode(prediction: Any, accept: str) -> Any:
    """Return a prediction as one of the types that are accepted, and that type.

    Args:
        prediction: An array, or what can be made one.
        accept: Content types, separated by commas; the first one that is known is taken.

    Raises:
        RequestError: If none of them is known (406).
    """
    for wanted in accept.split(","):
        name = media_type(wanted)
        if name in _ENCODERS:
            return _ENCODERS[name](prediction), name
    raise RequestError(f"The model cannot answer with {accept}.", NOT_ACCEPTABLE)


def unsupported(content_type: str) -> RequestError:
    """Return the error for a content type that nothing here can read."""
    return RequestError(f"Content type {content_type} is not supported.", UNSUPPORTED_MEDIA_TYPE)


def _text(body: Any) -> str:
    return body if isinstance(body, str) else bytes(body).decode("utf-8")


def _bytes(body: Any) -> bytes:
    return body.encode("utf-8") if isinstance(body, str) else bytes(body)


def _json_array(body: Any) -> Any:
    import numpy as np

    return np.array(json.loads(body))


def _csv_array(body: Any) -> Any:
    import numpy as np

    text = _text(body)
    try:
        # Many times as fast as genfromtxt, which is left to what has gaps or texts in it.
        return np.loadtxt(io.StringIO(text), delimiter=",", dtype=float)
    except ValueError:
        return np.genfromtxt(io.StringIO(text), delimiter=",", dtype=None, encoding="utf-8")


def _npy_array(body: Any) -> Any:
    import numpy as np

    # The images also unpickle arrays of objects; whoever can send a request could then run code.
    return np.load(io.BytesIO(_bytes(body)), allow_pickle=False)


def _csv_matrix(body: Any) -> Any:
    import numpy as np
    import xgboost

    text = _text(body).strip("\r\n")
    first = text.partition("\n")[0]
    try:
        found = csv.Sniffer().sniff(first[:512]).delimiter
    except csv.Error:
        found = ","
    delimiter = "," if found.isalnum() or found in ".-+" else found
    rows = [[cell if cell.strip() else "nan" for cell in line.split(delimiter)] for line in text.splitlines()]
    if len({len(row) for row in rows}) > 1:
        raise ValueError("its rows have different numbers of columns")
    return xgboost.DMatrix(np.array(rows, dtype=float))


def _libsvm_matrix(body: Any) -> Any:
    import numpy as np
    import xgboost

    rows = []
    for line in _text(body).strip().splitlines():
        cells = (token.split(":", 1) for token in line.split() if ":" in token)
        rows.append({int(index): float(value) for index, value in cells})
    if not any(rows):
        return xgboost.DMatrix(np.empty((0, 0)))
    indices = [index for row in rows for index in row]
    if min(indices) < 0:
        raise ValueError("an index is negative")
    first = 1 if min(indices) >= 1 else 0
    matrix = _sparse(rows, first, max(indices) - first + 1)
    return xgboost.DMatrix(matrix)


def _sparse(rows: Any, first: int, width: int) -> Any:
    """Return rows of index -> value as a dense array; what is not given is 0, as in the images.

    A hostile index would ask for any amount of memory, so the size is bounded.
    """
    import numpy as np

    if width * len(rows) > 512 * 1024 * 1024:
        raise ValueError("it is too wide to be laid out")
    matrix = np.zeros((len(rows), width))
    for place, row in enumerate(rows):
        for index, value in row.items():
            matrix[place, index - first] = value
    return matrix


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _to_json(prediction: Any) -> bytes:
    return json.dumps(prediction, default=_plain).encode("utf-8")


def _to_json_lines(prediction: Any) -> bytes:
    rows = (
        prediction
        if isinstance(prediction, (list, tuple)) or hasattr(prediction, "__iter__")
        else [prediction]
    )
    return b"".join(_to_json(row) + b"\n" for row in rows)


def _to_csv(prediction: Any) -> bytes:
    import numpy as np

    array = np.asarray(prediction)
    if array.dtype.kind in "iufb" and array.ndim <= 2 and _same_text(array):
        # What savetxt writes with the format %s, in a fraction of the time.
        if array.ndim == 2 and array.shape[1] != 1:
            return "".join(f"{','.join(map(str, row))}\n" for row in array.tolist()).encode("utf-8")
        return "".join(f"{value}\n" for value in array.reshape(-1).tolist()).encode("utf-8")
    stream = io.StringIO()
    np.savetxt(stream, prediction, delimiter=",", fmt="%s")
    return stream.getvalue().encode("utf-8")


def _same_text(array: Any) -> bool:
    """Say whether Python's own numbers look like numpy's: those of 64 bits and truth values do."""
    return bool(array.dtype.kind in "iub" or array.dtype.itemsize == 8)


def _to_npy(prediction: Any) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, np.asarray(prediction), allow_pickle=False)
    return buffer.getvalue()


_DECODERS: Mapping[str, Callable[[Any], Any]] = {NPY: _npy_array, CSV: _csv_array, JSON: _json_array}
_MATRIX_DECODERS: Mapping[str, Callable[[Any], Any]] = {
    CSV: _csv_matrix,
    "text/libsvm": _libsvm_matrix,
    "text/x-libsvm": _libsvm_matrix,
}
_ENCODERS: Mapping[str, Callable[[Any], bytes]] = {
    NPY: _to_npy,
    CSV: _to_csv,
    JSON: _to_json,
    JSON_LINES: _to_json_lines,
}
