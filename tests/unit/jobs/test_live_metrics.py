from __future__ import annotations

from pathlib import Path

import pytest

from stepmill.jobs.live_metrics import LiveMetric, objective_definitions
from stepmill.jobs.requests.training import MetricDefinition
from support.written_logs import WrittenLog

PLAIN = "auc=([-0-9.einfa]+)"
# RE2 has no look-ahead: such an expression is searched for by the scanner.
AHEAD = "auc=(?=[0-9])([0-9.]+)"


def metric(log: WrittenLog, *regexes: str) -> LiveMetric:
    return LiveMetric(log.folder, [MetricDefinition("auc", regex) for regex in regexes])


@pytest.mark.parametrize("regex", [PLAIN, AHEAD])
def test_each_look_gives_what_is_new(tmp_path: Path, regex: str) -> None:
    log = WrittenLog(tmp_path / "job")
    live = metric(log, regex)
    assert live.read() == []
    log.write([b"epoch 1\nauc=0.5\nau", b"c=0.6\nauc=0."])
    assert live.read() == [0.5, 0.6]
    assert live.read() == []
    log.write([b"7\n"])
    assert live.read() == [0.7]
    log.close()


def test_a_last_line_without_an_end_counts_at_the_final_look(tmp_path: Path) -> None:
    log = WrittenLog(tmp_path / "job")
    live = metric(log, PLAIN)
    log.write([b"auc=0.5"])
    assert live.read() == []
    log.end()
    assert live.read(final=True) == [0.5]


def test_what_is_no_finite_number_is_left_out(tmp_path: Path) -> None:
    log = WrittenLog(tmp_path / "job")
    log.write([b"auc=nan\nauc=inf\nauc=--\nauc=1e-3\n"])
    assert metric(log, PLAIN).read() == [0.001]
    log.close()


def test_a_tab_may_be_written_as_the_log_agent_writes_it(tmp_path: Path) -> None:
    log = WrittenLog(tmp_path / "job")
    log.write([b"[3]\tvalidation-auc:0.75\n"])
    assert metric(log, "#011validation-auc:([0-9.]+)").read() == [0.75]
    log.close()


def test_an_expression_that_backtracks_for_ever_holds_nobody_up(tmp_path: Path) -> None:
    log = WrittenLog(tmp_path / "job")
    log.write([b"a" * 4000 + b"\nauc=0.5\n"])
    assert metric(log, "(?:a|a)*(?:aa|a)*b([0-9]+)", PLAIN).read() == [0.5]
    log.close()


def test_a_job_that_has_no_log_yet_has_no_values(tmp_path: Path) -> None:
    assert LiveMetric(tmp_path / "nothing", [MetricDefinition("auc", PLAIN)]).read() == []


def test_all_definitions_of_a_name_are_those_of_a_metric() -> None:
    first, other, second = (MetricDefinition(name, PLAIN) for name in ("auc", "loss", "auc"))
    assert objective_definitions([first, other, second], "auc") == (first, second)
