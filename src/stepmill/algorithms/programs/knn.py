"""K nearest neighbors: training and answers.

Training samples rows, and reduces their dimension if asked for. Neighbors are found exactly, whatever index
was named.

Source: developer guide, "How the k-NN Algorithm Works" and "k-NN Request and Response Formats"; N. Ailon and
B. Chazelle, "The Fast Johnson-Lindenstrauss Transform".
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

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
from .media import media_type
from .payloads import read_request, write_answer
from .tables import Table

NAME = "knn"
_METRICS = {"L2": "euclidean", "COSINE": "cosine"}
_CHUNK = 4096
Array = NDArray[Any]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Model:
    """Rows to look among.

    Args:
        rows: Shape (n_rows, dimension), reduced.
        labels: Shape (n_rows,).
        projection: Shape (n_features, dimension): reduces a row; empty if none is.
        k: Number of neighbors.
        metric: ``L2``, ``COSINE`` or ``INNER_PRODUCT``.
        classifies: Whether labels are classes.
        width: Number of features.
    """

    rows: Array
    labels: Array
    projection: Array
    k: int
    metric: str
    classifies: bool
    width: int


def train(job: Job) -> None:
    """Train, and leave the model.

    Raises:
        CustomerError: If the data cannot be taken.
    """
    settings = Settings(job.hyperparameters)
    width = settings.integer("feature_dim", 0)
    if settings.text("index_type", "faiss.Flat") != "faiss.Flat":
        _log.info("The index is exact here, not %s.", settings.text("index_type"))
    with meet(job) as hosts:
        table = read_rows(job, hosts, TRAIN, width, labelled=True)
        progress = Progress(job, 1, len(table))
        chance = np.random.default_rng(SEED)
        features, labels = _sampled(hosts, table, settings.integer("sample_size", 1), chance)
        projection = _projection(settings, width, chance)
        model = Model(
            rows=_reduced(features, projection),
            labels=labels,
            projection=projection,
            k=min(settings.integer("k", 1), len(labels)),
            metric=settings.text("index_metric", "L2"),
            classifies=settings.text("predictor_type") == "classifier",
            width=width,
        )
        progress.epoch(0)
        if job.has(TEST):
            _tell(job, hosts, model, read_rows(job, hosts, TEST, width, labelled=True))
        if hosts.is_first:
            _save(job, model)


def _sampled(hosts: Hosts, table: Table, size: int, chance: np.random.Generator) -> tuple[Array, Array]:
    """Return rows and labels drawn from those of all hosts, each with the same chance."""
    counts = np.array(hosts.each(len(table)))
    total = counts.sum()
    kept = np.arange(total)
    if total > size:
        # All hosts draw the same, and each keeps what is its own.
        kept = np.sort(chance.choice(total, size, replace=False))
    places = kept - counts[: hosts.rank].sum()
    own = places[(places >= 0) & (places < len(table))]
    return hosts.rows(table.features[own]), hosts.rows(np.asarray(table.labels)[own])


def _save(job: Job, model: Model) -> None:
    save_arrays(
        job,
        NAME,
        {
            "rows": model.rows,
            "labels": model.labels,
            "projection": model.projection.astype(np.float32),
            "k": np.array(model.k),
            "metric": np.array(model.metric),
            "classifies": np.array(model.classifies),
            "width": np.array(model.width),
        },
    )


def _projection(settings: Settings, width: int, chance: np.random.Generator) -> Array:
    """Return the matrix that reduces the dimension: signs by chance, or a fast transform by chance."""
    target = settings.integer("dimension_reduction_target", 0)
    match settings.text("dimension_reduction_type"):
        case "sign":
            return np.asarray(chance.choice([-1.0, 1.0], size=(width, target)) / np.sqrt(target))
        case "fjlt":
            size = 1 << (width - 1).bit_length()
            signs = chance.choice([-1.0, 1.0], size=width)
            columns = chance.choice(size, target, replace=False)
            return np.asarray(signs[:, None] * _hadamard(width, columns) / np.sqrt(target))
    return np.empty((0, 0))


def _hadamard(height: int, columns: Array) -> Array:
    """Return rows below a height, and some columns, of the Hadamard matrix: signs by common bits."""
    common = np.arange(height)[:, None] & columns[None, :]
    bits = np.zeros_like(common)
    while common.any():
        bits ^= common & 1
        common >>= 1
    return 1.0 - 2.0 * bits


def _reduced(rows: Array, projection: Array) -> Array:
    return (rows @ projection if projection.size else rows).astype(np.float32)


def neighbors(model: Model, rows: Array) -> tuple[Array, Array]:
    """Return distances and places of the nearest rows, the nearest first.

    Args:
        model: Where to look.
        rows: Shape (n, n_features).

    Returns:
        Both of shape (n, k). With ``INNER_PRODUCT`` a distance is the product, the largest first.
    """
    reduced = _reduced(rows, model.projection)
    if model.metric != "INNER_PRODUCT":
        finder = NearestNeighbors(n_neighbors=model.k, algorithm="brute", metric=_METRICS[model.metric]).fit(
            model.rows
        )
        distances, places = finder.kneighbors(reduced)
        return distances, places
    found = [
        _largest(reduced[i : i + _CHUNK] @ model.rows.T, model.k) for i in range(0, len(reduced), _CHUNK)
    ]
    return np.concatenate([part[0] for part in found]), np.concatenate([part[1] for part in found])


def _largest(products: Array, k: int) -> tuple[Array, Array]:
    places = np.argsort(-products, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(products, places, axis=1), places


def predict(model: Model, places: Array) -> Array:
    """Return the label of each row: what most neighbors have, of several the nearest's; or their mean."""
    labels = model.labels[places]
    if not model.classifies:
        return np.asarray(labels.mean(axis=1))
    return np.array([_usual(row) for row in labels])


def _usual(labels: Array) -> float:
    values, first, counts = np.unique(labels, return_index=True, return_counts=True)
    most = counts == counts.max()
    return float(values[most][np.argmin(first[most])])


def _tell(job: Job, hosts: Hosts, model: Model, table: Table) -> None:
    found = predict(model, neighbors(model, table.features)[1]) if len(table) else np.empty(0)
    truth = np.asarray(table.labels)
    name, word, each = "mse", "loss", (found - truth) ** 2
    if model.classifies:
        name, word, each = "accuracy", "score", (found == truth).astype(np.float64)
    total, count = hosts.total(each.sum(), len(table))
    value = float(total / count)
    tell_score(job, TEST, name, value)
    tell_quality(job, TEST, name, value, word=word)


def load(folder: Path) -> Model:
    """Load the model in a folder."""
    arrays = load_arrays(folder)
    return Model(
        rows=arrays["rows"],
        labels=arrays["labels"],
        projection=arrays["projection"],
        k=int(arrays["k"]),
        metric=str(arrays["metric"]),
        classifies=bool(arrays["classifies"]),
        width=int(arrays["width"]),
    )


def respond(model: Model, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
    """Answer with the label of each row. See ``inference.transform_fn`` for what it raises."""
    rows = read_request(body, content_type, model.width)
    distances, places = neighbors(model, rows)
    answers: list[dict[str, Any]] = [{"predicted_label": label} for label in predict(model, places).tolist()]
    if media_type(accept)[1].get("verbose", "").lower() == "true":
        for answer, far, place in zip(answers, distances, places, strict=True):
            answer["distances"] = far.tolist()
            answer["labels"] = model.labels[place].tolist()
    return write_answer(answers, accept)
