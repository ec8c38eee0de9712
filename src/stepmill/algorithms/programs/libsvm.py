"""The libsvm format: ``<label>[:<weight>] <index>:<value> ...``, one row per line.

Source: XGBoost, "Text Input Format of DMatrix": indexes begin at 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import CustomerError

_WIDEST = 2**31 - 1
_SHOWN = 50


def read_libsvm(data: bytes, *, labelled: bool = True) -> tuple[Any, list[float], list[float]]:
    """Read sparse rows.

    Args:
        data: The file.
        labelled: Whether each line must begin with a label. In requests it may be left out.

    Returns:
        A ``scipy.sparse.csr_matrix`` of float32; the labels; the weights, none or one per row.

    Raises:
        CustomerError: If a line is not in that format.
    """
    from scipy.sparse import csr_matrix

    labels: list[float] = []
    weights: list[float] = []
    values: list[float] = []
    columns: list[int] = []
    ends = [0]
    for place, line in enumerate(data.split(b"\n")):
        words = line.partition(b"#")[0].split()
        if not words:
            continue
        try:
            words = _take_label(words, labels, weights, required=labelled)
            for word in words:
                index, colon, value = word.partition(b":")
                if not colon:
                    raise ValueError(f"{_shown(word)} is not <index>:<value>")
                columns.append(_index(index))
                values.append(float(value))
        except ValueError as error:
            raise CustomerError(f"Line {place + 1} is not in libsvm format: {error}.") from error
        ends.append(len(values))
    if weights and len(weights) != len(labels):
        raise CustomerError("Some lines have a weight after their label, and some have none.")
    rows, width = len(ends) - 1, max(columns, default=-1) + 1
    matrix = csr_matrix(
        (np.array(values, np.float32), np.array(columns, np.int64), np.array(ends, np.int64)),
        shape=(rows, width),
    )
    return matrix, labels, weights


def _take_label(
    words: list[bytes], labels: list[float], weights: list[float], *, required: bool
) -> list[bytes]:
    label, colon, weight = words[0].partition(b":")
    if not required:
        # Without a label the first word is already an index with its value.
        return words if colon else words[1:]
    labels.append(float(label))
    if colon:
        weights.append(float(weight))
    return words[1:]


def _index(text: bytes) -> int:
    if not text.isdigit() or len(text) > 10 or int(text) >= _WIDEST:
        raise ValueError(f"{_shown(text)} is not the index of a feature")
    return int(text)


def _shown(text: bytes) -> str:
    return repr(text[:_SHOWN].decode("utf-8", "replace"))
