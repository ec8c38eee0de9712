"""Interpreters are found by asking programs what they are; here the programs are scripts."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from stepmill.core.errors import UnsupportedError
from stepmill.images.interpreters import Interpreter, find_interpreter, own_interpreter


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it but what the test puts there."""
    monkeypatch.setenv("PATH", f"{tmp_path}/first:{tmp_path}/second")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    return tmp_path


def program(path: Path, answer: str, code: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nprintf '{answer}'\nexit {code}\n")
    path.chmod(0o755)
    return path


def test_the_one_that_runs_is_taken_first(home: Path) -> None:
    version = ".".join(platform.python_version_tuple()[:2])
    program(home / "first" / f"python{version}", f"/other/python\\n{version}.0\\n")
    assert find_interpreter(version) == Interpreter(Path(sys.executable), platform.python_version())
    assert own_interpreter().is_of(version)


def test_one_on_the_path_says_where_it_really_is(home: Path) -> None:
    program(home / "first" / "python3.4", "/real/python3.4\\n3.4.10\\n")
    assert find_interpreter("3.4") == Interpreter(Path("/real/python3.4"), "3.4.10")


def test_a_shim_that_leads_nowhere_is_passed_over(home: Path) -> None:
    program(home / "first" / "python3.4", "not installed", code=127)
    program(home / "second" / "python3.4", "/real/python3.4\\n3.4.1\\n")
    assert find_interpreter("3.4").path == Path("/real/python3.4")


@pytest.mark.parametrize("answer", ["/real/python\\n3.40.1\\n", "/real/python\\n2.7.18\\n", "one line", ""])
def test_what_is_something_else_is_not_taken(home: Path, answer: str) -> None:
    program(home / "first" / "python3.4", answer)
    with pytest.raises(UnsupportedError, match=r"Python 3\.4 is needed.*stepmill\.toml"):
        find_interpreter("3.4")


@pytest.mark.parametrize("place", [".pyenv/versions/3.4.9", ".local/share/uv/python/cpython-3.4.9-linux"])
def test_those_that_others_keep_are_found(home: Path, place: str) -> None:
    program(home / place / "bin" / "python3.4", "/kept/python3.4\\n3.4.9\\n")
    assert find_interpreter("3.4").version == "3.4.9"


def test_versions_are_numbers() -> None:
    assert Interpreter(Path("x"), "3.10.13").is_of("3.10")
    assert not Interpreter(Path("x"), "3.10.13").is_of("3.1")
