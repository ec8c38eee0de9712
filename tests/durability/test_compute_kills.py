"""The process that starts jobs, or what forks them, is killed at any moment: every job runs exactly once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from stepmill.compute.local.compute import LocalCompute
from stepmill.compute.spec import Ending, JobSpec, Mount
from stepmill.compute.supervision import files
from stepmill.core.settings import Isolation
from stepmill.testing.contracts.compute import Recorder
from support.computing import Bench

KINDS = {"cold": {}, "warm": {"warm": True}, "plain": {"isolation": Isolation.NONE}}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    compute = LocalCompute()
    yield Bench(compute, tmp_path)
    compute.close()


def _counting_spec(bench: Bench, name: str, **fields: object) -> tuple[JobSpec, Path]:
    """Return a job that leaves one letter for each time that it runs."""
    out = bench.folder / f"{name}-out"
    out.mkdir()
    script = "import sys, time\nopen(sys.argv[1] + '/runs', 'a').write('x')\ntime.sleep(0.05)\nprint('done')"
    spec = bench.spec(
        script,
        name,
        command=("python3", "/opt/ml/code/main.py", "/opt/ml/output"),
        mounts=(Mount(out, "/opt/ml/output"),),
        **fields,
    )
    return spec, out / "runs"


def _serve(first: JobSpec, then: JobSpec, go: Event) -> None:
    """Be a server: run one job to have everything started, then another while it may be killed."""
    compute = LocalCompute()
    recorder = Recorder()
    compute.run(first, recorder)
    recorder.ended()
    go.set()
    compute.run(then, recorder)
    time.sleep(600)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("milliseconds", [0, 1, 2, 3, 5, 8, 12, 20, 40, 80])
def test_a_server_that_is_killed_while_it_starts_a_job(bench: Bench, kind: str, milliseconds: int) -> None:
    first, _ = _counting_spec(bench, "first", **KINDS[kind])
    spec, runs = _counting_spec(bench, "job", **KINDS[kind])
    context = multiprocessing.get_context("spawn")
    go = context.Event()
    server = context.Process(target=_serve, args=(first, spec, go))
    server.start()
    assert go.wait(120)
    time.sleep(milliseconds / 1000)
    server.kill()
    server.join()
    ended, log = bench.run(spec)
    assert (ended.ending, ended.exit_code, log) == (Ending.EXITED, 0, "done\n")
    assert runs.read_text() == "x"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("milliseconds", [0, 1, 2, 4, 8, 16, 32])
def test_a_supervisor_that_is_killed_never_makes_a_job_run_twice(
    bench: Bench, kind: str, milliseconds: int
) -> None:
    bench.run(_counting_spec(bench, "first", **KINDS[kind])[0])
    spec, runs = _counting_spec(bench, "job", **KINDS[kind])
    recorder = bench.start(spec)
    time.sleep(milliseconds / 1000)
    supervisor = files.lock_holder(spec.folder)
    if supervisor:
        os.kill(supervisor, signal.SIGKILL)
    ended = recorder.ended()
    assert ended.ending in (Ending.EXITED, Ending.LOST)
    times = runs.read_text() if runs.exists() else ""
    assert times in ("", "x")
    if ended.ending is Ending.EXITED:
        assert times == "x"
    assert bench.start(spec).ended().ending is ended.ending


@pytest.mark.parametrize("milliseconds", [0, 1, 2, 4, 8, 16, 32])
def test_a_nursery_that_is_killed_loses_no_job(bench: Bench, milliseconds: int) -> None:
    bench.run(_counting_spec(bench, "first", warm=True)[0])
    jobs = [_counting_spec(bench, f"job-{n}", warm=True) for n in range(4)]
    recorders = [bench.start(spec) for spec, _ in jobs]
    time.sleep(milliseconds / 1000)
    for nursery in list(bench.compute._nurseries._all.values()):
        nursery._process.kill()
    ends = [recorder.ended() for recorder in recorders]
    assert [(ended.ending, ended.exit_code) for ended in ends] == [(Ending.EXITED, 0)] * 4
    assert [runs.read_text() for _, runs in jobs] == ["x"] * 4
