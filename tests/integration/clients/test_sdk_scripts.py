"""Scripts as users have them, for both generations of the SDK, end to end: nothing in them knows of Stepmill.

Those of SDK 2 run under ``stepmill exec``, which brings a server along; those of SDK 3 under what
``stepmill env`` prints, beside ``stepmill serve``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clients import sdk_python

SCRIPTS = Path(__file__).parents[2] / "clients"
# Several jobs, each with an environment of its own, on a machine that may be busy.
LIMIT_S = 580.0


def variables(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "STEPMILL_HOME": str(folder / "home"),
    }


def name_the_environment_of_functions(folder: Path, python: str) -> None:
    """Have jobs that use the SDK themselves run in the client's own environment; none is built.

    Those are what @step and @remote send along, and the scripts of an image of the scripts' own.
    """
    functions = f"sagemaker-base-python-{sys.version_info[0]}{sys.version_info[1]}"
    images = [f'[images."{image}"]\npython = "{python}"\n' for image in (functions, "shells/tools")]
    (folder / "stepmill.toml").write_text("".join(images))


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT_S
    )
    assert done.returncode == 0, f"---- out\n{done.stdout[-6000:]}\n---- err\n{done.stderr[-6000:]}"
    return done.stdout


@pytest.mark.parametrize("name", ["abalone", "feature_pipeline", "features", "fit", "functions", "workflow"])
def test_a_script_of_sdk_2_runs_under_exec(name: str, tmp_path: Path) -> None:
    python = str(sdk_python(2))
    name_the_environment_of_functions(tmp_path, python)
    command = [sys.executable, "-m", "stepmill", "exec", "--", python, str(SCRIPTS / "sdk2" / f"{name}.py")]
    assert f"{name.upper()} OK" in run(command, tmp_path, variables(tmp_path))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What a shell has after ``eval "$(stepmill env)"``."""
    folder = tmp_path_factory.mktemp("served")
    name_the_environment_of_functions(folder, str(sdk_python(3)))
    with subprocess.Popen(
        [sys.executable, "-m", "stepmill", "serve", "--port", "0"],
        env=variables(folder), cwd=folder, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready ")
        told = run([sys.executable, "-m", "stepmill", "env", "--json"], folder, variables(folder))
        yield {**variables(folder), **json.loads(told)}
        process.terminate()
        assert process.wait(LIMIT_S) == 0


@pytest.mark.parametrize("name", ["abalone", "features", "train", "functions"])
def test_a_script_of_sdk_3_runs_beside_serve(name: str, served: dict[str, str], tmp_path: Path) -> None:
    command = [str(sdk_python(3)), str(SCRIPTS / "sdk3" / f"{name}.py")]
    assert f"{name.upper()} OK" in run(command, tmp_path, {**served, "HOME": str(tmp_path)})
