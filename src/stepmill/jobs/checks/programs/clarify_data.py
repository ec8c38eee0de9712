"""Reads the data of Clarify: tables, and SageMaker's dense JSON Lines.

Source: developer guide, "Configure the Analysis"; "Common data formats for inference", JSONLINES dense.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .bias_columns import numbers_of
from .clarify_config import Analysis
from .datasets import MOST_COLUMNS, data_files, json_lines, read_dataset
from .documents import object_of
from .errors import CustomerError
from .explain_config import CSV, JSON_LINES
from .flattening import text_of
from .settings import Settings


def read_data(analysis: Analysis, source: Path) -> tuple[pd.DataFrame, Analysis]:
    """Return the data with its names, and the analysis with the names of its columns.

    Numbers are numbers where the files have types, all else is text, ``None`` if missing.

    Args:
        analysis: Says what the data is and how its columns are called.
        source: Folder of the files.

    Raises:
        CustomerError: If it cannot be read, or the headers are not those of the data.
    """
    headers = list(analysis.headers)
    if analysis.dataset_type == CSV:
        has_names = _begins_with_names(source, headers)
        table = read_dataset(Settings("csv", has_names, source, source))
        if not has_names:
            table.columns = pd.Index(headers or [f"column_{place}" for place in range(table.shape[1])])
        return table, analysis
    if analysis.features:
        return _read_dense(analysis, source)
    kind = "json" if analysis.dataset_type == JSON_LINES else "parquet"
    table = read_dataset(Settings(kind, False, source, source))
    if headers and set(headers) != set(table.columns):
        raise CustomerError("The headers are not the names that the columns of the data have.")
    return table, analysis


def texts_of(table: pd.DataFrame) -> Any:
    """Return all values as they are written; ``None`` where one is missing. Shape (n, columns)."""
    found = np.empty(table.shape, dtype=object)
    for place, name in enumerate(table.columns):
        column = table[name]
        found[:, place] = [
            None if missing else str(value) for value, missing in zip(column, column.isna(), strict=True)
        ]
    return found


def _begins_with_names(source: Path, headers: list[str]) -> bool:
    """Return whether CSV files begin with the names of their columns: the headers, else no number."""
    first = next((path for path in data_files(source) if path.stat().st_size), None)
    if first is None:
        return False
    try:
        with first.open(encoding="utf-8", newline="") as lines:
            row = next(csv.reader(lines), [])
    except (ValueError, csv.Error) as error:
        raise CustomerError(f"The file {first.name[:100]!r} cannot be read: {str(error)[:200]}") from error
    if headers:
        if len(row) != len(headers):
            raise CustomerError(f"There are {len(headers)} headers, and the data has {len(row)} columns.")
        return row == headers
    return all(cell.strip() and numbers_of(pd.Series([cell], dtype=object)) is None for cell in row)


def _read_dense(analysis: Analysis, source: Path) -> tuple[pd.DataFrame, Analysis]:
    """Read records that have their features in a list: the headers name these, then the label."""
    others = [str(path) for path in (analysis.label, analysis.predicted_label) if path is not None]
    rows: list[list[str | None]] = []
    width = None
    for where, record in chain.from_iterable(json_lines(path) for path in data_files(source)):
        features = at_path(record, analysis.features)
        if not isinstance(features, list) or any(isinstance(one, dict | list) for one in features):
            raise CustomerError(f"{where}: there is no list of values at {analysis.features!r}.")
        width = len(features) if width is None else width
        if len(features) != width or width > MOST_COLUMNS:
            raise CustomerError(f"{where}: there are {len(features)} features, and at first {width}.")
        rows.append([text_of(one) for one in (*features, *(at_path(record, path) for path in others))])
    if width is None:
        raise CustomerError(f"There is no data in {source}: no file with a record.")
    names = _dense_names(list(analysis.headers), width, others)
    table = pd.DataFrame(rows, columns=pd.Index(names), dtype=object)
    said = None if analysis.predicted_label is None else names[-1]
    return table, replace(analysis, label=names[width] if others else None, predicted_label=said)


def _dense_names(headers: list[str], width: int, others: list[str]) -> list[str]:
    if not headers:
        headers = [f"column_{place}" for place in range(width)]
    if not width <= len(headers) <= width + len(others):
        raise CustomerError(
            f"There are {len(headers)} headers, and records have {width} features and {len(others)} labels."
        )
    names = [*headers, *others[len(headers) - width :]]
    if len(set(names)) < len(names):
        raise CustomerError("A label is called as a feature is. Name it by the last of the headers.")
    return names


def at_path(record: Any, path: str) -> Any:
    """Return what stands at a path of members; ``None`` if there is nothing."""
    for name in path.split("."):
        record = object_of(record).get(name)
    return record
