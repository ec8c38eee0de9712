"""Functions of the SDK in a plain `stepmill run`: nobody has started a server, and their role is narrow."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from support.cli import Cli, statuses
from support.clients import sdk_python

SCRIPT = Path(__file__).parents[2] / "clients" / "sdk2" / "steps.py"
NOTHING = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::nowhere/*"}


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    (tmp_path / "project").mkdir()
    with closing(Cli(tmp_path / "project", tmp_path / "home")) as cli:
        yield cli


def test_functions_fetch_and_leave_what_they_need_without_a_server(cli: Cli) -> None:
    python = str(sdk_python(2))
    version = python_version(python)
    cli.write("stepmill.toml", f'[images."sagemaker-base-python-{version}"]\npython = "{python}"\n')
    home = {"PYTHONWARNINGS": "", "HOME": str(cli.folder)}
    cli("exec", "--", python, SCRIPT, "p.json", **home).ok()
    policy = json.dumps({"Version": "2012-10-17", "Statement": [NOTHING]})
    with cli.platform() as platform:
        platform.roles.change("Functions", lambda role: msgspec.structs.replace(role, inline={"own": policy}))
    cli("run", "p.json", **home).ok()
    assert statuses(cli.show()) == {"Double": "Succeeded", "Check": "Succeeded"}
    assert "checked by arn:aws:sts::123456789012:assumed-role/Functions/" in cli("logs", "Check").ok().out


def python_version(python: str) -> str:
    """Return major and minor version of an interpreter, without a dot."""
    code = "import sys; print(*sys.version_info[:2], sep='')"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
