"""A server is killed while others beside it wait: they go on, and nothing is lost and nothing done twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.platform import Platform, StartOptions
from stepmill.storage.server_file import running_server
from support.cli import eventually
from support.platform_runs import Counters, Runs, count_rows, open_platform, small_pipeline

ONCE = {"prepare": 1, "train": 1}


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    with Runs() as runs:
        yield runs


@pytest.fixture(scope="module")
def counters() -> Iterator[Counters]:
    with Counters() as counters:
        yield counters


def start(platform: Platform, text: str) -> str:
    return platform.start(platform.deploy("small", text), StartOptions({}))


def see_to_its_end(platform: Platform, execution: str) -> Status:
    """Wait as the terminal does: whoever finds that nobody drives an execution has it driven."""
    while True:
        found = platform.engine.wait(execution)
        if found.status.is_final:
            return found.status
        platform.engine.resume(execution)


def drives_itself(platform: Platform) -> bool:
    return "own_engine" in platform.__dict__


def assert_whole(platform: Platform, *executions: str) -> None:
    """Hold that there are these executions, whole, and that nothing is left to do."""
    assert {found.id for found in platform.executions.find().executions} == set(executions)
    for execution in executions:
        assert platform.executions.describe(execution).status is Status.SUCCEEDED
        records = list(platform.executions.whole_history(execution))
        assert [record.position for record in records] == list(range(1, len(records) + 1))
        succeeded = [record.step for record in records if record.type == "StepSucceeded"]
        assert sorted(succeeded) == ["Gate", "Prepare", "Register", "Train"]
    for table in ("tasks", "timers", "inbox"):
        assert count_rows(platform, table) == 0, table


def end_server(runs: Runs, project: Path) -> None:
    (project / "end").touch()
    assert not runs.end().was_killed


def kill_server(runs: Runs, platform: Platform) -> None:
    server = running_server(platform.layout.server)
    assert server is not None
    os.kill(server.pid, signal.SIGKILL)
    assert runs.end().was_killed


def test_the_server_does_all_of_it(runs: Runs, counters: Counters, tmp_path: Path) -> None:
    project = tmp_path / "served"
    text = small_pipeline(project, counters.port)
    runs.serve(project)
    with open_platform(project) as platform:
        execution = start(platform, text)
        assert see_to_its_end(platform, execution) is Status.SUCCEEDED
        assert not drives_itself(platform)
        assert "compute" not in platform.__dict__
        end_server(runs, project)
        assert_whole(platform, execution)
        assert counters.of(project) == ONCE


def test_killed_at_its_commits(runs: Runs, counters: Counters, tmp_path: Path) -> None:
    deaths = 0
    for commit in range(1, 26, 3):
        when = "after" if commit % 2 else "before"
        project = tmp_path / f"{when}-{commit}"
        text = small_pipeline(project, counters.port)
        runs.serve(project, when, commit)
        with open_platform(project) as platform:
            execution = start(platform, text)
            assert see_to_its_end(platform, execution) is Status.SUCCEEDED
            if drives_itself(platform):
                deaths += 1
                assert runs.end().was_killed
            else:
                # Threads commit side by side, so it may get by with some commits less.
                (project / "end").touch()
                runs.end()
            assert_whole(platform, execution)
            assert counters.of(project) == ONCE
    assert deaths > 3


def test_two_beside_a_server_that_is_killed(runs: Runs, counters: Counters, tmp_path: Path) -> None:
    """Both watch both executions; only one of them goes on with each."""
    project = tmp_path / "two"
    text = small_pipeline(project, counters.port)
    runs.serve(project)
    with open_platform(project) as one, open_platform(project) as two, ThreadPoolExecutor(4) as threads:
        executions = [start(platform, text) for platform in (one, two)]
        ends = [
            threads.submit(see_to_its_end, platform, execution)
            for platform in (one, two)
            for execution in executions
        ]
        eventually(lambda: counters.of(project)["prepare"] > 0, "the first step")
        kill_server(runs, one)
        assert [end.result() for end in ends] == [Status.SUCCEEDED] * 4
        assert_whole(one, *executions)
        # The second one may have found the results of the first in the cache, each step for itself.
        done = counters.of(project)
        assert 1 <= done["prepare"] <= 2
        assert 1 <= done["train"] <= 2


def test_a_server_that_starts_leaves_alone_what_is_driven(
    runs: Runs, counters: Counters, tmp_path: Path
) -> None:
    project = tmp_path / "later"
    text = small_pipeline(project, counters.port)
    with open_platform(project) as platform:
        first = start(platform, text)
        assert drives_itself(platform)
        runs.serve(project)
        second = start(platform, text)
        server = running_server(platform.layout.server)
        assert server is not None
        assert platform.executions.describe(second).owner in ("", server.engine)
        for execution in (first, second):
            assert see_to_its_end(platform, execution) is Status.SUCCEEDED
        end_server(runs, project)
        assert_whole(platform, first, second)


def test_a_server_goes_on_with_what_another_process_left(
    runs: Runs, counters: Counters, tmp_path: Path
) -> None:
    project = tmp_path / "left"
    text = small_pipeline(project, counters.port)
    runs.run(project, text, "after", 14)
    runs.serve(project)
    with open_platform(project) as platform:
        (execution,) = platform.executions.find().executions
        eventually(lambda: platform.executions.describe(execution.id).status.is_final, "its end")
        assert not drives_itself(platform)
        end_server(runs, project)
        assert_whole(platform, execution.id)
        assert counters.of(project) == ONCE
