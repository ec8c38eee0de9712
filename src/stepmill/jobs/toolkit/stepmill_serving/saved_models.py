"""Serves TensorFlow's SavedModels as its image does: with TensorFlow Serving's JSON, by rows or by columns.

A model is a map from the name of a signature to what computes it; only loading knows of TensorFlow.

Source: TensorFlow Serving, "RESTful API"; sagemaker-tensorflow-serving-container.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import codecs
from .errors import BAD_REQUEST, RequestError, SetupError, status_of

_DEFAULT_SIGNATURE = "serving_default"
_ROWS, _COLUMNS = "instances", "inputs"
_JSONS = (codecs.JSON, codecs.JSON_LINES, "application/jsons")
_NUMBER = re.compile(r"\s*-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?\s*")


@dataclass(frozen=True)
class Signature:
    """One function of a model.

    Args:
        inputs: Names of its arguments.
        compute: Arguments -> results, as lists by name. Raises ``ValueError`` where they do not fit.
    """

    inputs: tuple[str, ...]
    compute: Callable[[Mapping[str, Any]], Mapping[str, Any]]


def folder_of(model_dir: str, wanted: str = "") -> Path:
    """Return the folder of the newest version of a SavedModel: ``<any>/<model>/<version>``.

    Args:
        model_dir: Where the archive was unpacked.
        wanted: Name of the model, where there are several.

    Raises:
        SetupError: If there is none.
    """
    root = Path(model_dir)
    found = [path.parent for path in root.rglob("saved_model.pb") if path.parent.name.isdecimal()]
    named = [path for path in found if not wanted or path.parent.name == wanted]
    if not named:
        name = f" named {wanted!r}" if wanted else ""
        raise SetupError(
            f"There is no SavedModel{name} in the model archive. TensorFlow's image serves "
            "<version>/saved_model.pb, where the version is a number: "
            "model.export(os.path.join(os.environ['SM_MODEL_DIR'], '1')). Or give code/inference.py with a "
            "model_fn."
        )
    first = min(path.parent for path in named)
    return max((path for path in named if path.parent == first), key=lambda path: int(path.name))


def load(model_dir: str) -> Mapping[str, Signature]:
    """Load the SavedModel of an archive."""
    import tensorflow as tf

    folder = folder_of(model_dir, os.environ.get("SAGEMAKER_TFS_DEFAULT_MODEL_NAME", ""))
    loaded = tf.saved_model.load(str(folder))
    return {name: _signature(tf, loaded, name) for name in loaded.signatures}


def _signature(tf: Any, loaded: Any, name: str) -> Signature:
    specs = loaded.signatures[name].structured_input_signature[1]

    def compute(values: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            given = {key: tf.constant(value, dtype=specs[key].dtype) for key, value in values.items()}
            # By way of the whole, without which its functions have lost their variables.
            results = loaded.signatures[name](**given)
            return {key: tensor.numpy().tolist() for key, tensor in results.items()}
        except (TypeError, tf.errors.OpError) as error:
            raise ValueError(str(error)) from error

    return Signature(tuple(specs), compute)


def read_request(body: Any, content_type: str) -> dict[str, Any]:
    """Return what a body asks for, in TensorFlow Serving's form: JSON, JSON Lines, or CSV.

    Raises:
        RequestError: If the content type is not known (415), or the body is not of it (400).
    """
    kind = codecs.media_type(content_type)
    text = body if isinstance(body, str) else bytes(body).decode("utf-8", "replace")
    if kind == codecs.CSV:
        return {_ROWS: [_csv_instance(row) for row in csv.reader(io.StringIO(text)) if row]}
    if kind not in _JSONS:
        raise codecs.unsupported(content_type)
    try:
        values = list(_values(text))
    except ValueError as error:
        raise RequestError(f"The body is not {content_type}: {error}", BAD_REQUEST) from error
    if len(values) != 1:
        return {_ROWS: values}
    (value,) = values
    if isinstance(value, dict) and (_ROWS in value or _COLUMNS in value):
        return value
    is_batch = isinstance(value, list) and bool(value) and isinstance(value[0], list)
    return {_ROWS: value if is_batch else [value]}


def _values(text: str) -> Iterator[Any]:
    decoder, place = json.JSONDecoder(), 0
    text = text.strip()
    while place < len(text):
        value, end = decoder.raw_decode(text, place)
        yield value
        rest = text[end:]
        place = end + len(rest) - len(rest.lstrip())


def _csv_instance(row: Sequence[str]) -> Any:
    cells = [json.loads(cell) if _NUMBER.fullmatch(cell) else cell for cell in row]
    return cells if len(cells) > 1 else cells[0]


def predict(request: Mapping[str, Any], model: Mapping[str, Signature]) -> dict[str, Any]:
    """Return the answer to a request: ``predictions`` by rows, ``outputs`` by columns.

    Raises:
        RequestError: If the request does not fit the model.
    """
    name = str(request.get("signature_name") or _DEFAULT_SIGNATURE)
    signature = model.get(name)
    if signature is None:
        raise RequestError(
            f"The model has no signature {name!r}; it has {', '.join(sorted(model)) or 'none'}."
        )
    by_rows = _ROWS in request
    given = request[_ROWS] if by_rows else request.get(_COLUMNS)
    values = _by_rows(given, signature.inputs) if by_rows else _by_columns(given, signature.inputs)
    if set(values) != set(signature.inputs):
        raise RequestError(
            f"The model takes {', '.join(signature.inputs)}; given are {', '.join(sorted(values)) or 'none'}."
        )
    try:
        results = signature.compute({name: _decoded(value) for name, value in values.items()})
    except ValueError as error:
        raise RequestError(str(error)) from error
    results = {name: _encoded(value, name) for name, value in results.items()}
    if not by_rows:
        return {"outputs": next(iter(results.values())) if len(results) == 1 else results}
    if len(results) == 1:
        return {"predictions": next(iter(results.values()))}
    rows = range(min(len(column) for column in results.values()))
    return {"predictions": [{name: column[row] for name, column in results.items()} for row in rows]}


def _by_rows(rows: Any, names: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(rows, list) or not rows:
        raise RequestError("instances must be a list with at least one instance.")
    named = [row for row in rows if isinstance(row, dict) and "b64" not in row]
    if not named:
        return {_only(names): rows}
    keys = named[0].keys()
    if len(named) < len(rows) or any(row.keys() != keys for row in named):
        raise RequestError("All instances must have the same names.")
    return {name: [row[name] for row in named] for name in keys}


def _by_columns(columns: Any, names: Sequence[str]) -> Mapping[str, Any]:
    if isinstance(columns, dict) and "b64" not in columns:
        return columns
    return {_only(names): columns}


def _only(names: Sequence[str]) -> str:
    if len(names) != 1:
        raise RequestError(f"The model takes several values: name them: {', '.join(names)}.")
    return names[0]


def _decoded(value: Any) -> Any:
    """Return a value in which texts of bytes, ``{"b64": ...}``, are bytes."""
    if isinstance(value, list):
        return [_decoded(each) for each in value]
    if isinstance(value, dict) and isinstance(value.get("b64"), str):
        return base64.b64decode(value["b64"])
    return value


def _encoded(value: Any, name: str) -> Any:
    """Return a result as JSON has it: bytes are a text, or ``{"b64": ...}`` if its name says so."""
    if isinstance(value, list):
        return [_encoded(each, name) for each in value]
    if isinstance(value, bytes):
        if name.endswith("_bytes"):
            return {"b64": base64.b64encode(value).decode()}
        return value.decode("utf-8", "replace")
    return value


def write_answer(answer: Mapping[str, Any], accept: str) -> tuple[str, str]:
    """Return an answer as JSON, which it is whatever is accepted, and its type."""
    del accept
    return json.dumps(answer), codecs.JSON


@dataclass(frozen=True)
class Context:
    """What handlers of the image for TensorFlow get beside the data."""

    request_content_type: str
    accept_header: str
    content_length: int
    model_name: str = "model"
    model_version: str | None = None
    method: str = "predict"
    custom_attributes: str | None = None


@dataclass(frozen=True)
class Reply:
    """What TensorFlow Serving would have answered, with the members of a response of ``requests``."""

    status_code: int
    text: str

    @property
    def content(self) -> bytes:
        """The body."""
        return self.text.encode()

    def json(self) -> Any:
        """Return the body read as JSON."""
        return json.loads(self.text)


def transform_of(module: object) -> Callable[..., Any] | None:
    """Return the ``transform_fn`` that the image's own kind of handlers amount to; ``None`` without any.

    Raises:
        SetupError: If the code has a ``handler``, which would call TensorFlow Serving by itself.
    """
    before, after = getattr(module, "input_handler", None), getattr(module, "output_handler", None)
    if getattr(module, "handler", None) is not None:
        raise SetupError(
            "The inference code has a handler, which asks TensorFlow Serving at context.rest_uri by itself; "
            "there is none here. Write input_handler(data, context) and output_handler(response, context)."
        )
    if before is None or after is None:
        return None

    def transform_fn(model: Mapping[str, Signature], body: Any, content_type: str, accept: str) -> Any:
        raw = body.encode() if isinstance(body, str) else bytes(body)
        context = Context(content_type, accept, len(raw))
        return after(_replied(before(io.BytesIO(raw), context), model), context)

    return transform_fn


def _replied(request: Any, model: Mapping[str, Signature]) -> Reply:
    try:
        return Reply(200, json.dumps(predict(read_request(request, codecs.JSON), model)))
    except RequestError as error:
        return Reply(status_of(error), json.dumps({"error": str(error)}))
