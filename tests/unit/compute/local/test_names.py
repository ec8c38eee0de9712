"""The file of names of a job that has other hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepmill.compute.local.names import refuse_names, with_names
from stepmill.compute.spec import JobSpec
from stepmill.core.errors import ComputeError, UnsupportedError

NAMES = (("algo-1", "127.20.3.1"), ("algo-2", "127.20.3.2"))


def spec(folder: Path, names: tuple[tuple[str, str], ...] = NAMES) -> JobSpec:
    return JobSpec("job", folder, ("true",), {}, Path("/usr/bin/python3"), names=names)


def test_its_own_names_come_before_those_of_the_machine(tmp_path: Path) -> None:
    machine = tmp_path / "hosts"
    machine.write_text("127.0.0.1 localhost\n10.0.0.1 algo-1\n")
    (mount,) = with_names(spec(tmp_path / "job"), machine).mounts
    assert (mount.target, mount.read_only) == ("/etc/hosts", True)
    lines = [line.split() for line in mount.source.read_text().splitlines()]
    assert lines == [
        ["127.20.3.1", "algo-1"],
        ["127.20.3.2", "algo-2"],
        ["127.0.0.1", "localhost"],
        ["10.0.0.1", "algo-1"],
    ]


def test_a_job_without_others_stays_as_it_is(tmp_path: Path) -> None:
    alone = spec(tmp_path, names=())
    assert with_names(alone) is alone
    refuse_names(alone, "no sandbox")


def test_a_machine_without_names_is_no_trouble(tmp_path: Path) -> None:
    (mount,) = with_names(spec(tmp_path), tmp_path / "nothing").mounts
    assert mount.source.read_text().endswith("127.20.3.2\talgo-2\n")


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ComputeError, match="names of hosts cannot be written"):
        with_names(spec(tmp_path / "file"))


def test_without_a_sandbox_several_hosts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="no sandbox: none here"):
        refuse_names(spec(tmp_path), "no sandbox: none here")
