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
from .job import TEST, TRAIN, Job, require_one_host
from .payloads import read_request, write_answer

NAME = "pca"
_LEAST_EXTRA = 10


def train(job: Job) -> None:
    """Train, and leave the model.

    Raises:
        CustomerError: If the data cannot be taken.
    """
    require_one_host(job)
    settings = Settings(job.hyperparameters)
    width = settings.integer("feature_dim", 0)
    count = settings.integer("num_components", 1)
    table = read_rows(job, TRAIN, width, labelled=False)
    progress = Progress(job, 1, len(table))
    rows = table.features.astype(np.float64)
    mean = rows.mean(axis=0) if settings.flag("subtract_mean", default=True) else np.zeros(width)
    if settings.text("algorithm_mode", "regular") == "randomized":
        extra = settings.integer("extra_components", -1)
        found = _randomized(rows - mean, count, max(_LEAST_EXTRA, count) if extra < 0 else extra)
    else:
        found = _regular(rows - mean, count)
    progress.epoch(0)
    values, components = found
    model = {"mean": mean, "s": values[::-1], "v": _turned(components)[:, ::-1]}
    if job.has(TEST):
        test = read_rows(job, TEST, width, labelled=False)
        _tell_loss(job, model, test.features)
    save_arrays(job, NAME, {name: array.astype(np.float32) for name, array in model.items()})


def _regular(rows: NDArray[np.float64], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return singular values and components, the largest first, by the covariance matrix."""
    values, vectors = np.linalg.eigh(rows.T @ rows)
    order = np.argsort(values)[::-1][:count]
    return np.sqrt(np.maximum(values[order], 0)), vectors[:, order]


def _randomized(
    rows: NDArray[np.float64], count: int, extra: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    wanted = min(count, *rows.shape)
    _, values, components = randomized_svd(rows, n_components=wanted, n_oversamples=extra, random_state=SEED)
    if wanted < count:
        # Fewer rows than components: the others say nothing, but are there.
        return _regular(rows, count)
    return values, components.T


def _turned(components: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn each component so that its largest entry is positive: a decomposition leaves that open."""
    largest = np.abs(components).argmax(axis=0)
    signs = np.sign(components[largest, np.arange(components.shape[1])])
    return components * np.where(signs == 0, 1, signs)


def _tell_loss(job: Job, model: dict[str, NDArray[Any]], rows: NDArray[Any]) -> None:
    centred = rows - model["mean"]
    rest = centred - centred @ model["v"] @ model["v"].T
    tell_quality(job, TEST, "reconstruction_mse", float((rest**2).sum(axis=1).mean()), word="loss")


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
