"""The hosts of a job begin together, and the failure of one ends the others."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from stepmill.compute.spec import Ending, JobEnded, JobEvent, JobRunning, JobSpec, Listener
from stepmill.core.errors import ComputeClosedError, ComputeError, StepmillError
from stepmill.jobs.kinds import Workplace
from stepmill.jobs.peers import end_of_all, names_of, programs_of, run_together, stop_together
from stepmill.jobs.requests.hosts import Host
from stepmill.jobs.toolkit.launchers import port_of
from support.job_data import T0


class Puppets:
    """Compute whose jobs do what the test says."""

    def __init__(self) -> None:
        self.listeners: dict[str, Listener] = {}
        self.stopped: list[str] = []
        self.ends_at_once: dict[str, JobEnded] = {}
        self.errors: dict[str, StepmillError] = {}

    def run(self, spec: JobSpec, listen: Listener) -> None:
        if spec.job_id in self.errors:
            raise self.errors[spec.job_id]
        self.listeners[spec.job_id] = listen
        if spec.job_id in self.ends_at_once:
            listen(self.ends_at_once[spec.job_id])

    def stop(self, folder: Path) -> None:
        self.stopped.append(folder.name)

    def close(self) -> None: ...


def spec(name: str) -> JobSpec:
    return JobSpec(name, Path("/jobs") / name, ("true",), {}, Path("/usr/bin/python3"))


def ended(name: str, ending: Ending = Ending.EXITED, code: int = 0, *, after_s: int = 1) -> JobEnded:
    return JobEnded(name, ending, code, T0, T0 + timedelta(seconds=after_s))


SPECS = [spec("a"), spec("b"), spec("c")]


@pytest.fixture
def puppets() -> Puppets:
    return Puppets()


def test_one_host_is_run_as_it_is(puppets: Puppets) -> None:
    heard: list[JobEvent] = []
    run_together(puppets, SPECS[:1], heard.append)
    puppets.listeners["a"](ended("a", code=3))
    assert heard == [ended("a", code=3)]
    assert puppets.stopped == []


def test_the_job_runs_with_its_first_host_and_ends_with_its_last(puppets: Puppets) -> None:
    heard: list[JobEvent] = []
    run_together(puppets, SPECS, heard.append)
    for name in "bac":
        puppets.listeners[name](JobRunning(name, "fake"))
    assert heard == [JobRunning("b", "fake")]
    puppets.listeners["c"](ended("c", after_s=1))
    puppets.listeners["a"](ended("a", after_s=3))
    assert len(heard) == 1
    puppets.listeners["b"](ended("b", after_s=2))
    assert heard[1:] == [ended("a", after_s=3)]
    assert puppets.stopped == []


def test_the_failure_of_one_host_ends_the_others_and_is_the_jobs(puppets: Puppets) -> None:
    heard: list[JobEvent] = []
    run_together(puppets, SPECS, heard.append)
    puppets.listeners["b"](ended("b", code=7, after_s=1))
    assert puppets.stopped == ["a", "b", "c"]
    puppets.listeners["c"](ended("c", Ending.STOPPED, 143, after_s=2))
    # One that dies because its peer is gone is not to blame.
    puppets.listeners["a"](ended("a", code=1, after_s=5))
    assert heard == [replace(ended("b", code=7), ended_at=T0 + timedelta(seconds=5))]


def test_hosts_that_do_not_need_one_another_go_on_when_one_fails(puppets: Puppets) -> None:
    heard: list[JobEvent] = []
    puppets.ends_at_once["a"] = ended("a", code=1)
    run_together(puppets, SPECS, heard.append, share_failure=False)
    puppets.listeners["b"](ended("b", code=2, after_s=2))
    assert puppets.stopped == []
    puppets.listeners["c"](ended("c", after_s=3))
    assert heard == [replace(ended("a", code=1), ended_at=T0 + timedelta(seconds=3))]


def test_a_host_that_begins_after_another_has_failed_is_stopped_too(puppets: Puppets) -> None:
    puppets.ends_at_once["a"] = ended("a", Ending.LOST, -1)
    run_together(puppets, SPECS, lambda _event: None)
    assert puppets.stopped[-3:] == ["a", "b", "c"]


def test_hosts_that_can_only_partly_be_started_are_stopped(puppets: Puppets) -> None:
    puppets.errors["b"] = ComputeError("no room")
    with pytest.raises(ComputeError):
        run_together(puppets, SPECS, lambda _event: None)
    assert puppets.stopped == ["a", "b", "c"]
    assert "c" not in puppets.listeners


def test_those_that_run_go_on_when_this_process_ends(puppets: Puppets) -> None:
    puppets.errors["b"] = ComputeClosedError("closed")
    with pytest.raises(ComputeClosedError):
        run_together(puppets, SPECS, lambda _event: None)
    assert puppets.stopped == []


@pytest.mark.parametrize(
    ("ends", "telling"),
    [
        ([ended("a"), ended("b")], "a"),
        ([ended("a"), ended("b", Ending.STOPPED, 143)], "b"),
        ([ended("a", Ending.STOPPED, 0), ended("b", Ending.TIMED_OUT, 143)], "b"),
        ([ended("a", code=1, after_s=9), ended("b", Ending.OUT_OF_MEMORY, 137, after_s=8)], "b"),
        ([ended("a", Ending.NOT_STARTED, -1), ended("b")], "a"),
    ],
)
def test_which_end_is_the_jobs(ends: list[JobEnded], telling: str) -> None:
    assert end_of_all(ends).job_id == telling


def test_all_hosts_are_asked_to_end(puppets: Puppets, tmp_path: Path) -> None:
    for number in (2, 10, 3):
        (tmp_path / "job" / "hosts" / f"algo-{number}").mkdir(parents=True)
    stop_together(puppets, tmp_path / "job")
    assert puppets.stopped == ["job", "algo-2", "algo-3", "algo-10"]


class TestNames:
    def places(self, job: str, count: int) -> list[Workplace]:
        return [Workplace(job, "arn", Path("/jobs") / job, Host(f"algo-{n + 1}")) for n in range(count)]

    def test_one_host_needs_none(self) -> None:
        assert names_of(self.places("a", 1)) == ()

    def test_each_host_has_an_address_of_its_own_on_the_loopback(self) -> None:
        names = names_of(self.places("a", 64))
        addresses = [address for _, address in names]
        assert len(set(addresses)) == 64
        assert all(address.startswith("127.") for address in addresses)
        assert (names[0][0], names[63][0]) == ("algo-1", "algo-64")

    def test_they_are_the_same_whenever_one_asks_and_others_for_another_job(self) -> None:
        assert names_of(self.places("a", 2)) == names_of(self.places("a", 2))
        assert names_of(self.places("a", 2)) != names_of(self.places("b", 2))


class TestTorchrun:
    """The program that several hosts find; here its Python tells what it was given."""

    def told(self, folder: Path, *words: str) -> list[str]:
        place = Workplace("job", "arn", Path("/jobs/job"))
        ((name, text),) = programs_of([place, replace(place, host=Host("algo-2"))])
        for file, content in ((name, text), ("python", '#!/bin/sh\nprintf "%s\\n" "$@"\n')):
            (folder / file).write_text(content)
            (folder / file).chmod(0o755)
        done = subprocess.run(
            [name, *words], env={"PATH": f"{folder}:{os.defpath}"}, capture_output=True, text=True, check=True
        )
        first, module, *rest = done.stdout.splitlines()
        assert (first, module) == ("-m", "torch.distributed.run")
        return rest

    def test_the_fixed_port_becomes_the_jobs_own(self, tmp_path: Path) -> None:
        found = self.told(tmp_path, "--nnodes=2", "--master_port=7777", "--node_rank=1", "a b.py", "--x", "")
        own = f"--master_port={port_of('job')}"
        assert found == ["--nnodes=2", own, "--node_rank=1", "a b.py", "--x", ""]
        assert port_of("job") != port_of("other")

    @pytest.mark.parametrize(
        "words", [("--master_port=7778", "a.py"), ("a.py", "--master_port=7777"), ("--standalone", "a.py")]
    )
    def test_all_else_stays_as_it_is(self, tmp_path: Path, words: tuple[str, ...]) -> None:
        assert self.told(tmp_path, *words) == list(words)

    def test_one_host_has_the_port_to_itself(self) -> None:
        assert programs_of([Workplace("job", "arn", Path("/jobs/job"))]) == ()
