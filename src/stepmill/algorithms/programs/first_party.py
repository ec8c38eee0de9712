"""What linear learner, k-means, k-NN and PCA share: their data, the lines of their logs, their models.

Source: developer guide, "Common data formats for training"; logs of AWS's algorithms, which the metric
definitions of DescribeTrainingJob read.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .csv_format import read_csv
from .errors import CustomerError
from .files import data_files, read_file
from .hosts import Hosts
from .inference import mark_model
from .job import Job
from .media import CSV, RECORDIO, media_type
from .tables import CsvLayout, Table, dense, from_columns, joined, read_channel, read_share, without_rows

# What AWS's algorithms call their model; there it is an MXNet file, here NumPy's npz.
MODEL_NAME = "model_algo-1"
AUTO = "auto"
# Whoever trains twice gets the same model.
SEED = 0

_log = logging.getLogger(__name__)


class Settings:
    """Hyperparameters by name. They have been checked when the job was taken.

    Args:
        given: As given.
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = {name: value.strip() for name, value in given.items()}

    def text(self, name: str, default: str = "") -> str:
        """Return one as it was given."""
        return self._given.get(name, default)

    def has(self, name: str) -> bool:
        """Return whether it is given, and not as ``auto``."""
        return self._given.get(name, AUTO) != AUTO

    def integer(self, name: str, default: int) -> int:
        """Return an integer; the default stands for ``auto``, too."""
        return int(self._given[name]) if self.has(name) else default

    def number(self, name: str, default: float) -> float:
        """Return a number; the default stands for ``auto``, too."""
        return float(self._given[name]) if self.has(name) else default

    def flag(self, name: str, default: bool) -> bool:
        """Return a boolean; the default stands for ``auto``, too."""
        return self._given[name].lower() == "true" if self.has(name) else default


def read_rows(job: Job, hosts: Hosts, channel: str, width: int | None, *, labelled: bool) -> Table:
    """Read a channel into a dense table. All hosts must do so together; one may have no rows.

    Args:
        job: The job.
        hosts: All of them.
        channel: Name of the channel.
        width: feature_dim; ``None``: whatever the data has.
        labelled: Whether rows must have a label.

    Raises:
        CustomerError: If it cannot be read, or has another number of features, or no labels.
    """
    table, widths = read_share(
        hosts, job.channel(channel), lambda: _own_rows(job, channel, width, labelled=labelled)
    )
    if not widths:
        raise CustomerError(f"No data in the {channel} channel.")
    if len(widths) > 1:
        raise CustomerError(f"The files of the {channel} channel do not have equally many features.")
    return without_rows(*widths) if table is None else table


def _own_rows(job: Job, channel: str, width: int | None, *, labelled: bool) -> Table:
    content_type = job.content_type(channel, RECORDIO[0])
    folder = job.channel(channel)
    kind, parameters = media_type(content_type)
    if kind in CSV and "label_size" not in parameters and not labelled:
        table = _unlabelled_csv(folder, width)
    else:
        table = read_channel(folder, content_type, CsvLayout(labels=1))
    if not len(table):
        raise CustomerError(f"No data in the {channel} channel.")
    features = dense(table.features)
    if width is not None and features.shape[1] != width:
        raise CustomerError(
            f"The {channel} channel has {features.shape[1]} features, feature_dim is {width}. In CSV the "
            "first column is the label, unless the content type says label_size=0."
        )
    if not np.isfinite(features).all():
        raise CustomerError(f"A feature of the {channel} channel is NaN or infinite.")
    if labelled and table.labels is None:
        raise CustomerError(f"The rows of the {channel} channel have no labels.")
    if table.labels is not None and not np.isfinite(table.labels).all():
        raise CustomerError(f"A label of the {channel} channel is NaN or infinite.")
    return Table(features, table.labels)


def _unlabelled_csv(folder: Path, width: int | None) -> Table:
    """Read CSV whose content type does not tell of labels: there is one if that makes the width fit."""
    columns = [read_csv(read_file(path), missing=False) for path in data_files(folder)]
    return joined([from_columns(part, int(part.shape[1] - 1 == width)) for part in columns])


def tell_quality(job: Job, place: str, name: str, value: float, *, word: str = "score") -> None:
    """Write a metric to the log.

    Args:
        job: The job.
        place: On what it was computed: ``test``; or ``epoch=3, train``.
        name: Of the metric.
        value: Of the metric.
        word: ``score`` or ``loss``.
    """
    _log.info("#quality_metric: host=%s, %s %s <%s>=%s", job.host, place, name, word, float(value))


def tell_score(job: Job, channel: str, name: str, value: float) -> None:
    """Write a score of the final model to the log."""
    _log.info("#%s_score (%s) : %s", channel, job.host, (name, float(value)))


def tell_progress(job: Job, done: int, epochs: int) -> None:
    """Write to the log how many of all epochs are done."""
    _log.info("#progress_metric: host=%s, completed %s %% of epochs", job.host, 100.0 * done / epochs)


def tell_throughput(job: Job, speed: float) -> None:
    """Write to the log how many records a second training takes in."""
    _log.info("#throughput_metric: host=%s, train throughput=%s records/second", job.host, speed)


class Progress:
    """Tells how far training is, and how fast.

    Args:
        job: The job.
        epochs: How many there will be.
        rows: How many an epoch has.
    """

    def __init__(self, job: Job, epochs: int, rows: int) -> None:
        self._job, self._epochs, self._rows = job, epochs, rows
        self._begun, self._passes = time.monotonic(), 0

    def epoch(self, number: int) -> None:
        """Tell of the end of an epoch; the first is 0."""
        self._passes += 1
        tell_progress(self._job, number + 1, self._epochs)
        seconds = max(time.monotonic() - self._begun, 1e-9)
        tell_throughput(self._job, self._passes * self._rows / seconds)


def save_arrays(job: Job, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Leave a model of arrays."""
    with (job.model / MODEL_NAME).open("wb") as file:
        # One by one: a name must not be taken for an option of savez.
        named: Any = dict(arrays)
        np.savez(file, **named)
    mark_model(job.model, name)


def load_arrays(folder: Path) -> dict[str, NDArray[Any]]:
    """Load a model of arrays.

    Raises:
        RuntimeError: If there is none.
    """
    try:
        with np.load(folder / MODEL_NAME, allow_pickle=False) as found:
            return dict(found)
    except (OSError, ValueError, EOFError) as error:
        raise RuntimeError(f"The model {MODEL_NAME} cannot be loaded: {error}") from error
