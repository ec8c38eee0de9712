"""The files of a channel, plain or packed by gzip.

Source: developer guide, "Common data formats for training"; the XGBoost container's ``data_utils.py``: files
in folders below the channel count too, hidden ones and those that begin with ``_`` do not.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

from .errors import CustomerError

_GZIP_MAGIC = b"\x1f\x8b"


def is_data(path: Path) -> bool:
    """Return whether a file counts, by its path inside the channel."""
    return not any(part.startswith((".", "_")) for part in path.parts)


def has_data(folder: Path) -> bool:
    """Return whether a channel has files that count."""
    return any(path.is_file() and is_data(path.relative_to(folder)) for path in folder.rglob("*"))


def data_files(folder: Path, counts: Callable[[Path], bool] = is_data) -> list[Path]:
    """Return the files of a channel in the order of their paths.

    Args:
        folder: Of the channel.
        counts: Whether a file does, by its path inside the channel.

    Raises:
        CustomerError: If there are none.
    """
    found = sorted(path for path in folder.rglob("*") if path.is_file() and counts(path.relative_to(folder)))
    if not found:
        raise CustomerError(f"No data in {folder.name} channel path {folder}")
    return found


def read_file(path: Path) -> bytes:
    """Return what is in a file; unpacked if it is packed by gzip.

    Raises:
        CustomerError: If it is not a whole gzip file.
    """
    content = path.read_bytes()
    if content[:2] != _GZIP_MAGIC:
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise CustomerError(f"The file {path.name} is not a whole gzip file: {error}") from error
