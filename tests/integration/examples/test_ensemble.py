"""The ensemble as a user runs it: real models, a notified failure, a redrive."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stepmill.language.states.checking import check

EXAMPLE = Path(__file__).parents[3] / "examples" / "ensemble"
LIMIT_S = 500.0


def deploy(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "stepmill", "exec", "--", sys.executable, str(EXAMPLE / "deploy.py")]
    done = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "STEPMILL_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, f"---- out\n{done.stdout[-5000:]}\n---- err\n{done.stderr[-5000:]}"
    return done.stdout


def result(said: str) -> dict[str, object]:
    """The JSON at the end."""
    found: dict[str, object] = json.loads(said[said.rindex("\n{") :])
    return found


def test_a_machine_that_is_missing_once_is_waited_for(tmp_path: Path) -> None:
    said = deploy(tmp_path, "--shortages", "1")
    assert said.count("  TrainText\n") == 2
    assert "  WaitForTextMachine\n" in said
    released = result(said)
    assert isinstance(released["accuracy"], float)
    assert released["accuracy"] > 0.8
    assert set(released["models"]) == {"text", "image", "sequence"}  # type: ignore[call-overload]


def test_a_failure_is_told_and_stays_one(tmp_path: Path) -> None:
    said = deploy(tmp_path, "--show-failure")
    assert "  NotifyFailure\n  Failed\n" in said
    assert re.search(r"^FAILED \S+ No S3 objects found", said, re.MULTILINE)
    assert re.search(r"^notified: .*No S3 objects found", said, re.MULTILINE)


def test_a_redrive_goes_on_from_the_failed_state(tmp_path: Path) -> None:
    said = deploy(tmp_path, "--show-redrive")
    before, _, _after = said.partition("SUCCEEDED")
    assert "FAILED NoSuchBucket" in before
    last = before.rpartition("FAILED")[2]
    # History goes on: each state but the failed one was entered once.
    assert last.count("  TrainText\n") == 1
    assert isinstance(result(said)["accuracy"], float)


def test_the_definition_is_one_that_aws_takes() -> None:
    text = (EXAMPLE / "machine.asl.json").read_text()
    arn = "arn:aws:lambda:us-west-2:123456789012:function:f"
    checked = check(re.sub(r"\$\{\w+\}", arn, text))
    assert checked.findings == ()


@pytest.mark.parametrize("name", ["setup", "reasons", "collect"])
def test_functions_have_a_handler(name: str) -> None:
    assert "def handler(event, context):" in (EXAMPLE / "functions" / f"{name}.py").read_text()
