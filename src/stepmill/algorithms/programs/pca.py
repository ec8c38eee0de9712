"""Principal component analysis: training and answers.

Source: developer guide, "How PCA Works" and "PCA Response Formats". The model holds ``mean``, ``v`` (one
component per column) and ``s`` (singular values), from the smallest to the largest, as AWS's does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.extmath import randomized_svd

from .first_party import SEED, Progress, Settings, load_arrays, read_rows, save_arrays, tell_quality
from .hosts import Hosts, meet
from .job import TEST, TRAIN, Job
from .payloads import read_request, write_answer

NAME = "pca"
_LEAST_EXTRA = 10


def train(job: Job) -> None:
    """Train, and leave the model.

    Raises:
        CustomerError: If the data cannot be taken.
    """
    settings = Settings(job.hyperparameters)
    width = settings.integer("feature_dim", 0)
    with meet(job) as hosts:
        table = read_rows(job, hosts, TRAIN, width, labelled=False)
        progress = Progress(job, 1, len(table))
        rows = table.features.astype(np.float64)
        mean = np.zeros(width)
        if settings.flag("subtract_mean", default=True):
            total, count = hosts.total(rows.sum(axis=0), len(rows))
            mean = total / count
        values, components = _decomposed(settings, hosts, rows - mean)
        progress.epoch(0)
        model = {"mean": mean, "s": values[::-1], "v": _turned(components)[:, ::-1]}
        if job.has(TEST):
            test = read_rows(job, hosts, TEST, width, labelled=False)
            _tell_loss(job, hosts, model, test.features)
        if hosts.is_first:
            save_arrays(job, NAME, {name: array.astype(np.float32) for name, array in model.items()})


def _decomposed(
    settings: Settings, hosts: Hosts, rows: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return singular values and components of the rows of all hosts, the largest first."""
    count = settings.integer("num_components", 1)
    if settings.text("algorithm_mode", "regular") != "randomized":
        (covariance,) = hosts.total(rows.T @ rows)
        return _regular(covariance, count)
    extra = settings.integer("extra_components", -1)
    if hosts.count > 1:
        # A triangle has the components of the rows that it is made of, and is no longer than they are wide.
        rows = hosts.rows(np.asarray(np.linalg.qr(rows, mode="r")))
    return _randomized(rows, count, max(_LEAST_EXTRA, count) if extra < 0 else extra)


def _regular(covariance: NDArray[np.float64], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values, vectors = np.linalg.eigh(covariance)
    order = np.argsort(values)[::-1][:count]
    return np.sqrt(np.maximum(values[order], 0)), vectors[:, order]


def _randomized(
    rows: NDArray[np.float64], count: int, extra: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    wanted = min(count, *rows.shape)
    _, values, components = randomized_svd(rows, n_components=wanted, n_oversamples=extra, random_state=SEED)
    if wanted < count:
        # Fewer rows than components: the others say nothing, but are there.
        return _regular(rows.T @ rows, count)
    return values, components.T


def _turned(components: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn each component so that its largest entry is positive: a decomposition leaves that open."""
    largest = np.abs(components).argmax(axis=0)
    signs = np.sign(components[largest, np.arange(components.shape[1])])
    return components * np.where(signs == 0, 1, signs)


def _tell_loss(job: Job, hosts: Hosts, model: dict[str, NDArray[Any]], rows: NDArray[Any]) -> None:
    centred = rows - model["mean"]
    rest = centred - centred @ model["v"] @ model["v"].T
    total, count = hosts.total((rest**2).sum(), len(rows))
    tell_quality(job, TEST, "reconstruction_mse", float(total / count), word="loss")


def load(folder: Path) -> dict[str, NDArray[Any]]:
    """Load the model in a folder."""
    return load_arrays(folder)


def respond(model: dict[str, NDArray[Any]], body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
    """Answer with the projection of each row. See ``inference.transform_fn`` for what it raises."""
    rows = read_request(body, content_type, len(model["mean"]))
    projections = (rows - model["mean"]) @ model["v"]
    return write_answer(
        [{"projection": projection} for projection in projections.tolist()], accept, member="projections"
    )
