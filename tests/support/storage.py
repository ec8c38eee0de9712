"""Helpers for tests that run storage in other processes."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path


def start_python(code: str, *arguments: str | Path) -> subprocess.Popen[str]:
    """Start a Python program given as text; its standard output can be read line by line."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for the end of a program that must succeed, and return what it printed."""
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    return output
