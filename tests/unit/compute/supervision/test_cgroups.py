from __future__ import annotations

from pathlib import Path

import pytest

from stepmill.compute.supervision.cgroups import remove_left_over, set_limits

_MIB = 1 << 20


class _Machine:
    """The files by which a kernel tells of its control groups."""

    def __init__(self, folder: Path) -> None:
        self.proc = folder / "proc"
        self.groups = folder / "cgroup"
        self.proc.mkdir()
        self.groups.mkdir()
        self._own: list[str] = []
        self._mounts = ["20 1 0:20 / /proc rw - proc proc rw"]

    def version_1(self, controllers: str, path: str = "/", root: str = "/") -> Path:
        point = self.groups / controllers
        folder = Path(str(point) + path.removeprefix(root.rstrip("/")) if path != root else str(point))
        folder.mkdir(parents=True)
        self._own.append(f"{len(self._own) + 1}:{controllers}:{path}")
        self._mounts.append(f"30 20 0:30 {root} {point} rw shared:1 - cgroup cgroup rw,{controllers}")
        self._write()
        return folder

    def version_2(self, path: str, handed_on: str, parents: str = "") -> Path:
        point = self.groups / "unified"
        folder = Path(str(point) + path)
        folder.mkdir(parents=True)
        (folder / "cgroup.subtree_control").write_text(handed_on)
        if path != "/":
            (folder.parent / "cgroup.subtree_control").write_text(parents)
        self._own.append(f"0::{path}")
        self._mounts.append(f"40 20 0:40 / {point} rw - cgroup2 cgroup2 rw,nsdelegate")
        self._write()
        return folder

    def _write(self) -> None:
        (self.proc / "cgroup").write_text("\n".join(self._own) + "\n")
        (self.proc / "mountinfo").write_text("\n".join(self._mounts) + "\n")


@pytest.fixture
def machine(tmp_path: Path) -> _Machine:
    return _Machine(tmp_path)


def test_no_limits_need_nothing(machine: _Machine) -> None:
    limits = set_limits("job", 0, 0, machine.proc)
    assert (limits.folders, limits.notes) == ([], [])
    assert limits.killed_for_memory() == 0


def test_version_1_has_a_group_for_each(machine: _Machine) -> None:
    memory = machine.version_1("memory", "/service/one", "/service")
    cpu = machine.version_1("cpu,cpuacct")
    limits = set_limits("job", 100 * _MIB, 0.5, machine.proc)
    assert limits.notes == []
    ours, cpus = limits.folders
    assert ours.parent == memory
    assert cpus.parent == cpu
    assert (ours / "memory.limit_in_bytes").read_text() == str(100 * _MIB)
    assert (cpus / "cpu.cfs_quota_us").read_text() == "50000"
    limits.add(1234)
    assert [(folder / "cgroup.procs").read_text() for folder in limits.folders] == ["1234", "1234"]


def test_version_1_limits_swap_too_where_it_is_counted(
    machine: _Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.version_1("memory")
    make = Path.mkdir

    def make_with_files(self: Path, *args: object, **kwargs: object) -> None:
        make(self, *args, **kwargs)  # type: ignore[arg-type]
        (self / "memory.memsw.limit_in_bytes").touch()

    monkeypatch.setattr(Path, "mkdir", make_with_files)
    (folder,) = set_limits("job", _MIB, 0, machine.proc).folders
    assert (folder / "memory.memsw.limit_in_bytes").read_text() == str(_MIB)


@pytest.mark.parametrize(
    ("path", "own", "parents", "where"),
    [
        ("/", "cpu memory", "", "/"),
        ("/user/app", "memory cpu pids", "", "/user/app"),
        ("/user/app", "", "memory cpu", "/user"),
        ("/user/app", "", "", "/user/app"),
    ],
)
def test_version_2_has_one_group_where_controllers_are_handed_on(
    machine: _Machine, path: str, own: str, parents: str, where: str
) -> None:
    machine.version_2(path, own, parents)
    limits = set_limits("job", 100 * _MIB, 1.5, machine.proc)
    (folder,) = limits.folders
    assert folder.parent == Path(str(machine.groups / "unified") + where)
    assert (folder / "memory.max").read_text() == str(100 * _MIB)
    assert (folder / "cpu.max").read_text() == "150000 100000"


def test_a_hybrid_machine_uses_version_1_where_it_has_the_controller(machine: _Machine) -> None:
    memory = machine.version_1("memory")
    unified = machine.version_2("/", "cpu")
    limits = set_limits("job", _MIB, 1, machine.proc)
    assert [folder.parent for folder in limits.folders] == [memory, unified]


def test_what_is_missing_is_noted(machine: _Machine) -> None:
    machine.version_1("pids")
    limits = set_limits("job", _MIB, 1, machine.proc)
    assert limits.folders == []
    assert limits.notes == [
        "no memory limit: this machine offers no control group for it",
        "no CPU limit: this machine offers no control group for it",
    ]


def test_a_machine_without_control_groups_is_noted(tmp_path: Path) -> None:
    assert len(set_limits("job", _MIB, 1, tmp_path / "nowhere").notes) == 2


def test_a_group_that_may_not_be_made_is_noted(machine: _Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.version_1("memory")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    limits = set_limits("job", _MIB, 0, machine.proc)
    assert limits.notes == ["no memory limit: control groups may not be set up here (Permission denied)"]
    assert limits.memory_folder is None


def test_a_very_small_share_is_what_the_kernel_takes(machine: _Machine) -> None:
    machine.version_1("cpu")
    (folder,) = set_limits("job", 0, 0.001, machine.proc).folders
    assert (folder / "cpu.cfs_quota_us").read_text() == "1000"


@pytest.mark.parametrize(
    ("version", "name", "text"),
    [
        (1, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
        (2, "memory.events", "low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\noom_group_kill 0\n"),
    ],
)
def test_processes_killed_for_memory_are_counted(
    machine: _Machine, version: int, name: str, text: str
) -> None:
    if version == 1:
        machine.version_1("memory")
    else:
        machine.version_2("/", "memory")
    limits = set_limits("job", _MIB, 0, machine.proc)
    assert limits.killed_for_memory() == 0
    (limits.folders[0] / name).write_text(text)
    assert limits.killed_for_memory() == 2


def test_groups_are_removed_with_the_job(machine: _Machine) -> None:
    machine.version_1("memory")
    limits = set_limits("job", _MIB, 0, machine.proc)
    (folder,) = limits.folders
    for file in folder.iterdir():
        file.unlink()
    limits.remove()
    assert not folder.exists()
    limits.remove()


def test_groups_of_a_killed_supervisor_are_found_by_the_jobs_name(machine: _Machine) -> None:
    memory = machine.version_1("memory")
    for name in ("stepmill-job-12", "stepmill-job-two-12", "other"):
        (memory / name).mkdir()
    remove_left_over("job", machine.proc)
    assert sorted(path.name for path in memory.iterdir()) == ["other", "stepmill-job-two-12"]
