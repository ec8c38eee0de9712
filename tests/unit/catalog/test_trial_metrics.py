from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.trial_components import TrialComponents
from stepmill.catalog.trial_metrics import summary_document
from stepmill.core.errors import NotFoundError
from stepmill.storage.series import SeriesPoint, SeriesSummary
from support.keeping import Keeping, keeping

START = datetime(2026, 1, 1, tzinfo=UTC)


def points(*values: float) -> list[SeriesPoint]:
    return [SeriesPoint(START + timedelta(seconds=n), value, n) for n, value in enumerate(values)]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        yield opened


@pytest.fixture
def components(kept: Keeping) -> TrialComponents:
    made = kept.experiments.components
    made.create({"TrialComponentName": "Fit"})
    return made


def summary_of(components: TrialComponents, metric: str) -> dict[str, Any]:
    metrics: Any = components.describe("fit")["Metrics"]
    (found,) = [one for one in metrics if one["MetricName"] == metric]
    return dict(found)


def test_points_come_back_and_their_summary_is_told(components: TrialComponents) -> None:
    components.metrics.put("Fit", {"loss": points(4.0, 2.0), "acc": points(0.5)})
    later = [SeriesPoint(START + timedelta(hours=1), 3.0)]
    components.metrics.put("fit", {"loss": later})
    assert list(components.metrics.points("fit", "loss")) == [*points(4.0, 2.0), *later]
    assert list(components.metrics.points("fit", "none")) == []
    loss = summary_of(components, "loss")
    assert loss == {
        "MetricName": "loss",
        "SourceArn": "arn:aws:sagemaker:us-west-2:123456789012:experiment-trial-component/fit",
        "TimeStamp": "2026-01-01T01:00:00Z",
        "Count": 3, "Max": 4.0, "Min": 2.0, "Last": 3.0, "Avg": 3.0, "StdDev": 1.0,
    }  # fmt: skip
    assert summary_of(components, "acc")["StdDev"] == 0.0


def test_the_newest_point_is_the_last_whatever_order_they_come_in(components: TrialComponents) -> None:
    first, second = points(1.0, 2.0)
    components.metrics.put("fit", {"loss": [second, first]})
    assert summary_of(components, "loss")["Last"] == 2.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_does_not_know_are_kept_and_not_told(
    components: TrialComponents, value: float
) -> None:
    components.metrics.put("fit", {"loss": points(1.0, value)})
    components.metrics.put("fit", {"loss": points(3.0)})
    found = components.metrics.points("fit", "loss")
    assert [str(point.value) for point in found] == ["1.0", str(value), "3.0"]
    loss = summary_of(components, "loss")
    assert loss["Count"] == 3
    assert all(math.isfinite(number) for number in loss.values() if isinstance(number, float))


def test_all_points_go_with_their_component(components: TrialComponents) -> None:
    for _ in range(3):
        components.metrics.put("fit", {"a": points(1.0), "b": points(2.0)})
    components.delete("fit")
    with pytest.raises(NotFoundError):
        components.metrics.put("fit", {"a": points(1.0)})
    components.create({"TrialComponentName": "fit"})
    assert components.metrics.summaries("fit") == {}
    assert list(components.metrics.points("fit", "a")) == []


def test_what_replaces_a_metric_leaves_the_others(components: TrialComponents) -> None:
    components.metrics.put("fit", {"a": points(1.0), "b": points(2.0)})
    components.metrics.replace("fit", {"a": points(5.0, 6.0), "c": []})
    assert list(components.metrics.points("fit", "a")) == points(5.0, 6.0)
    assert summary_of(components, "a")["Count"] == 2
    metrics: Any = components.describe("fit")["Metrics"]
    assert [one["MetricName"] for one in metrics] == ["a", "b"]


def test_the_metrics_of_many_come_at_once(components: TrialComponents) -> None:
    components.create({"TrialComponentName": "other"})
    components.metrics.put("fit", {"a": points(1.0), "b": points(2.0)})
    found = components.metrics.summaries_of(["fit", "other", "none"])
    assert {name: sorted(metrics) for name, metrics in found.items()} == {"fit": ["a", "b"]}
    assert list(components.metrics.summaries_of(["fit"], ["b"])["fit"]) == ["b"]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.integers(0, 30))
def test_a_summary_is_that_of_all_its_values_however_they_were_split(values: list[float], cut: int) -> None:
    all_points = points(*values)
    whole = SeriesSummary().with_points(all_points)
    assert SeriesSummary().with_points(all_points[:cut]).with_points(all_points[cut:]) == whole
    assert (whole.count, whole.least, whole.greatest) == (len(values), min(values), max(values))
    assert whole.last == values[-1]
    assert whole.mean == pytest.approx(statistics.fmean(values), abs=1e-6)
    deviation = summary_document("m", whole)["StdDev"]
    expected = statistics.stdev(values) if len(values) > 1 else 0.0
    assert deviation == pytest.approx(expected, rel=1e-6, abs=1e-6)
