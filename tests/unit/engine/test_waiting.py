"""Waiting for an execution by looking at it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.engine.summaries import ExecutionSummary, summarize
from stepmill.engine.waiting import wait_for, wait_until
from stepmill.storage.executions import PIPELINES, ExecutionDetails, StoredExecution
from support.executions import NOON

RUNNING = summarize(
    StoredExecution(
        "abc", PIPELINES, "P", Status.EXECUTING, "me", NOON, NOON, 5, ExecutionDetails("arn", "digest")
    ),
    is_owner_alive=True,
)
LIMIT = timedelta(seconds=60)


def looks(*summaries: ExecutionSummary) -> list[ExecutionSummary]:
    return list(summaries)


@pytest.mark.parametrize(
    "end",
    [replace(RUNNING, status=Status.FAILED), replace(RUNNING, is_interrupted=True)],
)
def test_until_the_end_or_nobody_drives_it(end: ExecutionSummary) -> None:
    seen = looks(RUNNING, RUNNING, end)
    assert wait_for(lambda: seen.pop(0), LIMIT) == end
    assert seen == []


def test_until_the_history_goes_on() -> None:
    seen = looks(RUNNING, replace(RUNNING, position=6))
    assert wait_for(lambda: seen.pop(0), LIMIT, 5).position == 6


def test_until_the_time_is_over() -> None:
    assert wait_for(lambda: RUNNING, timedelta(0)) == RUNNING
    assert wait_for(lambda: RUNNING, timedelta(milliseconds=30)) == RUNNING


def test_a_better_way_to_rest_is_taken() -> None:
    rests: list[float | None] = []
    seen = looks(RUNNING, replace(RUNNING, status=Status.STOPPED))
    wait_for(lambda: seen.pop(0), None, rest=rests.append)
    assert rests == [None, None]


def test_somebody_is_made_to_work_until_it_is_done() -> None:
    done: list[int] = []
    wait_until(lambda: len(done) == 3, lambda: done.append(1))
    assert len(done) == 3
    wait_until(lambda: True, lambda: done.append(1))
    assert len(done) == 3
