"""K-means: training and answers.

First more centers than are wanted are moved along mini-batches; then Lloyd's algorithm puts them together to
``k``, each with the weight of the rows that it stands for.

Source: developer guide, "How K-Means Clustering Works"; D. Sculley, "Web-Scale K-Means Clustering".
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, kmeans_plusplus
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances_argmin_min

from .errors import CustomerError
from .first_party import (
    SEED,
    Progress,
    Settings,
    load_arrays,
    read_rows,
    save_arrays,
    tell_quality,
    tell_score,
)
from .hosts import Hosts, meet
from .job import TEST, TRAIN, Job
from .payloads import read_request, write_answer

NAME = "kmeans"
_EXTRA_CENTERS = 10
_TRIALS = 10
# So many rows at the beginning the first centers are chosen among.
_START_ROWS = 100_000
Rows = NDArray[np.float32]


def train(job: Job) -> None:
    """Train, and leave the model.

    Raises:
        CustomerError: If the data cannot be taken.
    """
    settings = Settings(job.hyperparameters)
    width = settings.integer("feature_dim", 0)
    with meet(job) as hosts:
        rows = read_rows(job, hosts, TRAIN, width, labelled=False).features
        many, weights = _streamed(job, settings, hosts, rows)
        centers = hosts.first(lambda: _put_together(settings, many, weights))
        scores = json.loads(settings.text("eval_metrics", '["msd"]'))
        _tell(job, hosts, TRAIN, rows, centers, scores)
        if job.has(TEST):
            test = read_rows(job, hosts, TEST, width, labelled=False).features
            _tell(job, hosts, TEST, test, centers, scores)
        if hosts.is_first:
            save_arrays(job, NAME, {"centers": centers})


def _put_together(settings: Settings, many: NDArray[np.float64], weights: NDArray[np.float64]) -> Rows:
    """Return ``k`` centers by Lloyd's algorithm."""
    lloyd = KMeans(
        n_clusters=settings.integer("k", 0),
        init=_start_name(settings.text("local_lloyd_init_method", "kmeans++")),
        n_init=settings.integer("local_lloyd_num_trials", _TRIALS),
        max_iter=settings.integer("local_lloyd_max_iter", 300),
        tol=settings.number("local_lloyd_tol", 1e-4),
        random_state=SEED,
    )
    with warnings.catch_warnings():
        # Rows that are alike leave clusters empty; the metrics tell.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(lloyd.fit(many, sample_weight=weights).cluster_centers_, np.float32)


def _start_name(name: str) -> str:
    return "k-means++" if name == "kmeans++" else name


def _streamed(
    job: Job, settings: Settings, hosts: Hosts, rows: Rows
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centers that mini-batches have made, and how many rows each stands for.

    In each step every host has a mini-batch, and the centers move along those of all.
    """
    k = settings.integer("k", 0)
    (all_rows,) = hosts.total(len(rows))
    if all_rows < k:
        raise CustomerError(f"There are {all_rows} rows, fewer than the k={k} clusters asked for.")
    count = min(k * settings.integer("extra_center_factor", _EXTRA_CENTERS), int(all_rows))
    among = hosts.rows(rows[: max(_START_ROWS, count)].astype(np.float64))[: max(_START_ROWS, count)]
    centers = hosts.first(lambda: _first_centers(settings, among, count))
    counts = np.zeros(len(centers))
    half_life = settings.integer("half_life_time_size", 0)
    size, epochs = settings.integer("mini_batch_size", 5000), settings.integer("epochs", 1)
    progress = Progress(job, epochs, len(rows))
    longest = max(hosts.each(len(rows)))
    for epoch in range(epochs):
        for start in range(0, longest, size):
            sums, new = hosts.total(*_nearest(centers, rows[start : start + size].astype(np.float64)))
            if half_life:
                counts *= 0.5 ** (new.sum() / half_life)
            _move(centers, counts, sums, new)
        progress.epoch(epoch)
    used = counts > 0
    if used.sum() < k:
        # Rows that are all alike: centers that nobody was near fill up what is asked for.
        used[np.argsort(~used, kind="stable")[:k]] = True
    return centers[used], np.maximum(counts[used], 1e-12)


def _first_centers(settings: Settings, among: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    if settings.text("init_method", "random") == "kmeans++":
        centers, _ = kmeans_plusplus(among, n_clusters=count, random_state=SEED)
        return np.asarray(centers)
    return among[np.random.default_rng(SEED).choice(len(among), count, replace=False)]


def _nearest(
    centers: NDArray[np.float64], batch: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return for each center the sum, and the number, of the rows that it is nearest to."""
    sums = np.zeros_like(centers)
    if not len(batch):
        return sums, np.zeros(len(centers))
    nearest, _ = pairwise_distances_argmin_min(batch, centers)
    np.add.at(sums, nearest, batch)
    return sums, np.bincount(nearest, minlength=len(centers)).astype(float)


def _move(
    centers: NDArray[np.float64],
    counts: NDArray[np.float64],
    sums: NDArray[np.float64],
    new: NDArray[np.float64],
) -> None:
    """Move each center to the mean of all rows it has ever had, the new ones included."""
    moved = new > 0
    total = counts[moved] + new[moved]
    share = (counts[moved] / total)[:, None]
    centers[moved] = centers[moved] * share + sums[moved] / total[:, None]
    counts += new


def _tell(job: Job, hosts: Hosts, channel: str, rows: Rows, centers: Rows, scores: list[str]) -> None:
    squares = np.zeros(0)
    if len(rows):
        squares = pairwise_distances_argmin_min(rows, centers)[1].astype(np.float64) ** 2
    total, count = hosts.total(squares.sum(), len(rows))
    for name in scores:
        value = float(total / count if name == "msd" else total)
        tell_quality(job, channel, name, value, word="loss")
        tell_score(job, channel, name, value)


def load(folder: Path) -> NDArray[Any]:
    """Load the centers in a folder."""
    return load_arrays(folder)["centers"]


def respond(model: NDArray[Any], body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
    """Answer with the cluster of each row. See ``inference.transform_fn`` for what it raises."""
    rows = read_request(body, content_type, model.shape[1])
    nearest, distances = pairwise_distances_argmin_min(rows, model)
    return write_answer(
        [
            {"closest_cluster": float(cluster), "distance_to_cluster": float(distance)}
            for cluster, distance in zip(nearest, distances, strict=True)
        ],
        accept,
    )
