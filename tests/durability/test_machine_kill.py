"""A process is killed at every commit of a state machine's execution; the next one must finish it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.core.json import read_json, write_json
from stepmill.core.statuses import StateMachineExecutionStatus as Status
from stepmill.engine.machines.reading import MachineExecutionReader
from stepmill.storage.database import Database
from stepmill.storage.sql_executions import SqlExecutionStore
from support.durable import Processes
from support.stating import SEND

# More commits than the run below makes; it ends by itself long before.
MOST_COMMITS = 80

_WORK = {"Type": "Task", "Resource": SEND, "End": True}
_PROCESSOR = {
    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    "StartAt": "Work",
    "States": {"Work": _WORK},
}
_BRANCHES = [{"StartAt": name, "States": {name: _WORK}} for name in ("Left", "Right")]
# Tasks one after another and side by side, a timer, iterations that are executions of their own.
MACHINE = write_json(
    {
        "StartAt": "Begin",
        "States": {
            "Begin": {"Type": "Pass", "Result": [1, 2, 3], "Next": "First"},
            "First": {"Type": "Task", "Resource": SEND, "ResultPath": None, "Next": "Each"},
            "Each": {"Type": "Map", "Label": "Each", "ItemProcessor": _PROCESSOR, "Next": "Pause"},
            "Pause": {"Type": "Wait", "Seconds": 1, "Next": "Both"},
            "Both": {"Type": "Parallel", "Branches": _BRANCHES, "End": True},
        },
    }
)
# First, three times Work, Left, Right.
EFFECTS = 6
ANSWER = {"OutputParameters": {"verdict": "good"}}


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    with Processes() as processes:
        yield processes


def _effects(home: Path) -> int:
    """How many tasks' work was done: each leaves a file, and a second time would raise."""
    folder = home / "effects"
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def _assert_done(home: Path) -> None:
    """Hold what is left of the one execution against what a run without a kill leaves."""
    database = Database.open_sqlite(home / "stepmill.db")
    try:
        store = SqlExecutionStore(database)
        reader = MachineExecutionReader(store, home / "engines")
        (parent,) = reader.find(machine="M").executions
        assert parent.status is Status.SUCCEEDED
        assert read_json(reader.output(parent.id) or "") == [ANSWER, ANSWER]
        children = reader.find(machine="M/Each").executions
        assert [child.status for child in children] == [Status.SUCCEEDED] * 3
        assert sorted(child.details.map_index for child in children) == [0, 1, 2]
        for execution in (parent, *children):
            records = reader.history(execution.id)
            assert [record.position for record in records] == list(range(1, len(records) + 1))
            assert execution.position == len(records)
            kinds = Counter((record.type, record.step) for record in records)
            assert set(kinds.values()) == {1}, kinds
            stored = store.get(execution.id)
            assert stored.owner == ""
            assert store.tasks(execution.id) == []
            assert store.timers(execution.id) == {}
        assert store.waiting([]) == []
    finally:
        database.close()


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_commit_of_a_run(processes: Processes, tmp_path: Path, when: str) -> None:
    points = 0
    for commit in range(1, MOST_COMMITS):
        home = tmp_path / f"{commit}"
        home.mkdir()
        if not processes.run(home, "machine", definition=MACHINE, when=when, commit=commit):
            break
        points += 1
        assert not processes.run(home, "resume")
        if commit == 1 and when == "before":
            assert _effects(home) == 0, "before the first commit there is nothing"
            continue
        assert _effects(home) == EFFECTS
        _assert_done(home)
    else:
        raise AssertionError("The run never came to its end.")
    assert points >= 6


def test_killed_again_and_again(processes: Processes, tmp_path: Path) -> None:
    killed = processes.run(tmp_path, "machine", definition=MACHINE, when="after", commit=2)
    lives = 1
    while killed:
        # An adoption alone is a commit: to get ahead, a process needs more.
        killed = processes.run(tmp_path, "resume", when="after", commit=3)
        lives += 1
        assert lives < MOST_COMMITS
    assert _effects(tmp_path) == EFFECTS
    _assert_done(tmp_path)
