from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.compute.local import scripts
from stepmill.compute.local.scripts import Imports, ImportScanner, imports_of, may_be_forked, script_of
from stepmill.compute.spec import JobSpec

PYTHON = Path("/venv/bin/python")


def _spec(*command: str, **fields: Any) -> JobSpec:
    settings: dict[str, Any] = {"environment": {}, "python": PYTHON, "warm": True, **fields}
    return JobSpec("job", Path("/jobs/job"), command, **settings)


@pytest.mark.parametrize("program", ["python", "python3", "/venv/bin/python"])
def test_a_python_script_can_be_forked(program: str) -> None:
    assert script_of(_spec(program, "/opt/ml/a.py", "--x")) == "/opt/ml/a.py"


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("python3",),
        ("python3", "-m", "x"),
        ("python3", "-u", "a.py"),
        ("python3", "-c", "1"),
        ("python3", "-"),
        ("/bin/sh", "a.sh"),
        ("/other/bin/python3", "a.py"),
        ("a.py",),
    ],
)
def test_anything_else_cannot(command: tuple[str, ...]) -> None:
    assert script_of(_spec(*command)) == ""


def test_it_must_be_allowed() -> None:
    assert script_of(_spec("python3", "a.py", warm=False)) == ""


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"ANYTHING": "1", "SM_HP_LR": "0.1"},
        {"PYTHONUNBUFFERED": "1", "PYTHONPATH": "/x", "PYTHONDONTWRITEBYTECODE": "1"},
        {"OMP_NUM_THREADS": "2"},
        {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
        {"TZ": "UTC", "CUDA_VISIBLE_DEVICES": ""},
    ],
)
def test_variables_that_still_have_their_effect(environment: dict[str, str]) -> None:
    assert may_be_forked(environment)


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONHASHSEED": "0"}, {"PYTHONOPTIMIZE": "1"}, {"LD_PRELOAD": "x.so"}, {"LANG": "de_DE.UTF-8"},
     {"LC_ALL": "C"}, {"MKL_NUM_THREADS": "1"}, {"OMP_PROC_BIND": "true"}, {"KMP_AFFINITY": "x"}],
)  # fmt: skip
def test_variables_that_would_come_too_late(environment: dict[str, str]) -> None:
    assert not may_be_forked(environment)


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("", ()),
        ("import numpy as np, os", ("numpy",)),
        ("import sklearn.ensemble", ("sklearn.ensemble",)),
        ("from sklearn.model_selection import train_test_split as t", ("sklearn.model_selection",)),
        ("def main():\n    import pandas", ("pandas",)),
        ("try:\n    import xgboost\nexcept ImportError:\n    pass", ("xgboost",)),
        ("from . import numpy", ()),
        ("from .pandas import x", ()),
        ("import numpyish, mynumpy", ()),
        ("this is no python", ()),
        ("x = '\0'", ()),
    ],
)
def test_known_libraries_are_found(source: str, modules: tuple[str, ...]) -> None:
    assert imports_of(source.encode())[0].modules == modules


def test_libraries_that_do_not_share_a_process_are_told_apart() -> None:
    found = imports_of(b"import torch.nn, pandas, lightgbm")[0]
    assert found == Imports(("lightgbm", "pandas", "torch.nn"), frozenset({"lightgbm", "torch"}))


@given(st.binary(max_size=300))
def test_no_source_makes_it_raise(source: bytes) -> None:
    imports_of(source)


def test_deep_sources_do_not_make_it_raise() -> None:
    assert imports_of(b"x = " + b"(" * 10_000)[0] == Imports()
    assert imports_of(b"x = " + b"-" * 100_000 + b"1")[0] == Imports()


def test_modules_beside_the_script_are_looked_into(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("import helper, json")
    (tmp_path / "helper.py").write_text("import other, main\nimport numpy")
    (tmp_path / "other.py").write_text("from sklearn import svm")
    (tmp_path / "unused.py").write_text("import pandas")
    assert ImportScanner().scan(tmp_path / "main.py").modules == ("numpy", "sklearn")


def test_a_script_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    scanner, script = ImportScanner(), tmp_path / "main.py"
    script.write_text("import numpy")
    assert scanner.scan(script).modules == ("numpy",)
    script.write_text("import pandas, numpy")
    assert scanner.scan(script).modules == ("numpy", "pandas")


def test_what_cannot_be_read_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ImportScanner().scan(tmp_path / "missing.py") == Imports()
    assert ImportScanner().scan(tmp_path) == Imports()
    large = tmp_path / "large.py"
    large.write_text("import numpy\n" + "#" * 300_000)
    assert ImportScanner().scan(large) == Imports()


def test_it_remembers_only_so_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "_MOST_REMEMBERED", 2)
    scanner = ImportScanner()
    for n in range(5):
        (tmp_path / f"{n}.py").write_text("import numpy")
        scanner.scan(tmp_path / f"{n}.py")
    assert len(scanner._known) <= 2
