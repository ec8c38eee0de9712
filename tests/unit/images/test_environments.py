"""Environments are built by a scripted venv and pip here; tests/integration/images builds a real one."""

from __future__ import annotations

import platform
import sys
import threading
from pathlib import Path

import pytest

from stepmill.core.errors import ComputeError, InvalidInputError, UnsupportedError
from stepmill.images.environments import Environments, told_of_downloads
from stepmill.images.interpreters import Interpreter

# Stands for a Python: `-m venv FOLDER` makes a folder whose python is this script again, and `-m pip`
# does what the requirement says.
FAKE = """#!{python}
import pathlib, sys
words = sys.argv[1:]
if "venv" in words:
    home = pathlib.Path(words[-1])
    (home / "bin").mkdir(parents=True)
    target = home / "bin" / "python"
    target.write_text(pathlib.Path(__file__).read_text())
    target.chmod(0o755)
    with open({log!r}, "a") as log:
        log.write("venv\\n")
elif "pip" in words:
    wanted = pathlib.Path(words[-1]).read_text().split()
    if "broken" in wanted:
        for line in range(40):
            print("line", line)
        sys.exit(7)
    home = pathlib.Path(__file__).parent.parent
    for name in wanted:
        info = home / "lib" / "python3" / "site-packages" / (name + "-1.5.dist-info")
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: " + name + "\\nVersion: 1.5\\n")
    print("installed", *wanted)
else:
    sys.exit("unexpected: " + repr(words))
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def environments(tmp_path: Path, log: Path) -> Environments:
    python = tmp_path / "fake-python"
    python.write_text(FAKE.format(python=sys.executable, log=str(log)))
    python.chmod(0o755)
    return Environments(tmp_path / "environments", python)


def builds(log: Path) -> int:
    return log.read_text().count("venv") if log.exists() else 0


def test_an_environment_is_built_once_and_kept(environments: Environments, log: Path) -> None:
    lines: list[str] = []
    first = environments.python(["pandas", "torch"], lines.append)
    assert first.exists()
    assert "installed pandas torch" in lines
    assert environments.python(["torch", "pandas", "torch"]) == first
    assert builds(log) == 1
    assert environments.versions(["pandas", "torch"]) == {"pandas": "1.5", "torch": "1.5"}


def test_a_version_is_found_however_its_library_writes_its_name(environments: Environments) -> None:
    environments.python(["TensorFlow_cpu"])
    assert environments.versions(["TensorFlow_cpu"]) == {"tensorflow-cpu": "1.5"}


def test_other_requirements_are_another_environment(environments: Environments, log: Path) -> None:
    assert environments.python(["a"]) != environments.python(["b"])
    assert builds(log) == 2
    assert environments.versions(["c"]) == {}


def test_of_another_python_it_is_another_environment(
    environments: Environments, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = environments._python
    found = Interpreter(base, "3.4.10")
    monkeypatch.setattr("stepmill.images.environments.find_interpreter", lambda _version: found)
    own = environments.python(["pandas"])
    other = environments.python(["pandas"], version="3.4")
    assert own != other
    assert environments.versions(["pandas"], version="3.4") == {"pandas": "1.5"}
    mine = ".".join(platform.python_version_tuple()[:2])
    assert environments.python(["pandas"], version=mine) == own


def test_nothing_but_python_is_an_environment_too(environments: Environments) -> None:
    assert environments.python([]).exists()


def test_a_failure_shows_the_last_lines_and_leaves_nothing(
    environments: Environments, tmp_path: Path
) -> None:
    with pytest.raises(ComputeError) as caught:
        environments.python(["broken"])
    assert "exit code 7" in caught.value.what
    assert "line 39" in caught.value.what
    assert "line 10" not in caught.value.what
    assert [path.name for path in (tmp_path / "environments").iterdir() if path.is_dir()] == []


def test_what_was_left_half_built_is_built_anew(environments: Environments, log: Path) -> None:
    home = environments.python(["a"]).parent.parent
    (home / "complete.json").unlink()
    (home / "rubbish").write_text("x")
    environments.python(["a"])
    assert builds(log) == 2
    assert not (home / "rubbish").exists()


def test_two_at_once_build_one(environments: Environments, log: Path) -> None:
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(environments.python(["slow"]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 4
    assert builds(log) == 1


@pytest.mark.parametrize("requirement", ["", " ", "-r x", "--index-url=http://x", " -e .", "a\n-r b", "a\0"])
def test_only_requirements_are_taken(environments: Environments, requirement: str) -> None:
    with pytest.raises(InvalidInputError, match="is not a requirement"):
        environments.python([requirement])


def test_a_python_without_venv_says_so(tmp_path: Path) -> None:
    python = tmp_path / "bad"
    python.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('No module named venv')\n")
    python.chmod(0o755)
    with pytest.raises(UnsupportedError, match="No module named venv"):
        Environments(tmp_path / "environments", python).python(["a"])


def test_an_interrupted_build_leaves_nothing(environments: Environments, tmp_path: Path) -> None:
    def interrupt(line: str) -> None:
        if line.startswith("installed"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        environments.python(["a"], interrupt)
    assert [path.name for path in (tmp_path / "environments").iterdir() if path.is_dir()] == []


def test_of_pips_lines_those_that_take_long_are_told() -> None:
    told: list[str] = []
    take = told_of_downloads(told.append)
    for line in (
        "building an environment with torch>=2.5",
        "Collecting torch>=2.5",
        "  Downloading torch-2.13.0-cp311-cp311-linux_x86_64.whl (200.1 MB)",
        "Downloading sympy-1.13-py3-none-any.whl (6.2 MB)",
        "Downloading wheel-1.0-py3-none-any.whl (72 kB)",
        "Downloading nvidia_cudnn_cu12-9.1-py3-none-linux_x86_64.whl (1.2 GB)",
        "     ---- 10.0/200.1 MB 3.2 MB/s",
        "Downloading pandas-2.3-cp311.whl (12 MB)",
        "the environment is ready",
    ):
        take(line)
    assert told == [
        "building an environment with torch>=2.5",
        "Downloading torch-2.13.0-cp311-cp311-linux_x86_64.whl (200.1 MB)",
        "Downloading nvidia_cudnn_cu12-9.1-py3-none-linux_x86_64.whl (1.2 GB)",
        "Downloading pandas-2.3-cp311.whl (12 MB)",
        "the environment is ready",
    ]


def test_the_wait_for_another_build_is_told() -> None:
    told: list[str] = []
    take = told_of_downloads(told.append)
    take("waiting for another process that builds the same environment")
    take("waiting for another process that builds the same environment")
    assert len(told) == 2
