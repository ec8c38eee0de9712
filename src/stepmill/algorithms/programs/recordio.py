"""Reads and writes recordIO-wrapped protobuf: the format of SageMaker's ``Record`` messages.

A file is a sequence of frames: a magic number, a length, as many bytes, zeros up to a multiple of four. Each
holds a ``Record``: maps of names to tensors, ``features`` and ``label``, of float32, float64 or int32 values,
dense or sparse (with keys and a shape).

Source: developer guide, "Common data formats for training", the schema ``aialgs.data``; protobuf's encoding
guide; MXNet's recordIO framing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAGIC = 0xCED7230A
# The upper three bits of a length say whether a record is split over frames.
_LENGTH_MASK = (1 << 29) - 1
_HEAD = struct.Struct("<II")
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FEATURES, _LABEL = 1, 2
_KEY, _VALUE = 1, 2
_FLOAT32, _FLOAT64, _INT32 = 2, 3, 7
_VALUES, _KEYS, _SHAPE = 1, 2, 3
_LARGEST_SHAPE = 2**31 - 1
_DENSE = "values"
_MARK, _LABEL_MARK = 1.5e-30, -2.5e-30


class RecordError(ValueError):
    """The bytes are not what the format says."""


@dataclass(frozen=True)
class Tensor:
    """Numbers of one record.

    Args:
        values: Shape (n,).
        keys: Shape (n,), places of the values in a sparse vector; ``None``: the vector is dense.
        size: Length of a sparse vector; 0 if it is not told.
    """

    values: NDArray[np.float64]
    keys: NDArray[np.int64] | None = None
    size: int = 0


@dataclass(frozen=True)
class Record:
    """One record.

    Args:
        features: By name; vectors are called ``values``.
        label: Likewise.
    """

    features: Mapping[str, Tensor]
    label: Mapping[str, Tensor]


def read_records(data: bytes) -> Iterator[Record]:
    """Read the records of a file.

    Raises:
        RecordError: If it is cut off, or not in this format.
    """
    for payload in frames(data):
        yield read_record(payload)


def frames(data: bytes) -> Iterator[bytes]:
    """Return the payload of each record; one that is split over several frames is put together.

    Raises:
        RecordError: If a magic number is wrong, or the data ends within a frame.
    """
    position, parts = 0, []
    while position < len(data):
        if position + _HEAD.size > len(data):
            raise RecordError(f"The data ends within the head of a record, at byte {position}.")
        magic, told = _HEAD.unpack_from(data, position)
        if magic != MAGIC:
            raise RecordError(f"No record begins at byte {position}: this is not recordIO.")
        position += _HEAD.size
        length, part = told & _LENGTH_MASK, told >> 29
        if position + length > len(data):
            raise RecordError(
                f"The data ends within a record of {length} bytes, after {len(data) - position} of them."
            )
        parts.append(data[position : position + length])
        position += length + -length % 4
        if part in (0, 3):  # a whole record, or the last part of one
            # A magic number within a record is where its parts were split.
            yield struct.pack("<I", MAGIC).join(parts)
            parts = []
    if parts:
        raise RecordError("The data ends within a record that is split over several frames.")


def read_record(payload: bytes) -> Record:
    """Read one message.

    Raises:
        RecordError: If it is not a ``Record``.
    """
    features: dict[str, Tensor] = {}
    label: dict[str, Tensor] = {}
    for number, content in _fields(payload):
        if number in (_FEATURES, _LABEL) and isinstance(content, bytes):
            name, tensor = _entry(content)
            (features if number == _FEATURES else label)[name] = tensor
    return Record(features, label)


def _entry(payload: bytes) -> tuple[str, Tensor]:
    name, value = "", b""
    for number, content in _fields(payload):
        if number == _KEY and isinstance(content, bytes):
            name = content.decode("utf-8", "replace")
        elif number == _VALUE and isinstance(content, bytes):
            value = content
    for number, content in _fields(value):
        if number in (_FLOAT32, _FLOAT64, _INT32) and isinstance(content, bytes):
            return name, _tensor(number, content)
    return name, Tensor(np.empty(0))


def _tensor(kind: int, payload: bytes) -> Tensor:
    values: list[NDArray[np.float64]] = []
    keys: list[int] = []
    shape: list[int] = []
    for number, content in _fields(payload):
        if number == _VALUES:
            values.append(_numbers(kind, content))
        elif number == _KEYS:
            keys.extend(_varints(content))
        elif number == _SHAPE:
            shape.extend(_varints(content))
    found = np.concatenate(values) if values else np.empty(0)
    size = int(np.prod(np.array(shape, dtype=object))) if shape else 0
    if size > _LARGEST_SHAPE:
        raise RecordError(f"A record has {size} features: that is too many.")
    if not keys:
        return Tensor(found, None, size)
    if len(keys) != len(found):
        raise RecordError(f"A sparse record has {len(keys)} keys and {len(found)} values.")
    if max(keys) >= (size or _LARGEST_SHAPE):
        raise RecordError(f"A sparse record has the key {max(keys)}, beyond its shape [{size}].")
    return Tensor(found, np.array(keys, dtype=np.int64), size)


def _numbers(kind: int, content: int | bytes) -> NDArray[np.float64]:
    if kind == _INT32:
        unsigned = np.array(_varints(content), dtype=np.uint64)
        return unsigned.astype(np.int64).astype(np.float64)
    width, form = (4, "<f4") if kind == _FLOAT32 else (8, "<f8")
    if not isinstance(content, bytes) and content >= 1 << 8 * width:
        raise RecordError(f"A tensor of {width}-byte numbers has one that is wider.")
    raw = content if isinstance(content, bytes) else content.to_bytes(width, "little")
    if len(raw) % width:
        raise RecordError(f"A tensor of {width}-byte numbers has {len(raw)} bytes.")
    return np.frombuffer(raw, dtype=form).astype(np.float64)


def _varints(content: int | bytes) -> list[int]:
    if isinstance(content, int):
        return [content]
    found, position = [], 0
    while position < len(content):
        number, position = _varint(content, position)
        found.append(number)
    return found


def _fields(payload: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Return number and content of each field of a message: an integer, or bytes."""
    position = 0
    while position < len(payload):
        tag, position = _varint(payload, position)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            content, position = _varint(payload, position)
            yield number, content
            continue
        if wire == _BYTES:
            length, position = _varint(payload, position)
        elif wire in (_FIXED32, _FIXED64):
            length = 4 if wire == _FIXED32 else 8
        else:
            raise RecordError(f"A message holds a field of the unknown wire type {wire}.")
        end = position + length
        if end > len(payload):
            raise RecordError("A message ends within a field.")
        piece = payload[position:end]
        position = end
        yield number, piece if wire == _BYTES else int.from_bytes(piece, "little")


