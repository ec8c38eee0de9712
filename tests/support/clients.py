"""The real clients: scripts under the SageMaker SDK of a generation, and ``aws``, as programs of their own.

``make clients`` makes their environments, ``sdk2`` and ``sdk3``, inside the one that runs the tests;
``STEPMILL_SDK2`` and ``STEPMILL_SDK3`` name others. Where there is none, a test that asks for it is skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from stepmill.core.endpoint import Endpoint

# Until then everything must have happened, however busy the machine is.
LIMIT_S = 300.0


def sdk_environment(generation: int) -> Path:
    """Return the folder of the environment with the SDK of a generation, 2 or 3; skip if there is none."""
    variable = f"STEPMILL_SDK{generation}"
    folder = Path(os.environ.get(variable) or Path(sys.prefix) / f"sdk{generation}")
    if not (folder / "bin" / "python").exists():
        pytest.skip(f"no environment with SDK {generation}: `make clients` makes it, or {variable} names one")
    return folder


def sdk_python(generation: int) -> Path:
    """Return the interpreter that has the SDK of a generation."""
    return sdk_environment(generation) / "bin" / "python"


def aws_program() -> Path:
    """Return the ``aws`` command."""
    return sdk_environment(2) / "bin" / "aws"


def client_variables(endpoint: Endpoint, home: Path) -> dict[str, str]:
    """Return the variables of a shell that ``stepmill env`` has pointed at an endpoint, and nothing else.

    Args:
        endpoint: Where to.
        home: Stands for the user's own folder, so that no configuration of this machine's user is read.
    """
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        # Without keys botocore would ask the machine that it is on; a mistake must not hang.
        "AWS_EC2_METADATA_DISABLED": "true",
        **endpoint.environment(),
    }


def run_client(
    command: Sequence[str | Path],
    endpoint: Endpoint,
    folder: Path,
    *,
    variables: Mapping[str, str] | None = None,
    limit_s: float = LIMIT_S,
    code: int = 0,
) -> str:
    """Run a client program against an endpoint and return what it said on standard output.

    Args:
        command: The program with its arguments.
        endpoint: What ``stepmill env`` would point it at.
        folder: Where it runs, and its home.
        variables: More of them.
        limit_s: Seconds after which it has failed.
        code: The exit code that it shall have.
    """
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**client_variables(endpoint, folder), **(variables or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )
    assert done.returncode == code, (
        f"{command[0]} ended with {done.returncode}\n---- out\n{done.stdout}\n---- err\n{done.stderr}"
    )
    return done.stdout


def run_script(
    generation: int,
    script: Path | str,
    endpoint: Endpoint,
    folder: Path,
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    limit_s: float = LIMIT_S,
    code: int = 0,
) -> str:
    """Run a Python script under the SDK of a generation; see ``run_client``.

    Args:
        generation: 2 or 3.
        script: A file, or the text of one, which is kept in the folder as ``script.py``.
    """
    python = sdk_python(generation)
    if isinstance(script, str):
        (folder / "script.py").write_text(script, encoding="utf-8")
        script = folder / "script.py"
    command = [python, script, *arguments]
    return run_client(command, endpoint, folder, variables=variables, limit_s=limit_s, code=code)
