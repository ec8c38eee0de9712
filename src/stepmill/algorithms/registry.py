"""The built-in algorithms by name."""

from __future__ import annotations

from stepmill.algorithms.algorithm import Algorithm
from stepmill.algorithms.tables.blazingtext import BLAZINGTEXT
from stepmill.algorithms.tables.image_classification import IMAGE_CLASSIFICATION
from stepmill.algorithms.tables.kmeans import KMEANS
from stepmill.algorithms.tables.knn import KNN
from stepmill.algorithms.tables.linear_learner import LINEAR_LEARNER
from stepmill.algorithms.tables.pca import PCA
from stepmill.algorithms.tables.xgboost import XGBOOST

_ALGORITHMS = {
    algorithm.name: algorithm
    for algorithm in (BLAZINGTEXT, IMAGE_CLASSIFICATION, KMEANS, KNN, LINEAR_LEARNER, PCA, XGBOOST)
}


def algorithm_of(name: str) -> Algorithm | None:
    """Return the algorithm of that name, as ``images`` gives it; ``None`` if there is none."""
    return _ALGORITHMS.get(name)


def algorithms() -> tuple[Algorithm, ...]:
    """Return all algorithms."""
    return tuple(_ALGORITHMS.values())
