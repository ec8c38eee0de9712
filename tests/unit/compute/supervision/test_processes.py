from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from stepmill.compute.supervision import processes
from stepmill.testing.contracts.compute import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is a thing of Linux")


@pytest.fixture
def tree() -> Iterator[subprocess.Popen[bytes]]:
    """A shell with a shell with a sleep, and another sleep."""
    script = "sleep 600 & bash -c 'sleep 600; true' & wait"
    with subprocess.Popen(["/bin/bash", "-c", script], start_new_session=True) as shell:
        wait_until(lambda: len(processes.descendants(shell.pid)) == 3)
        yield shell
        os.killpg(shell.pid, signal.SIGKILL)


def test_children_and_descendants(tree: subprocess.Popen[bytes]) -> None:
    born = processes.children(tree.pid)
    assert len(born) == 2
    assert processes.children(tree.pid) == processes._children_by_search(tree.pid)
    below = processes.descendants(tree.pid)
    assert set(born) < set(below)
    assert processes.children(1 << 22) == []


def test_descending_by_generations(tree: subprocess.Popen[bytes]) -> None:
    assert processes.descend(tree.pid, 0) == tree.pid
    first = processes.descend(tree.pid, 1)
    assert first == processes.children(tree.pid)[0]
    assert processes.descend(first, 1) == 0


def test_shells_are_not_asked_but_what_they_run(tree: subprocess.Popen[bytes]) -> None:
    wait_until(
        lambda: [processes._name(pid) for pid in processes.those_to_ask(tree.pid)] == ["sleep", "sleep"]
    )


def test_a_program_is_asked_itself() -> None:
    assert processes.those_to_ask(os.getpid()) == [os.getpid()]


def test_signals_to_those_that_are_gone_are_no_error() -> None:
    processes.send([1 << 22], signal.SIGTERM)
    processes.kill_group(1 << 22)
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as one:
        processes.send([1 << 22, one.pid], signal.SIGTERM)
        assert one.wait() == -signal.SIGTERM
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as other:
        processes.kill_group(other.pid)
        assert other.wait() == -signal.SIGKILL
