"""The logs of steps whose jobs have several hosts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stepmill.cli.logs import follow_lines, log_lines
from support.written_logs import WrittenLog


@pytest.fixture
def platform(tmp_path: Path) -> Any:
    WrittenLog(tmp_path / "train").write([b"one\n", b"end\n"])
    WrittenLog(tmp_path / "train" / "hosts" / "algo-2").write([b"two\n"])
    WrittenLog(tmp_path / "prepare").write([b"alone\n"])
    jobs = [
        SimpleNamespace(step=name.capitalize(), name=name, folder=tmp_path / name, is_final=True)
        for name in ("prepare", "train")
    ]
    described = SimpleNamespace(arn="arn", status=SimpleNamespace(is_final=True))
    executions = SimpleNamespace(
        describe=lambda _id: described,
        step_views=lambda _id: [SimpleNamespace(name="Train"), SimpleNamespace(name="Prepare")],
    )
    return SimpleNamespace(executions=executions, jobs=SimpleNamespace(of_execution=lambda _arn: jobs))


LINES = [("Prepare", "alone"), ("Train/algo-1", "one"), ("Train/algo-1", "end"), ("Train/algo-2", "two")]


def test_each_line_tells_its_host_where_there_are_several(platform: Any) -> None:
    found = [(line.step, line.text) for line in log_lines(platform, "e", "", tail=None)]
    assert found == LINES


def test_the_tail_is_that_of_each_host(platform: Any) -> None:
    found = [(line.step, line.text) for line in log_lines(platform, "e", "Train", tail=1)]
    assert found == [("Train/algo-1", "end"), ("Train/algo-2", "two")]


def test_all_hosts_are_followed(platform: Any) -> None:
    assert sorted((line.step, line.text) for line in follow_lines(platform, "e", "")) == sorted(LINES)
