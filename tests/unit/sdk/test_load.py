from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.sdk import load_pipeline

MAKES = "from stepmill import FailStep, Pipeline\n"


def write(folder: Path, text: str, name: str = "pipeline.py") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(text))
    return path


def test_a_variable(tmp_path: Path) -> None:
    path = write(tmp_path, MAKES + "anything = Pipeline('P', FailStep('F', 'x'))")
    loaded = load_pipeline(path)
    assert loaded.name == "P"
    assert loaded.folder == tmp_path


def test_a_function(tmp_path: Path) -> None:
    path = write(tmp_path, MAKES + "def pipeline():\n    return Pipeline('P', FailStep('F', 'x'))")
    assert load_pipeline(path).name == "P"


def test_two_names_for_one_pipeline(tmp_path: Path) -> None:
    assert load_pipeline(write(tmp_path, MAKES + "a = b = Pipeline('P', FailStep('F', 'x'))")).name == "P"


@pytest.mark.parametrize("name", ["b", "B"])
def test_one_of_several(tmp_path: Path, name: str) -> None:
    path = write(
        tmp_path, MAKES + "a = Pipeline('A', FailStep('F', 'x'))\nb = Pipeline('B', FailStep('F', 'x'))"
    )
    assert load_pipeline(path, name).name == "B"


def test_several_and_no_name(tmp_path: Path) -> None:
    path = write(
        tmp_path, MAKES + "a = Pipeline('A', FailStep('F', 'x'))\nb = Pipeline('B', FailStep('F', 'x'))"
    )
    with pytest.raises(InvalidInputError, match="2 pipelines: A, B"):
        load_pipeline(path)
    with pytest.raises(NotFoundError, match="Did you mean 'A'"):
        load_pipeline(path, "AA")


@pytest.mark.parametrize("text", ["", "pipeline = 3", "def pipeline(): return 3"])
def test_no_pipeline(tmp_path: Path, text: str) -> None:
    with pytest.raises(NotFoundError, match="makes no pipeline"):
        load_pipeline(write(tmp_path, text))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no file"):
        load_pipeline(tmp_path / "none.py")
    with pytest.raises(NotFoundError, match="no file"):
        load_pipeline(tmp_path)


def test_no_python(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no Python file"):
        load_pipeline(write(tmp_path, "", "pipeline.txt"))


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("x = 1\ny = 1 / 0\n", "ZeroDivisionError: division by zero", 2),
        ("def f():\n    raise ValueError('no')\nf()\n", "ValueError: no", 2),
        ("import nowhere_to_be_found\n", "No module named 'nowhere_to_be_found'", 1),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3", 2),
        ("x = (\n", "not valid Python", 1),
        ("from stepmill import FailStep\n\nFailStep('a b', 'x')\n", "no name for a step", 3),
        ("def pipeline():\n    return 1 / 0\n", "ZeroDivisionError", 2),
        ("import json\njson.loads('{')\n", "JSONDecodeError", 2),
    ],
)
def test_what_goes_wrong_in_the_file_is_said_with_its_line(
    tmp_path: Path, text: str, what: str, line: int
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InvalidInputError, match=what) as caught:
        load_pipeline(path)
    assert f"{path}:{line}" in caught.value.where


def test_a_syntax_error_in_an_imported_module_names_that(tmp_path: Path) -> None:
    broken = write(tmp_path, "def (", "broken_helper.py")
    with pytest.raises(InvalidInputError) as caught:
        load_pipeline(write(tmp_path, "import broken_helper"))
    assert caught.value.where == f"{broken}:1"


def test_modules_beside_the_file_can_be_imported_and_are_forgotten(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        write(folder, f"NAME = '{name}'", "helper_of_test_load.py")
        path = write(
            folder, MAKES + "from helper_of_test_load import NAME\np = Pipeline(NAME, FailStep('F', 'x'))"
        )
        assert load_pipeline(path).name == name
        assert "helper_of_test_load" not in sys.modules
        assert str(folder) not in sys.path


def test_nothing_is_left_behind_after_an_error(tmp_path: Path) -> None:
    before, path = set(sys.modules), list(sys.path)
    with pytest.raises(InvalidInputError):
        load_pipeline(write(tmp_path, "1 / 0"))
    assert sys.path == path
    assert not [name for name in set(sys.modules) - before if "stepmill_pipeline" in name]


def test_an_interruption_is_no_error_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        load_pipeline(write(tmp_path, "raise KeyboardInterrupt"))


def test_classes_of_the_file_know_their_module(tmp_path: Path) -> None:
    text = """
        from __future__ import annotations
        from dataclasses import dataclass
        from typing import ClassVar
        from stepmill import FailStep, Pipeline
        @dataclass
        class Settings:
            kind: ClassVar[str] = "x"
            name: str = "P"
        p = Pipeline(Settings().name, FailStep("F", "x"))
        """
    assert load_pipeline(write(tmp_path, text)).name == "P"


@pytest.mark.parametrize(
    ("module", "mend"),
    [
        ("no_such_module.inside", "Install 'no_such_module' where stepmill is installed"),
        ("torch", "pip install 'stepmill[pytorch]'"),
    ],
)
def test_a_module_that_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, mend: str
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / "pipeline.py").write_text(f"import {module}")
    with pytest.raises(InvalidInputError, match="ModuleNotFoundError") as caught:
        load_pipeline(tmp_path / "pipeline.py")
    assert mend in caught.value.mend
    assert caught.value.where.endswith("pipeline.py:1")
