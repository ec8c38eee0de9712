"""A process is killed at every commit of an execution; the next one must finish as if nothing was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from stepmill.core.errors import WrongStateError
from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.engine.engine import Engine
from stepmill.storage.executions import StoredExecution
from support.durable import Processes, open_engine, wait_for_file
from support.engines import LIMIT, chain, definition, lambda_step

# More commits than any of the runs below makes; each ends by itself long before.
MOST_COMMITS = 60

GOOD = {"Type": "Equals", "LeftValue": {"Get": "Steps.B.OutputParameters['verdict']"}, "RightValue": "good"}
GATE = {
    "Name": "Gate",
    "Type": "Condition",
    "Arguments": {"Conditions": [GOOD], "IfSteps": [lambda_step("D")], "ElseSteps": [lambda_step("E")]},
}
VERDICT = [{"OutputName": "verdict", "OutputType": "String"}]

# Branches that meet, a retry with a timer, a condition, and a step after its branch.
PIPELINE = definition(
    lambda_step("A"),
    lambda_step("B", "A", OutputParameters=VERDICT),
    lambda_step("FaultyC", "A"),
    GATE,
    lambda_step("F", "D", "FaultyC"),
)


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    with Processes() as processes:
        yield processes


class Look:
    """What is left in a home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.engine, self._database = open_engine(home)
        self.reader = self.engine.executions
        self.found = [self.reader.describe(each.id) for each in self.reader.find().executions]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.engine.close()
        self._database.close()

    @property
    def execution(self) -> str:
        assert len(self.found) == 1
        return self.found[0].id

    def effects(self) -> Counter[tuple[str, str]]:
        """How often each (step, kind of effect) happened, over all of its task ids."""
        names = [path.name.split("=") for path in (self.home / "effects").iterdir()]
        return Counter((name[1], name[-1]) for name in names)

    def assert_whole(self) -> None:
        """Hold the history against gaps and doubles, and the tables against leftovers."""
        records = list(self.reader.whole_history(self.execution))
        assert [record.position for record in records] == list(range(1, len(records) + 1))
        once = Counter((each.type, each.step, each.body.get("attempt")) for each in records)
        attempts = Counter(each.step for each in records if each.type == "StepStarted")
        for (kind, step, _), count in once.items():
            most = attempts[step] if kind == "StepRunning" else 1
            assert count <= most, f"{kind} of {step!r} is in the history {count} times"
        stored = _stored(self.engine, self.execution)
        assert stored.position == len(records)
        store = self.engine._store
        assert stored.owner == ""
        assert store.tasks(self.execution) == []
        assert store.timers(self.execution) == {}
        assert store.waiting([]) == []


def _stored(engine: Engine, execution: str) -> StoredExecution:
    return engine._store.get(execution)


def _kill_points(
    processes: Processes,
    folder: Path,
    when: str,
    action: str,
    text: str = "",
    prepare: Callable[[Path], None] = Path.mkdir,
) -> Iterator[Path]:
    """Do a run once for each of its commits, killed there; yield the home after each."""
    for commit in range(1, MOST_COMMITS):
        home = folder / f"{commit}"
        prepare(home)
        if not processes.run(home, action, definition=text, when=when, commit=commit):
            assert commit > 3, "so few commits cannot be all"
            return
        yield home
    raise AssertionError("The run never came to its end.")


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_commit_of_a_run(processes: Processes, tmp_path: Path, when: str) -> None:
    points = 0
    for home in _kill_points(processes, tmp_path, when, "start", PIPELINE):
        points += 1
        assert not processes.run(home, "resume")
        with Look(home) as look:
            if not look.found:
                assert (points, when) == (1, "before"), "only before the first commit there is nothing"
                assert look.effects() == {}
                continue
            assert look.found[0].status is Status.SUCCEEDED
            assert look.effects() == {(step, "done"): 1 for step in ("A", "B", "FaultyC", "D", "F")}
            look.assert_whole()
    assert points >= 8


@pytest.mark.parametrize("every", [1, 2, 3])
def test_killed_again_and_again(processes: Processes, tmp_path: Path, every: int) -> None:
    """Each process dies just after its first, second or third commit; still there is progress."""
    killed = processes.run(tmp_path, "start", definition=PIPELINE, when="after", commit=every)
    lives = 1
    while killed:
        # An adoption alone is a commit: to get ahead, a process needs two.
        killed = processes.run(tmp_path, "resume", when="after", commit=max(2, every))
        lives += 1
        assert lives < MOST_COMMITS
    with Look(tmp_path) as look:
        assert look.found[0].status is Status.SUCCEEDED
        assert set(look.effects().values()) == {1}
        look.assert_whole()
    assert lives > 2


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_commit_of_a_stop(processes: Processes, tmp_path: Path, when: str) -> None:
    text = definition(lambda_step("A"), lambda_step("Held", "A"), lambda_step("B", "Held"))
    outcomes = Counter[Status]()
    for home in _kill_points(processes, tmp_path, when, "stop", text):
        with Look(home) as look:
            if not look.found:
                continue
            status = look.found[0].status
            outcomes[status] += 1
            look.engine.resume()
            wait_for_file(home / "held")
            # The wish may have been written before the kill; a second one does no harm.
            with suppress(WrongStateError):
                look.engine.stop(look.execution)
            assert look.engine.wait(look.execution, LIMIT).status is Status.STOPPED
            assert look.effects() == {("A", "done"): 1, ("Held", "stopped"): 1}
            look.assert_whole()
    # How many commits there are, and so where the n-th one falls, depends on what was grouped.
    assert outcomes[Status.EXECUTING]


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_commit_of_a_retry(processes: Processes, tmp_path: Path, when: str) -> None:
    text = chain("A", "FailingB", "C")

    def fail_first(home: Path) -> None:
        home.mkdir()
        (home / "failing").touch()
        assert not processes.run(home, "start", definition=text)
        (home / "failing").unlink()

    for home in _kill_points(processes, tmp_path, when, "retry", prepare=fail_first):
        assert not processes.run(home, "resume")
        with Look(home) as look:
            if look.found[0].status is Status.FAILED:  # killed before the wish was written
                look.engine.retry(look.execution)
                look.engine.wait(look.execution, LIMIT)
            assert look.engine.describe(look.execution).status is Status.SUCCEEDED
            assert look.effects() == {(step, "done"): 1 for step in ("A", "FailingB", "C")}
            look.assert_whole()
