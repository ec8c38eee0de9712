"""The channels of DeepAR: JSON Lines and Parquet, and what is learnt of them before training.

Source: developer guide, "Input/Output Interface for the DeepAR Algorithm", "Best Practices for Using the
DeepAR Algorithm"; lines of the container's log.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .deepar_records import Layout, Record, SeriesError, record_of
from .errors import CustomerError
from .files import data_files, read_file
from .first_party import Settings
from .job import TRAIN, Job
from .media import JSON, JSON_LINES, PARQUET, media_type

# Fewer than these cannot be trained on, the guide says.
_FEWEST_OBSERVATIONS = 300
_PARQUET_ROWS = 1000
# More than this are rather identifiers than categories: each would have a vector of its own.
_MOST_CATEGORIES = 1_000_000
_COLUMNS = ("start", "target", "cat", "dynamic_feat")
_IGNORED = ("ignore", "")

_log = logging.getLogger(__name__)


class Placed:
    """Time series, and where each was found.

    Args:
        channel: Name of the channel.
        folder: Its folder.
    """

    def __init__(self, channel: str, folder: Path) -> None:
        self.channel = channel
        self.records: list[Record] = []
        self.places: list[str] = []
        self.first_file = folder

    def __len__(self) -> int:
        return len(self.records)

    def add(self, record: Record, place: str, file: Path) -> None:
        """Keep a time series."""
        if not self.records:
            self.first_file = file
        self.records.append(record)
        self.places.append(place)

    def fit(self, layout: Layout) -> None:
        """Hold each against what all must have.

        Raises:
            CustomerError: If one does not fit.
        """
        for index, record in enumerate(self.records):
            try:
                self.records[index] = layout.fitted(record)
            except SeriesError as error:
                raise CustomerError(f"{self.places[index]}: {error}") from error


def read_series(job: Job, channel: str) -> Placed:
    """Read a channel.

    Raises:
        CustomerError: If it is empty, or something of it cannot be read. It names the file and the line.
    """
    folder = job.channel(channel)
    kind = media_type(job.content_type(channel, ""))[0]
    found = Placed(channel, folder)
    for path in data_files(folder, _counts):
        name = path.relative_to(folder).as_posix()
        rows = _parquet(path, name) if _is_parquet(path, kind) else _lines(path, name)
        for place, fields in rows:
            try:
                record = record_of(fields)
            except SeriesError as error:
                raise CustomerError(f"{place}: {error}") from error
            found.add(record, place, path)
    if not found:
        raise CustomerError(f"There is no time series in the {channel} channel.")
    return found


def _counts(path: Path) -> bool:
    return path.name != "_SUCCESS" and not any(part.startswith(".") for part in path.parts)


def _is_parquet(path: Path, kind: str) -> bool:
    name = path.name.lower()
    if name.endswith((".json", ".json.gz", ".jsonl", ".jsonl.gz")):
        return False
    if name.endswith(".parquet") or kind in PARQUET:
        return True
    if kind in (*JSON, *JSON_LINES):
        return False
    raise CustomerError(
        f"The name of {path.name} does not tell what it holds. Call it .json, .json.gz or .parquet, or set "
        "the channel's ContentType to json or parquet."
    )


def _lines(path: Path, name: str) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(read_file(path).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            yield f"{name}, line {number}", json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CustomerError(f"{name}, line {number}: not JSON: {error}") from error


def _parquet(path: Path, name: str) -> Iterator[tuple[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        file = pq.ParquetFile(io.BytesIO(read_file(path)))
        wanted = [column for column in _COLUMNS if column in file.schema_arrow.names]
        for batch in file.iter_batches(batch_size=_PARQUET_ROWS, columns=wanted):
            for fields in batch.to_pylist():
                number += 1
                yield f"{name}, row {number}", fields
    except (pa.ArrowException, OSError) as error:
        raise CustomerError(f"{name} cannot be read as Parquet: {error}") from error


def layout_of(settings: Settings, train: Placed, horizon: int) -> Layout:
    """Return which categories and features are used, as the hyperparameters and the data say.

    Raises:
        CustomerError: If the data cannot be trained on.
    """
    layout = Layout(_cardinality(settings, train), _feature_count(settings, train), horizon)
    train.fit(layout)
    count = sum(len(record.target) for record in train.records)
    if count < _FEWEST_OBSERVATIONS:
        raise CustomerError(
            f"There are {count} observations in all training time series; DeepAR needs at least "
            f"{_FEWEST_OBSERVATIONS}."
        )
    if all(len(record.target) <= horizon for record in train.records):
        raise CustomerError(
            f"No training time series is longer than prediction_length={horizon}: nothing could be learnt."
        )
    return layout


def _cardinality(settings: Settings, train: Placed) -> tuple[int, ...]:
    asked = settings.text("cardinality", "auto")
    if asked in _IGNORED:
        return ()
    if asked != "auto":
        return tuple(int(count) for count in json.loads(asked))
    first = train.records[0].categories
    _tell_found(train, "cardinality", "cat", found=bool(first))
    if not first:
        return _none_later(train, "cat", [bool(record.categories) for record in train.records])
    most = list(first)
    for record, place in zip(train.records, train.places, strict=True):
        found = record.categories or ()
        if len(found) != len(first):
            raise CustomerError(
                f"{place}: cat has {len(found)} values; the first time series has {len(first)}."
            )
        most = [max(pair) for pair in zip(most, found, strict=True)]
    counts = tuple(value + 1 for value in most)
    if max(counts) > _MOST_CATEGORIES:
        raise CustomerError(
            f"cat has the value {max(counts) - 1}. Categories are numbered from 0, without gaps; set "
            f"cardinality if there are more than {_MOST_CATEGORIES}."
        )
    _log.info("[cardinality=auto] Inferred value of cardinality=%s from dataset.", list(counts))
    return counts


def _feature_count(settings: Settings, train: Placed) -> int:
    asked = settings.text("num_dynamic_feat", "auto")
    if asked in _IGNORED:
        return 0
    if asked != "auto":
        return int(asked)
    first = train.records[0].features
    _tell_found(train, "num_dynamic_feat", "dynamic_feat", found=first is not None)
    if first is None:
        there = [record.features is not None for record in train.records]
        return len(_none_later(train, "dynamic_feat", there))
    _log.info("[num_dynamic_feat=auto] Inferred value of num_dynamic_feat=%d from dataset.", len(first))
    return len(first)


def _tell_found(train: Placed, setting: str, field: str, *, found: bool) -> None:
    was, will = ("was found", "will be used") if found else ("was NOT found", "will NOT be used")
    _log.info(
        "[%s=auto] `%s` field %s in the file `%s` and %s for training.",
        setting,
        field,
        was,
        train.first_file,
        will,
    )


def _none_later(train: Placed, field: str, there: Sequence[bool]) -> tuple[int, ...]:
    """Refuse a field that some time series have, and the first has not."""
    if any(there):
        place = train.places[list(there).index(True)]
        raise CustomerError(
            f"{place}: there is {field}, which the first time series does not have. All must have it, or "
            f"none; or set {'cardinality' if field == 'cat' else 'num_dynamic_feat'} to ignore."
        )
    return ()


def check_test(test: Placed, layout: Layout) -> None:
    """Hold the test channel against the model to be.

    Raises:
        CustomerError: If a time series does not fit, or has no values before those to be forecast.
    """
    test.fit(layout)
    for record, place in zip(test.records, test.places, strict=True):
        if len(record.target) <= layout.horizon:
            raise CustomerError(
                f"{place}: target has {len(record.target)} values; in the test channel it needs more than "
                f"prediction_length={layout.horizon}."
            )


def check_likelihood(likelihood: str, data: Placed) -> None:
    """Refuse values that a likelihood cannot have given.

    Raises:
        CustomerError: If there is one.
    """
    for record, place in zip(data.records, data.places, strict=True):
        known = record.target[~np.isnan(record.target)]
        if likelihood == "beta" and ((known < 0) | (known > 1)).any():
            raise CustomerError(f"{place}: likelihood beta needs values from 0 to 1.")
        if likelihood == "negative-binomial" and ((known < 0) | (known != np.floor(known))).any():
            raise CustomerError(f"{place}: likelihood negative-binomial needs counts: 0, 1, 2, ...")


def tell_statistics(data: Placed) -> None:
    """Write to the log what is in a channel."""
    _log.info("%s set statistics:", "Training" if data.channel == TRAIN else "Test")
    values = np.concatenate([record.target for record in data.records])
    known = values[~np.isnan(values)].astype(np.float64)
    whole = bool((known == np.floor(known)).all())
    _log.info("%s time series", "Integer" if whole else "Real")
    _log.info("number of time series: %d", len(data))
    _log.info("number of observations: %d", len(known))
    _log.info("mean target length: %s", len(values) / len(data))
    if len(known):
        _log.info("min/mean/max target: %s/%s/%s", known.min(), known.mean(), known.max())
        _log.info("mean abs(target): %s", np.abs(known).mean())
    missing = len(values) - len(known)
    share = f"yes ({100 * missing / len(values):.1f}%)" if missing else "no"
    _log.info("contains missing values: %s", share)
