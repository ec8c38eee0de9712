"""A script that is forked warm does and says exactly what it does and says when it is started cold."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from stepmill.compute.local.compute import LocalCompute
from stepmill.compute.logs import read_log
from stepmill.compute.spec import JobEnded, JobSpec, Mount
from stepmill.compute.supervision.files import lock_holder
from stepmill.core.settings import Isolation
from stepmill.testing.contracts.compute import Recorder, wait_until


def _read_scripts() -> dict[str, str]:
    """Read the scripts: each has its name in a line before it."""
    text = Path(__file__).with_name("scripts.txt").read_text()
    sections = text.removeprefix("=== ").split("\n=== ")
    return dict(section.partition("\n")[::2] for section in sections)


_SCRIPTS = _read_scripts()


@pytest.fixture(scope="module")
def compute() -> Iterator[LocalCompute]:
    compute = LocalCompute()
    yield compute
    compute.close()


def _clean(log: str) -> str:
    """Blot out what differs between any two runs."""
    log = re.sub(r"0x[0-9a-f]{6,}", "0x", log)
    return re.sub(r"pid=\d+|<Thread\(.*?\)>|Thread-\d+", "", log)


@pytest.fixture
def both(compute: LocalCompute, tmp_path: Path) -> Callable[..., list[tuple[JobEnded, str]]]:
    """Return a function that runs a script warm and cold, and gives how each ended and its log."""
    code = tmp_path / "code"
    (code / "package").mkdir(parents=True)
    (code / "package" / "__init__.py").write_text("")
    (code / "package" / "inner.py").write_text("VALUE = 'inner'")
    (code / "helper.py").write_text("VALUE = 'helper'")

    def run(script: str, isolation: Isolation, **environment: str) -> list[tuple[JobEnded, str]]:
        (code / "main.py").write_bytes(script.encode())
        found = []
        folder = tmp_path / "job"
        for warm in (True, False):
            spec = JobSpec(
                job_id="job",
                folder=folder,
                command=("python3", "opt/ml/code/main.py", "-x", "two words"),
                environment={"MINE": "1", **environment},
                python=Path(sys.executable),
                mounts=(Mount(code, "/opt/ml/code", read_only=True),),
                warm=warm,
                isolation=isolation,
                timeout=timedelta(seconds=100),
            )
            recorder = Recorder()
            compute.run(spec, recorder)
            ended = recorder.ended()
            assert recorder.running().warm is warm
            found.append((ended, _clean(read_log(folder))))
            wait_until(lambda: not lock_holder(folder))  # its supervisor still throws things away
            folder.rename(tmp_path / f"was-{warm}")
        return found

    return run


@pytest.mark.parametrize("name", _SCRIPTS)
def test_in_a_sandbox(name: str, both: Callable[..., list[tuple[JobEnded, str]]]) -> None:
    warm, cold = both(_SCRIPTS[name], Isolation.AUTO)
    assert warm[1] == cold[1]
    assert (warm[0].ending, warm[0].exit_code) == (cold[0].ending, cold[0].exit_code)


@pytest.mark.parametrize("variable", ["PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "TZ", "OMP_NUM_THREADS"])
@pytest.mark.parametrize("name", ["streams", "order of streams", "time zone", "variables", "not encodable"])
def test_with_a_variable(name: str, variable: str, both: Callable[..., list[tuple[JobEnded, str]]]) -> None:
    value = {"TZ": "America/New_York"}.get(variable, "1")
    warm, cold = both(_SCRIPTS[name], Isolation.AUTO, **{variable: value})
    assert warm[1] == cold[1]


def test_with_a_search_path(both: Callable[..., list[tuple[JobEnded, str]]]) -> None:
    warm, cold = both("import sys; print(sys.path[:4])", Isolation.AUTO, PYTHONPATH="/opt/ml/lib:rel")
    assert warm[1] == cold[1]
    assert "/opt/ml/lib" in warm[1]


@pytest.mark.parametrize(
    "name", ["nothing", "an error", "exit with a text", "multiprocessing by spawn", "fork"]
)
def test_without_a_sandbox(name: str, both: Callable[..., list[tuple[JobEnded, str]]]) -> None:
    warm, cold = both(_SCRIPTS[name], Isolation.NONE)
    assert warm[1] == cold[1]
    assert (warm[0].ending, warm[0].exit_code) == (cold[0].ending, cold[0].exit_code)
