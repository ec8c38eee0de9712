from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import stepmill
from stepmill.core.typed import converter

SOURCE = Path(stepmill.__file__).parent
READERS = {"convert", "decode", "Decoder"}
# Of what consists of these msgspec keeps nothing that other threads could see half made.
PLAIN = {"str", "int", "float", "bool", "bytes", "None", "dict", "list", "tuple", "set", "frozenset"}
ALIASES = {"JsonObject", "Json", "_Int64"}

# Classes that no thread has used, used by four threads that change places as often as can be.
RACE = """
import sys, threading, types
from stepmill.core.typed import converter
sys.setswitchinterval(1e-6)
CLASSES = '''
import msgspec, typing
class Inner(msgspec.Struct):
    one: int
    two: "typing.Mapping[str, str]"
    three: "dict[str, list[int]] | None" = None
class Outer(msgspec.Struct):
    first: tuple[Inner, ...]
    second: "dict[str, tuple[Inner, ...]] | None" = None
'''
LAST = {"one": 1, "two": {}, "three": {"q": [1]}}
BODY = {"first": [{"one": 1, "two": {"a": "b"}}] * 3, "second": {"k": [LAST]}}
for _ in range(300):
    module = sys.modules["made"] = types.ModuleType("made")
    exec(CLASSES, module.__dict__)
    read = converter(module.Outer)
    barrier = threading.Barrier(4)
    def go():
        barrier.wait()
        assert read(BODY).second["k"][0].three == {"q": [1]}
    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
print("read")
"""


class Point(msgspec.Struct):
    x: int


def test_reads_a_value() -> None:
    assert converter(Point)({"x": 1}) == Point(1)


def test_says_what_is_wrong_with_a_value() -> None:
    with pytest.raises(msgspec.ValidationError, match="x"):
        converter(Point)({"x": "1"})


def test_reads_in_several_threads_what_no_thread_has_read_before() -> None:
    done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "read\n"), done.stderr[-2000:]


def test_classes_are_worked_out_where_modules_are_imported() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{line}"
        for path in sorted(SOURCE.rglob("*.py"))
        if path != SOURCE / "core" / "typed.py"
        for line in made_late(path.read_text())
    ]
    assert not found, "make these when the module is imported (see core/typed.py)"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("D = msgspec.json.Decoder(Point)\n", []),
        ("def f(x):\n    return D.decode(x)\n", []),
        ("def f(x):\n    return msgspec.json.decode(x, type=tuple[str, int | None])\n", []),
        ("def f(x):\n    return msgspec.json.decode(x)\n", []),
        ("def f(x):\n    return msgspec.json.decode(x, type=list[Point])\n", [2]),
        ("def f(x):\n    return msgspec.convert(x, Point)\n", [2]),
        ("class A:\n    def f(self, x):\n        return msgspec.msgpack.Decoder(Point).decode(x)\n", [3]),
    ],
)
def test_sees_what_is_worked_out_late(text: str, lines: list[int]) -> None:
    assert list(made_late(text)) == lines


def made_late(text: str) -> Iterator[int]:
    """Yield the lines of functions where msgspec is given a class to read."""
    if "msgspec" not in text:
        return
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and _gives_class(call):
                    yield call.lineno


def _gives_class(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    if not name.startswith("msgspec.") or name.rpartition(".")[2] not in READERS:
        return False
    positional = call.args[:1] if name.endswith("Decoder") else call.args[1:2]
    types = [*positional, *(keyword.value for keyword in call.keywords if keyword.arg == "type")]
    names = {node.id for kind in types for node in ast.walk(kind) if isinstance(node, ast.Name)}
    return not names <= PLAIN | ALIASES
