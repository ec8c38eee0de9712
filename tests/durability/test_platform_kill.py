"""The platform is killed at its commits, real jobs and all; the next process finishes as if nothing was."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stepmill.core.statuses import PipelineExecutionStatus as Status
from support.cli import Cli, definition, eventually, open_door
from support.platform_runs import (
    Counters,
    Runs,
    count_rows,
    open_platform,
    registering,
    small_pipeline,
    training,
)

ONCE = {"prepare": 1, "train": 1}


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    with Runs() as runs:
        yield runs


@pytest.fixture(scope="module")
def counters() -> Iterator[Counters]:
    with Counters() as counters:
        yield counters


def assert_done_once(project: Path, counters: Counters) -> None:
    """Hold that everything happened, and nothing twice."""
    assert counters.of(project) == ONCE
    with open_platform(project) as platform:
        (execution,) = platform.executions.find().executions
        assert execution.status is Status.SUCCEEDED
        statuses = {view.name: str(view.status) for view in platform.executions.step_views(execution.id)}
        assert statuses == dict.fromkeys(("Prepare", "Train", "Gate", "Register"), "Succeeded")
        positions = [record.position for record in platform.executions.whole_history(execution.id)]
        assert positions == list(range(1, len(positions) + 1))
        versions, _ = platform.models.versions("small")
        assert [version["ModelPackageVersion"] for version in versions] == [1]
        assert count_rows(platform, "cache") == 2
        jobs = platform.jobs.of_execution(execution.arn)
        assert sorted(job.step for job in jobs) == ["Prepare", "Train"]
        assert all(job.is_final for job in jobs)
        for table in ("tasks", "timers", "inbox"):
            assert count_rows(platform, table) == 0, table


def test_a_run_that_is_left_alone(runs: Runs, counters: Counters, tmp_path: Path) -> None:
    text = small_pipeline(tmp_path / "alone", counters.port)
    ended = runs.run(tmp_path / "alone", text)
    assert not ended.was_killed
    assert ended.commits > 10
    assert_done_once(tmp_path / "alone", counters)


def test_killed_at_its_commits(runs: Runs, counters: Counters, tmp_path: Path) -> None:
    text = small_pipeline(tmp_path / "whole", counters.port)
    commits = runs.run(tmp_path / "whole", text).commits
    # Before one commit is nearly after the one before it; what lies between are acts outside of the store.
    chosen = [("after" if commit % 2 else "before", commit) for commit in range(1, commits + 1)]
    deaths = resumed = 0
    for when, commit in chosen:
        project = tmp_path / f"{when}-{commit}"
        text = small_pipeline(project, counters.port)
        if not runs.run(project, text, when, commit).was_killed:
            # Threads commit side by side, so a run may get by with one commit less.
            assert commit > commits - 5
            continue
        deaths += 1
        runs.run(project)
        with open_platform(project) as platform:
            started = platform.executions.find().executions
        if not started:
            assert counters.of(project) == {}, "what was not written has done nothing"
            continue
        resumed += 1
        assert_done_once(project, counters)
    print(f"{commits} commits, {deaths} deaths, {resumed} resumed")
    assert deaths >= len(chosen) - 5
    assert resumed >= deaths / 2


def test_killed_again_and_again(runs: Runs, counters: Counters, tmp_path: Path) -> None:
    """Each process dies after some commits; there is progress all the same, and nothing happens twice."""
    project = tmp_path / "again"
    text = small_pipeline(project, counters.port)
    ended = runs.run(project, text, "after", 12)
    lives = 1
    while ended.was_killed:
        # Enough for one step's end: with less there could be no progress.
        ended = runs.run(project, "", "before", 9)
        lives += 1
        assert lives < 60
    assert lives > 2
    assert_done_once(project, counters)


TRAIN = """
import pathlib, time
print("started", flush=True)
door = pathlib.Path("/opt/ml/input/data/door")
while not (door / "go").exists():
    print("training", flush=True)
    time.sleep(0.1)
pathlib.Path("/opt/ml/model/model.txt").write_text("trained")
print("rmse=0.25;")
"""


def test_a_training_job_outlives_the_one_who_started_it(tmp_path: Path) -> None:
    """`stepmill run` is killed with -9 while the job trains; `stepmill resume` picks the same job up."""
    (tmp_path / "project" / "door").mkdir(parents=True)
    with closing(Cli(tmp_path / "project", tmp_path / "home")) as cli:
        cli.write("source/train.py", TRAIN)
        cli.write("train.json", definition(training("Train", {"door": "door"}), registering(), Parameters=[]))
        run = cli.start("run", "train.json")

        def lines() -> list[str]:
            logs = list(cli.home.glob("jobs/*/*-Train-*/log"))
            return logs[0].read_text().splitlines() if logs else []

        run.until_there_is(lambda: "training" in lines(), "the first line of the job")
        run.kill()
        assert run.process.returncode == -signal.SIGKILL
        seen = len(lines())
        eventually(lambda: len(lines()) > seen + 1, "a line after the death")
        resume = cli.start("resume")
        resume.until("Train")
        open_door(cli)
        ended = resume.end().ok()
        assert "small/1" in ended.out
        log = cli("logs", "Train").ok().out.splitlines()
        assert log.count("started") == 1
        assert log[-1] == "rmse=0.25;"
        assert cli("models", "list", "--json").ok().json[0]["ModelPackageVersion"] == 1
        assert len(cli("models", "list", "--json").ok().json) == 1
        assert str(cli.executions()[0].status) == "Succeeded"
        assert cli.show()["metrics"] == {"Train": {"rmse": 0.25}}