def _varint(payload: bytes, position: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        if position >= len(payload) or shift > 63:
            raise RecordError("A message ends within a number, or a number is too long.")
        byte = payload[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return result & (2**64 - 1), position
        shift += 7


def read_alike(data: bytes) -> tuple[NDArray[np.float32], NDArray[np.float32] | None] | None:
    """Read records at once that are all alike: a dense float32 vector and a label or none, as the SDK's are.

    Returns:
        The vectors, shape (n_records, n_features), and the labels, shape (n_records,), ``None`` if there are
        none; ``None`` if the records are not all alike, or not of that form.

    Raises:
        RecordError: If the first record cannot be read.
    """
    first = next(read_records(data), None)
    if first is None or set(first.features) != {_DENSE} or set(first.label) - {_DENSE}:
        return None
    vector = first.features[_DENSE]
    labelled = bool(first.label)
    if vector.keys is not None or (labelled and len(first.label[_DENSE].values) != 1):
        return None
    # What such a record is made of, apart from its numbers.
    marks = [_MARK] * len(vector.values)
    frame = write_record({_DENSE: marks}, {_DENSE: [_LABEL_MARK]} if labelled else {})
    if not marks or len(data) % len(frame):
        return None
    rows = np.frombuffer(data, np.uint8).reshape(-1, len(frame))
    start = frame.index(np.array(marks, "<f4").tobytes())
    end = start + 4 * len(marks)
    label = frame.index(np.array(_LABEL_MARK, "<f4").tobytes(), end) if labelled else len(frame)
    fixed = np.ones(len(frame), bool)
    fixed[start:end] = fixed[label : label + 4] = False
    if not (rows[:, fixed] == np.frombuffer(frame, np.uint8)[fixed]).all():
        return None
    vectors = np.ascontiguousarray(rows[:, start:end]).view("<f4")
    labels = np.ascontiguousarray(rows[:, label : label + 4]).view("<f4")[:, 0] if labelled else None
    return vectors.astype(np.float32), None if labels is None else labels.astype(np.float32)


def write_record(features: Mapping[str, Sequence[float]], label: Mapping[str, Sequence[float]]) -> bytes:
    """Return one framed record of float32 tensors: what algorithms answer with."""
    message = b"".join(
        _framed(number, _framed(_KEY, name.encode()) + _framed(_VALUE, _float32(values)))
        for number, entries in ((_FEATURES, features), (_LABEL, label))
        for name, values in entries.items()
    )
    return _HEAD.pack(MAGIC, len(message)) + message + b"\0" * (-len(message) % 4)


def _float32(values: Sequence[float]) -> bytes:
    return _framed(_FLOAT32, _framed(_VALUES, np.asarray(values, dtype="<f4").tobytes()))


def _framed(number: int, content: bytes) -> bytes:
    return _to_varint(number << 3 | _BYTES) + _to_varint(len(content)) + content


def _to_varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
