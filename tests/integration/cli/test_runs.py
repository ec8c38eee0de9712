"""``stepmill runs``: what was run is listed, sorted, shown, compared and exported."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import stepmill
from stepmill.cli.app import command_line
from stepmill.cli.exit_codes import ExitCode
from stepmill.core.errors import StepmillError
from stepmill.platform import Platform, load_settings
from stepmill.storage.series import SeriesPoint

AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Runs:
    """The commands, in this process, over a home of its own."""

    platform: Platform
    folder: Path

    def make(self, name: str, *losses: float, title: str = "", **parameters: Any) -> None:
        experiments = self.platform.experiments
        experiments.open("churn", "group")
        experiments.components.create(
            {
                "TrialComponentName": name,
                "DisplayName": title or name,
                "Status": {"PrimaryStatus": "Completed"},
                "Parameters": {
                    key: {"NumberValue" if isinstance(value, int | float) else "StringValue": value}
                    for key, value in parameters.items()
                },
            }
        )
        experiments.components.associate(name, "group")
        points = [SeriesPoint(AT + timedelta(seconds=n), loss, n) for n, loss in enumerate(losses)]
        experiments.components.metrics.put(name, {"loss": points})

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(command_line(), ["runs", *arguments])

    def ok(self, *arguments: str) -> str:
        result = self(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    home, folder = tmp_path / "home", tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("STEPMILL_HOME", str(home))
    with Platform(load_settings(folder, {"STEPMILL_HOME": str(home)}), remark=lambda _: None) as platform:
        yield Runs(platform, folder)


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [str(row["run"]) for row in rows]


def test_runs_are_listed_and_sorted_by_a_metric_or_a_parameter(runs: Runs) -> None:
    runs.make("a", 0.9, 0.5, lr=1)
    runs.make("b", 0.2, lr=3)
    runs.make("c", lr=2)
    assert names(runs.json("list")) == ["c", "b", "a"]
    assert names(runs.json("list", "--sort", "loss")) == ["a", "b", "c"]
    assert names(runs.json("list", "--sort", "loss", "--ascending")) == ["b", "a", "c"]
    assert names(runs.json("list", "--sort", "lr", "--limit", "1")) == ["b"]
    assert names(runs.json("list", "--experiment", "CHURN")) == ["c", "b", "a"]
    assert runs.json("list", "--experiment", "other") == []
    shown = runs.ok("list")
    assert "loss" in shown
    assert "churn" in shown
    assert runs("list", "--sort", "none").exit_code == ExitCode.REFUSED


def test_a_run_is_shown_with_its_curve(runs: Runs) -> None:
    title = 'Ümlaut \'n "quotes" [bold]'
    runs.make("a", 4.0, math.nan, math.inf, 1.0, title=title, kind="tree")
    shown = runs.ok("show", title)
    assert title in shown
    assert "█  ▁" in shown
    assert "tree" in shown
    drawn = runs.ok("show", "a", "--metric", "loss")
    assert "4 ┤" in drawn
    assert runs.json("show", "a")["metrics"]["loss"]["count"] == 4
    missing = runs("show", "a", "--metric", "acc")
    assert missing.exit_code != 0
    assert "Its metrics: loss" in missing.output
    assert runs("show", "nobody").exit_code != 0


def test_a_title_that_two_have_names_neither(runs: Runs) -> None:
    runs.make("a", title="same")
    runs.make("b", title="same")
    result = runs("show", "same")
    assert "2 runs are called 'same'" in result.output
    assert result.exit_code != 0


def test_what_differs_is_told(runs: Runs) -> None:
    runs.make("a", 0.5, lr=1, kind="tree")
    runs.make("b", 0.5, lr=2, kind="tree")
    assert runs.json("compare", "a", "b")["differences"] == {"parameters": {"lr": [1, 2]}}
    shown = runs.ok("compare", "a", "b", "--metric", "loss")
    assert "parameters" in shown
    assert "kind" not in shown
    assert "do not differ" in runs.ok("compare", "a", "a")
    assert runs("compare", "a").exit_code == ExitCode.REFUSED


def test_all_runs_are_exported(runs: Runs) -> None:
    from pyarrow import parquet

    runs.make("a", 0.5, lr=1, note="=1+1")
    runs.make("b", math.nan, lr=2.5)
    for name in ("runs.csv", "runs.parquet", "runs.json"):
        runs.ok("export", name)
    with (runs.folder / "runs.csv").open(encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    assert names(rows) == ["b", "a"]
    assert (rows[1]["metric.loss"], rows[1]["param.note"], rows[0]["param.note"]) == ("0.5", "'=1+1", "")
    table = parquet.read_table(runs.folder / "runs.parquet")
    assert table.column("param.lr").to_pylist() == [2.5, 1.0]
    assert table.column("param.note").to_pylist() == [None, "=1+1"]
    assert runs("export", "runs.txt").exit_code == ExitCode.REFUSED


def test_runs_are_a_dataframe(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas")
    runs.make("a", 0.5, lr=1)
    frame = stepmill.runs_dataframe("churn")
    assert frame["run"].tolist() == ["a"]
    assert frame["metric.loss"].tolist() == [0.5]
    monkeypatch.setenv("STEPMILL_HOME", str(tmp_path / "none"))
    with pytest.raises(StepmillError, match="There is no home"):
        stepmill.runs_dataframe()
    assert not (tmp_path / "none").exists()
