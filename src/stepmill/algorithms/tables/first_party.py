"""What the algorithms of one family share: linear learner, k-means, k-NN and PCA.

Source: developer guide, "Common data formats for training"; the metric definitions that DescribeTrainingJob
shows for them.
"""

from __future__ import annotations

import json

from stepmill.algorithms.algorithm import Channel, Metric
from stepmill.algorithms.parameters import Check, Parameter, flag, text

RECORDIO = "application/x-recordio-protobuf"
_TYPES = (RECORDIO, "text/csv")
# The SDK's classes write these of their own accord, and tuning jobs name their metric.
COMMON: tuple[Parameter, ...] = (
    flag("force_dense"),
    text("_tuning_objective_metric"),
)
PROGRESS = (
    Metric("train:progress", r"#progress_metric: host=\S+, completed (\S+) %"),
    Metric("train:throughput", r"#throughput_metric: host=\S+, train throughput=(\S+) records/second"),
)


def channels(*optional: str) -> tuple[Channel, ...]:
    """Return the channel ``train``, and others that may be left out."""
    return (
        Channel("train", _TYPES, RECORDIO, required=True, piped=_TYPES),
        *(Channel(name, _TYPES, RECORDIO, piped=_TYPES) for name in optional),
    )


def metric(channel: str, name: str, word: str, pattern: str = "") -> Metric:
    """Return a metric of the final model.

    Args:
        channel: On whose data it is computed.
        name: As it is called.
        word: ``score`` or ``loss``, as the log says.
        pattern: What the log says for the name, if that varies.
    """
    regex = rf"#quality_metric: host=\S+, {channel} {pattern or name} <{word}>=(\S+)"
    return Metric(f"{channel}:{name}", regex)


def listed(value: str) -> list[object]:
    """Return what a JSON list holds; nothing if the text is none."""
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) else []


def is_list_of(known: tuple[str, ...]) -> Check:
    """Return a check that a text is a JSON list of known words, and not empty."""

    def check(value: str) -> bool:
        found = listed(value)
        return bool(found) and all(item in known for item in found)

    return check
