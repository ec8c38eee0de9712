"""Metrics come out of the log, and no regular expression holds the server up."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

import pytest

from stepmill.jobs import metrics
from stepmill.jobs.metrics import read_metrics
from stepmill.jobs.records import MetricPoint
from stepmill.jobs.requests.training import MetricDefinition
from stepmill.jobs.toolkit import scan_metrics
from stepmill.jobs.toolkit.scan_metrics import MOST_POINTS, Scanner, Series, TooSlowError
from support.job_data import T0


def lines(*texts: str) -> list[tuple[datetime, str]]:
    return [(T0 + timedelta(seconds=second), text) for second, text in enumerate(texts)]


def definition(name: str, regex: str) -> MetricDefinition:
    return MetricDefinition(name, regex)


def test_values_with_the_time_of_their_line() -> None:
    found, notes = read_metrics(
        [definition("loss", r"loss=([0-9.]+)"), definition("acc", r"acc: (\S+)")],
        lines("start", "loss=0.5 acc: 0.8", "loss=0.25", "ä loss=abc", "acc: n/a"),
    )
    assert notes == ()
    assert [metric.name for metric in found] == ["loss", "acc"]
    assert found[0].last == MetricPoint(T0 + timedelta(seconds=2), 0.25)
    assert [point.value for point in found[0].points] == [0.5, 0.25]
    assert found[1].last == MetricPoint(T0 + timedelta(seconds=1), 0.8)


def test_a_tab_may_be_written_as_the_log_agent_writes_it() -> None:
    found, _ = read_metrics([definition("rmse", r"#011train-rmse:(\S+)")], lines("[0]\ttrain-rmse:1e-3"))
    assert found[0].last.value == 0.001


def test_what_is_no_number_is_no_value() -> None:
    found, _ = read_metrics(
        [definition("a", "a=(.*)"), definition("b", "(x)?b")], lines("a=nan", "a=inf", "a=", "b")
    )
    assert found == ()


def test_without_definitions_nothing_is_read() -> None:
    def never() -> Any:
        pytest.fail("the log was read")
        yield

    assert read_metrics([], never()) == ((), ())


def test_a_hostile_expression_is_given_up_and_the_others_are_not() -> None:
    # Its look-ahead is why it is not read in linear time.
    found, notes = read_metrics(
        [definition("bad", r"(a+)+(?=\d)\d$"), definition("good", r"loss=(\d+)")],
        lines("a" * 60 + "!", "loss=7"),
    )
    assert [(metric.name, metric.last.value) for metric in found] == [("good", 7.0)]
    assert "'bad'" in notes[0]


def test_line_breaks_and_carriage_returns_do_not_shift_lines() -> None:
    found, _ = read_metrics([definition("p", r"(\d+)%")], lines("10%\r20%\r", "30%"))
    assert [point.value for point in found[0].points] == [10.0, 30.0]


def test_a_scanner_that_dies_leaves_a_remark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_SCANNER", "/nonexistent.py")
    found, notes = read_metrics([definition("a", "(?=a)(a)")], lines(*["x" * 4000] * 100))
    assert found == ()
    assert notes


def test_a_long_series_is_thinned_and_keeps_its_last_value() -> None:
    series = Series()
    for at in range(10 * MOST_POINTS + 3):
        series.add(at, float(at))
    assert MOST_POINTS / 2 <= len(series.points) <= MOST_POINTS
    assert series.points[0] == (0, 0.0)
    gaps = {later[0] - earlier[0] for earlier, later in zip(series.points, series.points[1:], strict=False)}
    assert len(gaps) == 1
    assert series.last == (10 * MOST_POINTS + 2, float(10 * MOST_POINTS + 2))


def test_long_lines_are_cut() -> None:
    scanner = Scanner([("end", r"(\d)$")])
    scanner.scan(0, "x" * scan_metrics.LONGEST_LINE + "7")
    assert scanner.series["end"].last is None


def test_only_a_search_that_lasts_from_one_tick_to_the_next_is_given_up() -> None:
    scanner = Scanner([("a", r"(\d)")])
    scanner.scan(0, "1")
    scanner.on_timer(0, None)
    scanner.scan(1, "2")
    scanner.on_timer(0, None)
    with pytest.raises(TooSlowError):
        scanner.on_timer(0, None)


def test_a_log_that_takes_too_long_is_not_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(scan_metrics, "LONGEST_SCAN_S", -1.0)
    monkeypatch.setattr(scan_metrics.signal, "signal", lambda *_: None)
    monkeypatch.setattr(scan_metrics.signal, "setitimer", lambda *_: None)
    monkeypatch.setattr(scan_metrics.sys, "stdin", io.StringIO('[["a", "(1)"]]\n5\t1\n6\t1\n'))
    scan_metrics.main()
    assert (
        capsys.readouterr().out
        == '{"series": {"a": [[5, 1.0]]}, "last": {"a": [5, 1.0]}, "slow": [], "whole": false}'
    )


def test_what_backtracks_for_ever_elsewhere_is_read_in_linear_time() -> None:
    found, notes = read_metrics(
        [definition("bad", r"(a+)+\d$"), definition("good", r"loss=(\d+)")],
        lines("a" * 5000 + "!", "loss=7"),
    )
    assert [(metric.name, metric.last.value) for metric in found] == [("good", 7.0)]
    assert notes == ()


@pytest.mark.parametrize("length", [10, 5000])
@pytest.mark.parametrize("regex", [r"loss=(\d+\.\d+)", r"loss=(?!x)(\d+\.\d+)"])
def test_short_and_long_logs_give_the_same_by_whichever_way(length: int, regex: str) -> None:
    texts = [f"step\r{number} loss={number}.5 of many" for number in range(length)]
    (metric,), notes = read_metrics([definition("loss", regex)], lines(*texts))
    assert metric.last.value == length - 0.5
    assert metric.points[0].value == 0.5
    assert notes == ()
