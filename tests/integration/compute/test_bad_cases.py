"""What can go wrong: memory, disk, endless logs, killed supervisors and nurseries, strange machines."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from stepmill.compute.local import planning
from stepmill.compute.local.compute import LocalCompute
from stepmill.compute.logs import read_log
from stepmill.compute.spec import Ending, Mount, Resources
from stepmill.compute.supervision import files
from stepmill.compute.supervision.cgroups import set_limits
from stepmill.compute.supervision.order import write_order
from stepmill.core.errors import ComputeError, UnsupportedError
from stepmill.core.settings import Isolation
from stepmill.testing.contracts.compute import wait_until
from support.computing import Bench

KINDS = {
    "bubblewrap": {"isolation": Isolation.BUBBLEWRAP},
    "warm": {"warm": True},
    "plain": {"isolation": Isolation.NONE},
}
needs_bubblewrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    compute = LocalCompute()
    yield Bench(compute, tmp_path)
    compute.close()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> dict[str, object]:
    if request.param != "plain" and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    return dict(KINDS[request.param])


def _memory_can_be_limited() -> bool:
    limits = set_limits("probe", 64 << 20, 0)
    limits.remove()
    return limits.memory_folder is not None


# -- memory and CPU


def test_a_job_that_eats_all_its_memory(bench: Bench, kind: dict[str, object]) -> None:
    if not _memory_can_be_limited():
        pytest.skip("control groups may not be set up here")
    spec = bench.spec(
        "eaten = []\nwhile True: eaten.append(bytearray(4 << 20))",
        resources=Resources(memory_bytes=96 << 20),
        **kind,
    )
    ended, _ = bench.run(spec)
    assert (ended.ending, ended.exit_code) == (Ending.OUT_OF_MEMORY, 137)
    assert "96 MiB" in ended.message


def test_a_job_within_its_memory_ends_well_and_its_group_is_removed(
    bench: Bench, kind: dict[str, object]
) -> None:
    if not _memory_can_be_limited():
        pytest.skip("control groups may not be set up here")
    spec = bench.spec("print('fine')", resources=Resources(memory_bytes=256 << 20, cpus=0.5), **kind)
    recorder = bench.start(spec)
    assert recorder.ended().ending is Ending.EXITED
    assert not any("limit" in note for note in recorder.running().notes)
    wait_until(lambda: files.lock_holder(spec.folder) == 0)
    assert not list(Path("/sys/fs/cgroup").glob("*/**/stepmill-job-*"))


def test_memory_is_limited_by_process_where_there_is_no_control_group(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() == 0:
        pytest.skip("root has control groups here")
    spec = bench.spec("x = bytearray(512 << 20)", resources=Resources(memory_bytes=200 << 20))
    recorder = bench.start(spec)
    assert recorder.ended().exit_code == 1
    assert "MemoryError" in read_log(spec.folder)
    assert any("no memory limit" in note for note in recorder.running().notes)


# -- log and disk


@pytest.mark.slow
def test_a_huge_log_neither_fills_the_disk_nor_stalls(bench: Bench, kind: dict[str, object]) -> None:
    spec = bench.spec(
        """
        import os
        block = b"x" * 99 + b"\\n"
        block *= 10_000
        for _ in range(1000):
            view = memoryview(block)
            while view:
                view = view[os.write(1, view):]
        os.write(1, b"last\\n")
        """,
        log_limit_bytes=1_000_000,
        **kind,
    )
    ended, log = bench.run(spec)
    assert ended.ending is Ending.EXITED
    assert log.endswith("x\nlast\n")
    assert sum(path.stat().st_size for path in spec.folder.glob("log*")) < 4_000_000


def test_an_endless_log_can_be_stopped(bench: Bench, kind: dict[str, object]) -> None:
    spec = bench.spec("while True: print('again ' * 100)", log_limit_bytes=100_000, **kind)
    recorder = bench.start(spec)
    wait_until(lambda: len(list(spec.folder.glob("log.*"))) > 1)
    bench.compute.stop(spec.folder)
    assert recorder.ended().ending is Ending.STOPPED


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", disk], check=False).returncode:
        pytest.skip("nothing may be mounted here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


@needs_root
def test_a_full_disk_loses_log_but_neither_the_job_nor_its_record(
    small_disk: Path, kind: dict[str, object]
) -> None:
    compute = LocalCompute()
    bench = Bench(compute, small_disk)
    spec = bench.spec("for n in range(200_000): print('x' * 99)\nprint('end')", **kind)
    recorder = bench.start(spec)
    ended = recorder.ended()
    compute.close()
    assert (ended.ending, ended.exit_code) == (Ending.EXITED, 0)
    assert "log is incomplete" in ended.message
    assert "No space left on device" in ended.message
    assert (spec.folder / files.EXIT).exists()


@needs_root
def test_a_script_that_fills_the_disk_fails_with_its_own_words(
    small_disk: Path, kind: dict[str, object]
) -> None:
    compute = LocalCompute()
    bench = Bench(compute, small_disk)
    spec = bench.spec("open('model.bin', 'wb').write(bytes(8 << 20))", log_limit_bytes=10_000, **kind)
    ended = bench.start(spec).ended()
    compute.close()
    assert (ended.ending, ended.exit_code) == (Ending.EXITED, 1)
    wait_until(lambda: not files.lock_holder(spec.folder))
    assert shutil.disk_usage(small_disk).free > 2 << 20


# -- processes that are killed


def test_a_killed_supervisor_is_lost_and_takes_the_program_with_it(
    bench: Bench, kind: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    spec = bench.spec(
        """
        import sys, time
        while True:
            open(sys.argv[1] + "/alive", "a").write("x")
            time.sleep(0.01)
        """,
        command=("python3", "/opt/ml/code/main.py", "/opt/ml/output"),
        mounts=(Mount(tmp_path / "out", "/opt/ml/output"),),
        resources=Resources(memory_bytes=256 << 20),
        **kind,
    )
    recorder = bench.start(spec)
    wait_until((tmp_path / "out/alive").exists)
    os.kill(files.lock_holder(spec.folder), signal.SIGKILL)
    ended = recorder.ended()
    assert (ended.ending, ended.exit_code) == (Ending.LOST, -1)
    assert "supervisor was killed" in ended.message
    again = bench.start(spec).ended()
    assert again.ending is Ending.LOST
    assert not _grows(tmp_path / "out/alive")
    wait_until(lambda: not list(Path("/sys/fs/cgroup").glob("*/**/stepmill-job-*")))


def _grows(path: Path) -> bool:
    """Say whether something still writes to a file, when it has had ample time to end."""
    for _ in range(100):
        size = path.stat().st_size
        time.sleep(0.1)
        if path.stat().st_size == size:
            return False
    return True


def test_a_supervisor_killed_before_its_claim_is_started_again(bench: Bench) -> None:
    spec = bench.spec("print('ran')")
    spec.folder.mkdir(parents=True)
    planned = bench.compute._planner.plan(spec)
    files.write_whole(spec.folder / files.SPEC, write_order(planned.order))
    assert files.folder_state(spec.folder) is files.FolderState.NEW
    ended, log = bench.run(spec)
    assert (ended.exit_code, log) == (0, "ran\n")


def test_a_claim_whose_writer_died_is_lost_and_never_started_again(bench: Bench) -> None:
    spec = bench.spec("print('ran')")
    spec.folder.mkdir(parents=True)
    (spec.folder / files.STARTED).write_text('{"at": 17')
    ended, log = bench.run(spec)
    assert (ended.ending, log) == (Ending.LOST, "")


@needs_bubblewrap
def test_jobs_go_on_when_their_nursery_is_killed_and_the_next_gets_a_new_one(bench: Bench) -> None:
    script = """
        import os, time
        print("ready")
        while not os.path.exists("/opt/ml/go/on"):
            time.sleep(0.01)
        print("done")
        """
    slow = bench.spec(script, "slow", warm=True, mounts=(Mount(bench.folder, "/opt/ml/go"),))
    recorder = bench.start(slow)
    wait_until(lambda: "ready\n" in read_log(slow.folder))
    for nursery in list(bench.compute._nurseries._all.values()):
        nursery._process.kill()
        nursery._process.wait()
    assert bench.run(bench.spec("print('next')", "next", warm=True))[1] == "next\n"
    (bench.folder / "on").touch()
    assert recorder.ended().exit_code == 0
    assert read_log(slow.folder) == "ready\ndone\n"


def test_a_job_asked_to_stop_before_it_begins_does_not_begin(bench: Bench) -> None:
    spec = bench.spec("print('ran')")
    spec.folder.mkdir(parents=True)
    (spec.folder / files.STOP).touch()
    ended, log = bench.run(spec)
    assert (ended.ending, log) == (Ending.STOPPED, "")


def test_a_program_started_by_a_shell_is_asked_to_stop_in_its_place(
    bench: Bench, kind: dict[str, object]
) -> None:
    spec = bench.spec(
        """
        import signal, sys, time
        def save(*_):
            time.sleep(0.2)
            print("saved")
            sys.exit(3)
        signal.signal(signal.SIGTERM, save)
        print("ready")
        time.sleep(600)
        """,
        command=("/bin/bash", "-c", "python3 $0; echo shell $?", "/opt/ml/code/main.py"),
        **{**kind, "warm": False},
    )
    recorder = bench.start(spec)
    wait_until(lambda: "ready\n" in read_log(spec.folder))
    bench.compute.stop(spec.folder)
    assert recorder.ended().ending is Ending.STOPPED
    assert read_log(spec.folder) == "ready\nsaved\nshell 3\n"


# -- machines that lack something


def test_without_bubblewrap_and_namespaces_a_job_is_plain_and_says_why(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        planning, "trouble_with_bubblewrap", lambda *_, **__: "bubblewrap is not allowed here"
    )
    monkeypatch.setattr(bench.compute._planner, "_probe_namespaces", lambda _: "not permitted")
    recorder = bench.start(bench.spec("print('ran')", warm=True))
    assert recorder.ended().exit_code == 0
    assert recorder.running().isolation == "none"
    assert "no sandbox: bubblewrap is not allowed here" in recorder.running().notes
    with pytest.raises(UnsupportedError, match="without network"):
        bench.start(bench.spec("print('ran')", "other", network=False))
    with pytest.raises(UnsupportedError, match="not allowed"):
        bench.start(bench.spec("print('ran')", "third", isolation=Isolation.BUBBLEWRAP))


@needs_bubblewrap
def test_without_bubblewrap_namespaces_will_do_for_any_program(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "trouble_with_bubblewrap", lambda *_, **__: "not installed")
    spec = bench.spec("", command=("/bin/sh", "-c", "ls /; exit 3"))
    recorder = bench.start(spec)
    assert recorder.ended().exit_code == 3
    assert recorder.running().isolation == "namespaces"
    missing = bench.spec("", "missing", command=("/no/such/program",))
    ended, _ = bench.run(missing)
    assert (ended.ending, ended.message) == (
        Ending.NOT_STARTED, "/no/such/program: No such file or directory",
    )  # fmt: skip


@needs_bubblewrap
def test_without_namespaces_a_warm_job_starts_cold(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.compute._planner, "_probe_namespaces", lambda _: "not permitted")
    recorder = bench.start(bench.spec("print('ran')", warm=True))
    assert recorder.ended().exit_code == 0
    assert (recorder.running().isolation, recorder.running().warm) == ("bubblewrap", False)


@needs_bubblewrap
def test_the_home_of_stepmill_is_hidden_even_within_what_python_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project on the search path that holds its own .stepmill, with an environment in it."""
    project = tmp_path / "project"
    home = project / ".stepmill"
    (home / "secrets").mkdir(parents=True)
    (project / "library.py").write_text("VALUE = 42")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home / "env"], check=True)
    site = next((home / "env").glob("lib/python*/site-packages"))
    (site / "project.pth").write_text(f"{project}\n")
    compute = LocalCompute(hidden=(home,))
    bench = Bench(compute, home)
    script = f"import library, os; print(library.VALUE, sorted(os.listdir({str(home)!r})))"
    for warm in (False, True):
        spec = bench.spec(script, f"job-{warm}", python=home / "env/bin/python", warm=warm)
        ended, log = bench.run(spec)
        assert (ended.exit_code, log) == (0, "42 ['env']\n")
    compute.close()


def test_an_interpreter_that_is_not_there(bench: Bench) -> None:
    with pytest.raises(ComputeError, match="does not run"):
        bench.start(bench.spec("", python=Path("/no/such/python")))


def test_a_place_below_something_read_only_that_lacks_it(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    mounts = (
        Mount(tmp_path / "a", "/opt/ml/input", read_only=True),
        Mount(tmp_path / "b", "/opt/ml/input/data"),
    )
    ended, _ = bench.run(bench.spec("", mounts=mounts, isolation=Isolation.AUTO))
    assert ended.ending is Ending.NOT_STARTED
    assert "which is read-only and has no such place in it" in ended.message


def test_a_job_with_nothing_to_run(bench: Bench) -> None:
    with pytest.raises(ComputeError, match="no command"):
        bench.start(replace(bench.spec(""), command=()))


def test_the_timeout_counts_for_a_stopped_job_too(bench: Bench) -> None:
    spec = bench.spec(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on'); time.sleep(600)",
        timeout=timedelta(seconds=1),
        grace=timedelta(seconds=0.2),
        warm=True,
    )
    ended, _ = bench.run(spec)
    assert (ended.ending, ended.exit_code) == (Ending.TIMED_OUT, 137)
