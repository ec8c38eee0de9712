"""Rows of numbers with their labels, read from the files of a channel in any documented format.

Source: developer guide, "Common data formats for training": CSV has no header, the label comes first,
``label_size`` says how many columns of labels there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .csv_format import read_csv
from .errors import CustomerError
from .files import data_files, has_data, read_file
from .hosts import Hosts
from .libsvm import read_libsvm
from .media import CSV, LIBSVM, PARQUET, RECORDIO, label_size_of, media_type
from .recordio import Record, RecordError, Tensor, read_alike, read_records

Vector = NDArray[np.float32]

# Sparse rows name their width themselves: a few bytes must not fill the memory.
LARGEST_DENSE = 2**31
_VALUES = "values"


@dataclass(frozen=True)
class Table:
    """Rows.

    Args:
        features: Shape (n_rows, n_features), float32: an array, or a ``scipy.sparse.csr_matrix``. What is not
            told is NaN in an array, and absent from a sparse matrix.
        labels: Shape (n_rows,); ``None`` if there are none.
        weights: Shape (n_rows,); ``None`` if all rows count the same.
    """

    features: Any
    labels: Vector | None = None
    weights: Vector | None = None

    def __len__(self) -> int:
        return int(self.features.shape[0])

    @property
    def width(self) -> int:
        """Number of features."""
        return int(self.features.shape[1])


@dataclass(frozen=True)
class CsvLayout:
    """What the columns of a CSV file are, where its content type does not tell.

    Args:
        labels: So many columns of labels come first.
        weighted: Whether the weight of the row comes next.
        missing: Whether cells may be empty.
    """

    labels: int = 1
    weighted: bool = False
    missing: bool = False


def read_channel(folder: Path, content_type: str, layout: CsvLayout) -> Table:
    """Read all files of a channel into one table.

    Raises:
        CustomerError: If a file cannot be read, or they do not fit together.
    """
    return joined([_read(path, content_type, layout) for path in data_files(folder)])


def read_share(hosts: Hosts, folder: Path, read: Callable[[], Table]) -> tuple[Table | None, set[int]]:
    """Read what each host has of a channel. All hosts must do so together.

    Args:
        hosts: All of them.
        folder: Of the channel.
        read: Reads it on this host.

    Returns:
        The table of this host, ``None`` if it has no files; and how wide the tables of all hosts are.
    """
    # Where there are fewer files than hosts, some have none.
    has_files = hosts.count == 1 or has_data(folder)
    table = read() if has_files else None
    return table, set(hosts.each(0 if table is None else table.width)) - {0}


def without_rows(width: int) -> Table:
    """Return the table of a host that has no files."""
    return Table(np.empty((0, width), np.float32), np.empty(0, np.float32))


def _read(path: Path, content_type: str, layout: CsvLayout) -> Table:
    kind, _ = media_type(content_type)
    if kind not in (*CSV, *RECORDIO, *LIBSVM, *PARQUET):
        raise CustomerError(f"{content_type!r} is not an accepted ContentType.")
    if kind in CSV:
        layout = replace(layout, labels=label_size_of(content_type, layout.labels))
    try:
        return _parsed(path, kind, layout)
    except (CustomerError, RecordError) as error:
        raise CustomerError(f"Failed to load {path.name}: {error}") from error


def _parsed(path: Path, kind: str, layout: CsvLayout) -> Table:
    if kind in PARQUET:
        return from_columns(_parquet(path), layout.labels)
    content = read_file(path)
    if kind in RECORDIO:
        return from_recordio(content)
    if kind in LIBSVM:
        return _of_libsvm(content)
    return from_columns(read_csv(content, missing=layout.missing), layout.labels, weighted=layout.weighted)


def from_columns(columns: NDArray[np.float64], labels: int, *, weighted: bool = False) -> Table:
    """Return the table of rows whose first columns are labels and, if asked for, weights.

    Raises:
        CustomerError: If there are not as many columns.
    """
    if not len(columns):
        return Table(np.empty((0, 0), np.float32))
    first = labels + weighted
    if columns.shape[1] <= first:
        raise CustomerError(
            f"The rows have {columns.shape[1]} columns: {labels} of labels and {int(weighted)} of weights "
            "leave none for features."
        )
    narrow = columns.astype(np.float32)
    return Table(
        narrow[:, first:],
        narrow[:, 0] if labels else None,
        narrow[:, labels] if weighted else None,
    )


def from_recordio(data: bytes) -> Table:
    """Return the table of a recordIO file. See ``from_records``."""
    alike = read_alike(data)
    return from_records(read_records(data)) if alike is None else Table(*alike)


def from_records(records: Iterable[Record]) -> Table:
    """Return the table of recordIO records: of each the feature and the label called ``values``.

    Raises:
        CustomerError: If they do not have the same form.
    """
    vectors: list[Tensor] = []
    labels: list[float] = []
    for place, record in enumerate(records):
        vector = record.features.get(_VALUES)
        if vector is None:
            raise CustomerError(f"Record {place + 1} has no feature {_VALUES!r}.")
        vectors.append(vector)
        label = record.label.get(_VALUES)
        if label is not None and len(label.values):
            labels.append(float(label.values[0]))
    if labels and len(labels) != len(vectors):
        raise CustomerError("Some records have a label, and some have none.")
    return Table(
        _sparse(vectors) if any(vector.keys is not None for vector in vectors) else _dense(vectors),
        np.array(labels, np.float32) if labels else None,
    )


def _dense(vectors: Sequence[Tensor]) -> NDArray[np.float32]:
    widths = {len(vector.values) for vector in vectors}
    if len(widths) > 1:
        raise CustomerError(f"The records do not have equally many features: {sorted(widths)[:5]}.")
    if not vectors:
        return np.empty((0, 0), np.float32)
    return np.stack([vector.values for vector in vectors]).astype(np.float32)


def _sparse(vectors: Sequence[Tensor]) -> Any:
    from scipy.sparse import csr_matrix

    sizes = {vector.size for vector in vectors if vector.keys is not None}
    if len(sizes) > 1:
        raise CustomerError(f"The sparse records do not have the same shape: {sorted(sizes)[:5]}.")
    keys = [np.arange(len(v.values)) if v.keys is None else v.keys for v in vectors]
    width = max(sizes.pop(), *(int(k.max()) + 1 if len(k) else 0 for k in keys), 0)
    ends = np.cumsum([0, *(len(k) for k in keys)])
    values = np.concatenate([vector.values for vector in vectors]).astype(np.float32)
    return csr_matrix((values, np.concatenate(keys), ends), shape=(len(vectors), width))


def _of_libsvm(data: bytes) -> Table:
    matrix, labels, weights = read_libsvm(data)
    return Table(matrix, np.array(labels, np.float32), np.array(weights, np.float32) if weights else None)


def _parquet(path: Path) -> NDArray[np.float64]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise CustomerError("Parquet needs pyarrow, which is not in this environment.") from error
    try:
        # One column at a time: a file that claims to be far wider than it is fails before it is in memory.
        table = pq.read_table(path)
        columns = [column.to_numpy().astype(np.float64) for column in table.columns]
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise CustomerError(f"it is not Parquet of numbers: {error}") from error
    return np.column_stack(columns) if columns else np.empty((0, 0))


def joined(tables: Sequence[Table]) -> Table:
    """Return several tables, one below the other.

    Raises:
        CustomerError: If they are not equally wide, or only some have labels.
    """
    tables = [table for table in tables if len(table)]
    if not tables:
        return Table(np.empty((0, 0), np.float32))
    if len(tables) == 1:
        return tables[0]
    return Table(
        _joined_features([table.features for table in tables]),
        _joined_column([table.labels for table in tables], "a label"),
        _joined_column([table.weights for table in tables], "a weight"),
    )


def _joined_features(parts: Sequence[Any]) -> Any:
    if all(isinstance(part, np.ndarray) for part in parts):
        widths = sorted({part.shape[1] for part in parts})
        if len(widths) > 1:
            raise CustomerError(f"The files do not have equally many features: {widths[:5]}.")
        return np.concatenate(parts)
    from scipy.sparse import csr_matrix, vstack

    width = max(part.shape[1] for part in parts)
    matrices = [csr_matrix(part) for part in parts]
    for matrix in matrices:
        matrix.resize((matrix.shape[0], width))
    return vstack(matrices, format="csr")


def _joined_column(parts: Sequence[Vector | None], what: str) -> Vector | None:
    there = [part for part in parts if part is not None]
    if there and len(there) != len(parts):
        raise CustomerError(f"The rows of some files have {what}, and those of others have none.")
    return np.concatenate(there) if there else None


def dense(features: Any) -> NDArray[np.float32]:
    """Return features as an array: what a sparse matrix does not tell is 0.

    Raises:
        CustomerError: If that would be too large.
    """
    if isinstance(features, np.ndarray):
        return features
    if features.shape[0] * features.shape[1] > LARGEST_DENSE:
        raise CustomerError(f"Sparse data of the shape {features.shape} is too large to be unfolded.")
    return np.asarray(features.toarray(), np.float32)
