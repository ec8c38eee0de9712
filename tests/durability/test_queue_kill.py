"""Jobs of several processes wait for one machine, and these are killed: nobody is lost or run twice."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from support.cli import Cli, definition, eventually, open_door
from support.platform_runs import training

TRAIN = """
import pathlib, time
print("started", flush=True)
while not pathlib.Path("/opt/ml/input/data/door/go").exists():
    time.sleep(0.05)
"""
WAITS = "waits until other jobs have ended: it needs"


def pipeline(step: str) -> dict[str, Any]:
    """Return a pipeline of one step that takes the whole machine, whatever it has."""
    whole = training(step, {"door": "door"})
    whole["Arguments"]["ResourceConfig"]["InstanceType"] = "ml.m5.24xlarge"
    return definition(whole, Parameters=[])


def test_jobs_that_wait_outlive_their_processes(tmp_path: Path) -> None:
    (tmp_path / "project" / "door").mkdir(parents=True)
    with closing(Cli(tmp_path / "project", tmp_path / "home")) as cli:
        cli.write("stepmill.toml", "[machine]\novercommit = 1\n")
        cli.write("source/train.py", TRAIN)
        for name in ("First", "Second", "Third"):
            cli.write(f"{name}.json", pipeline(name))

        def log(name: str) -> list[str]:
            logs = list(cli.home.glob(f"jobs/*/*-{name}-*/log"))
            return logs[0].read_text().splitlines() if logs else []

        def row() -> list[str]:
            line = (cli.home / "machine" / "bookings.json").read_text().partition("\n")[0]
            return [entry["key"].split("-")[-2] for entry in json.loads(line)]

        first = cli.start("run", "First.json")
        first.until_there_is(lambda: "started" in log("First"), "the first line of the job")
        second = cli.start("run", "Second.json")
        second.until(WAITS)
        third = cli.start("run", "Third.json")
        third.until(WAITS)
        assert sorted(row()) == ["First", "Second", "Third"]
        third.until("1 job waits before it")
        assert WAITS in str(cli.show())
        # Who is asked to stop waits no more.
        third.interrupt()
        third.end()
        eventually(lambda: "Third" not in row(), "the end of its waiting")
        # Who is killed leaves a booking behind; it holds nobody up, and its job gets its place back.
        second.kill()
        first.kill()
        resume = cli.start("resume")
        resume.until("First")
        assert log("Second") == []
        open_door(cli)
        resume.end().ok()
        assert {name: log(name).count("started") for name in ("First", "Second", "Third")} == {
            "First": 1, "Second": 1, "Third": 0,
        }  # fmt: skip
        assert sorted(str(each.status) for each in cli.executions()) == ["Stopped", "Succeeded", "Succeeded"]
        assert row() == []
