"""What runs beside the server is forked from a bare interpreter: it must need nothing but that."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import stepmill.compute.supervision as supervision
from stepmill.compute.local.nurseries import _BOOT

_FOLDER = Path(supervision.__file__).parent
_OURS = "stepmill.compute.supervision"


@pytest.mark.parametrize("path", sorted(_FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_only_the_standard_library_is_imported(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            assert name.partition(".")[0] in sys.stdlib_module_names or name.startswith(_OURS), name


def test_a_nursery_starts_without_the_rest_of_stepmill() -> None:
    package = str(_FOLDER.parents[1])
    words = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        _BOOT.replace("main()\n", "print(sorted(sys.modules))\n"),
        package,
    ]
    answer = subprocess.run(words, capture_output=True, text=True, check=True)
    loaded = [name for name in ast.literal_eval(answer.stdout) if name.startswith("stepmill.")]
    assert all(name == "stepmill.compute" or name.startswith(_OURS) for name in loaded)
