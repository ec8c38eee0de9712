"""K-means.

Source: developer guide, "K-Means Hyperparameters" and "Tune a K-Means Model".
"""

from __future__ import annotations

from stepmill.algorithms.algorithm import Algorithm
from stepmill.algorithms.parameters import NOT_NEGATIVE, UNIT, Interval, choice, integer, number, text
from stepmill.algorithms.tables.first_party import COMMON, PROGRESS, channels, is_list_of, metric

_STARTS = ("random", "kmeans++")
_SCORES = ("msd", "ssd")

KMEANS = Algorithm(
    name="kmeans",
    several_hosts=True,
    channels=channels("test"),
    metrics=(
        *(metric(channel, name, "loss") for channel in ("train", "test") for name in _SCORES),
        *PROGRESS,
    ),
    parameters=(
        integer("feature_dim", required=True),
        integer("k", required=True),
        integer("epochs", default="1"),
        text("eval_metrics", is_list_of(_SCORES), 'a JSON list of "msd" and "ssd"', default='["msd"]'),
        integer("extra_center_factor", Interval(1), "auto", default="auto"),
        integer("half_life_time_size", NOT_NEGATIVE, default="0"),
        choice("init_method", *_STARTS, default="random"),
        choice("local_lloyd_init_method", *_STARTS, default="kmeans++"),
        integer("local_lloyd_max_iter", default="300"),
        integer("local_lloyd_num_trials", Interval(1), "auto", default="auto"),
        number("local_lloyd_tol", UNIT, default="0.0001"),
        integer("mini_batch_size", default="5000"),
        *COMMON,
    ),
)
