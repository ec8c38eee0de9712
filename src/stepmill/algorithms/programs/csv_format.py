"""CSV without a header, numbers only: rows of a training file or of a request.

Source: developer guide, "Common data formats for training"; the XGBoost container takes the delimiter from
the first line, and an empty cell as a missing value.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from .errors import CustomerError

_DELIMITERS = b",;\t|"
_SHOWN = 50
# No number is longer, and all cells take as much memory as the longest.
_LONGEST_CELL = 64


def read_csv(data: bytes, *, missing: bool) -> NDArray[np.float64]:
    """Read rows of numbers.

    Args:
        data: The file.
        missing: Whether a cell may be empty, or ``NaN``: it is NaN then.

    Returns:
        Shape (n_rows, n_columns).

    Raises:
        CustomerError: If a cell is no number, or the rows are not equally long.
    """
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removeprefix(b"\xef\xbb\xbf").split(b"\n")
    lines = [line for line in lines if line.strip()]
    if not lines:
        return np.empty((0, 0))
    delimiter = _delimiter_of(lines[0])
    width = _width_of(lines, delimiter)
    try:
        found = _numbers(lines, delimiter)
    except ValueError as error:
        raise CustomerError(_what_is_wrong(lines, delimiter, str(error))) from error
    table = found.reshape(len(lines), width)
    if not missing and not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0]
        raise CustomerError(
            f"Line {row + 1}, column {column + 1}: the value is missing, NaN or infinite, and the algorithm "
            "does not take that."
        )
    if np.isinf(table).any():
        row, column = np.argwhere(np.isinf(table))[0]
        raise CustomerError(f"Line {row + 1}, column {column + 1}: the value is infinite.")
    return table


def _delimiter_of(line: bytes) -> bytes:
    counts = {bytes([sign]): line.count(sign) for sign in _DELIMITERS}
    best = max(counts, key=lambda sign: counts[sign])
    return best if counts[best] else b","


def _width_of(lines: list[bytes], delimiter: bytes) -> int:
    width = lines[0].count(delimiter)
    for place, line in enumerate(lines):
        if line.count(delimiter) != width:
            raise CustomerError(
                f"Line {place + 1} has {line.count(delimiter) + 1} columns, the first has {width + 1}: "
                f"{_shown(line)}"
            )
    return width + 1


def _numbers(lines: list[bytes], delimiter: bytes) -> NDArray[np.float64]:
    try:
        # Much faster, but it knows no empty cells.
        return np.loadtxt(lines, np.float64, comments=None, delimiter=delimiter.decode(), ndmin=2).ravel()
    except ValueError:
        return _numbers_or_nothing(lines, delimiter)


def _numbers_or_nothing(lines: list[bytes], delimiter: bytes) -> NDArray[np.float64]:
    text = delimiter.join(lines).replace(b'"', b"")
    cells = text.split(delimiter)
    if b"" in cells or re.search(rb"\s", text):
        cells = [cell.strip() or b"nan" for cell in cells]
    if b"_" in text or max(map(len, cells)) > _LONGEST_CELL:
        raise ValueError("a cell is not a number")
    return np.array(cells, dtype="S").astype(np.float64)


def _what_is_wrong(lines: list[bytes], delimiter: bytes, message: str) -> str:
    for row, line in enumerate(lines):
        for column, cell in enumerate(line.split(delimiter)):
            try:
                if len(cell) > _LONGEST_CELL or b"_" in cell:
                    raise ValueError
                float(cell.strip(b'" \t') or b"nan")
            except ValueError:
                header = " A header is not expected." if row == 0 else ""
                return f"Line {row + 1}, column {column + 1}: {_shown(cell)} is not a number.{header}"
    return message


def _shown(text: bytes) -> str:
    return repr(text[:_SHOWN].decode("utf-8", "replace"))
