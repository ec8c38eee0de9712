"""Principal component analysis.

Source: developer guide, "PCA Hyperparameters".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stepmill.algorithms.algorithm import Algorithm
from stepmill.algorithms.parameters import Interval, choice, flag, integer
from stepmill.algorithms.tables.first_party import COMMON, PROGRESS, channels


def _components(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if int(given["num_components"]) > int(given["feature_dim"]):
        yield "num_components", "num_components must be at most feature_dim."


PCA = Algorithm(
    name="pca",
    several_hosts=True,
    channels=channels("test"),
    metrics=PROGRESS,
    rules=(_components,),
    parameters=(
        integer("feature_dim", required=True),
        integer("mini_batch_size", required=True),
        integer("num_components", required=True),
        choice("algorithm_mode", "regular", "randomized", default="regular"),
        integer("extra_components", Interval(-1), default="-1"),
        flag("subtract_mean", default="true"),
        *COMMON,
    ),
)
