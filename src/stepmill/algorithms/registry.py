"""The built-in algorithms by name. Each table is read when it is first asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from stepmill.algorithms.algorithm import Algorithm

# Name -> module below ``tables``, and what the table is called there.
_TABLES = {
    "blazingtext": ("blazingtext", "BLAZINGTEXT"),
    "forecasting-deepar": ("deepar", "DEEPAR"),
    "image-classification": ("image_classification", "IMAGE_CLASSIFICATION"),
    "kmeans": ("kmeans", "KMEANS"),
    "knn": ("knn", "KNN"),
    "linear-learner": ("linear_learner", "LINEAR_LEARNER"),
    "pca": ("pca", "PCA"),
    "xgboost": ("xgboost", "XGBOOST"),
}


def algorithm_of(name: str) -> Algorithm | None:
    """Return the algorithm of that name, as ``images`` gives it; ``None`` if there is none."""
    return _read(name) if name in _TABLES else None


@cache
def _read(name: str) -> Algorithm:
    module, table = _TABLES[name]
    found: Algorithm = getattr(import_module(f"stepmill.algorithms.tables.{module}"), table)
    return found


def algorithms() -> tuple[Algorithm, ...]:
    """Return all algorithms."""
    return tuple(map(_read, _TABLES))
