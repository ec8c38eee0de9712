from __future__ import annotations

import subprocess
import sys
import textwrap
import types
from pathlib import Path

import pytest

from stepmill.core.errors import InvalidInputError
from stepmill.sdk.function_source import FunctionSource, function_source
from stepmill.sdk.load import load_module


@pytest.fixture
def write(tmp_path: Path):
    """Return a function that writes a module and gives the source of its function ``main``."""

    def source_of(text: str, name: str = "main") -> FunctionSource:
        path = tmp_path / "user.py"
        path.write_text(textwrap.dedent(text))
        with load_module(path) as module:
            found = vars(module)[name]
            return function_source(found if isinstance(found, types.FunctionType) else found.function)

    return source_of


def run(source: FunctionSource, call: str, folder: Path) -> str:
    for name, path in source.modules.items():
        target = folder / "job" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    script = folder / "job" / "script.py"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f"from __future__ import annotations\n{source.text}\nprint({call})\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_only_what_is_used_is_shipped(write, tmp_path: Path) -> None:
    source = write(
        """
        import json
        import math, os; X = 1
        LIMIT = 3  # the limit
        OTHER = 4

        def helper(x):
            return x + LIMIT

        def unused():
            return OTHER

        def main(a: int) -> int:
            # a comment
            return helper(a) + math.floor(1.5)
        """
    )
    assert (
        source.text.strip()
        == textwrap.dedent("""
        import math, os
        LIMIT = 3  # the limit
        def helper(x):
            return x + LIMIT


        def main(a: int) -> int:
            # a comment
            return helper(a) + math.floor(1.5)
        """).strip()
    )
    assert run(source, "main(1)", tmp_path) == "5"


def test_what_annotations_name_is_not_shipped(write, tmp_path: Path) -> None:
    source = write("""
        from __future__ import annotations
        from decimal import Decimal
        def main(a: Decimal) -> Decimal:
            b: Decimal = a
            return b
        """)
    assert "import" not in source.text
    assert run(source, "main(2)", tmp_path) == "2"


def test_what_classes_annotate_is(write, tmp_path: Path) -> None:
    source = write("""
        from dataclasses import dataclass, field
        from typing import ClassVar
        DEFAULT = 7

        @dataclass
        class Base:
            kind: ClassVar[str] = "x"
            number: int = DEFAULT

        class Child(Base):
            def double(self):
                return self.number * 2

        def main():
            return Child().double()
        """)
    assert "ClassVar" in source.text
    assert run(source, "main()", tmp_path) == "14"


def test_what_helpers_of_helpers_use_is_shipped(write, tmp_path: Path) -> None:
    source = write("""
        import functools
        A = [1, 2]
        B = {x: len(A) for x in A}
        try:
            import tomllib as toml
        except ImportError:
            toml = None

        @functools.cache
        def inner(x):
            return B[x]

        def outer(x):
            return [inner(y) for y in [x]]

        def main():
            def local(x):
                return outer(x)
            return (lambda x: local(x))(1), toml is not None
        """)
    assert run(source, "main()", tmp_path) == "([2], True)"


def test_defaults_are_shipped(write, tmp_path: Path) -> None:
    source = write("""
        SHARE = 0.25
        def main(share=SHARE):
            return share
        """)
    assert run(source, "main()", tmp_path) == "0.25"


def test_a_name_bound_twice_brings_both_statements_in_order(write, tmp_path: Path) -> None:
    source = write("""
        X = 1
        X = X + 1
        def main():
            return X
        """)
    assert run(source, "main()", tmp_path) == "2"


def test_recursion_and_globals(write, tmp_path: Path) -> None:
    source = write("""
        count = 0
        def main(n):
            global count
            count += 1
            return count if n == 0 else main(n - 1)
        """)
    assert run(source, "main(3)", tmp_path) == "4"


def test_indented_and_odd_formatting(write, tmp_path: Path) -> None:
    source = write('''
        import textwrap
        TEXT = """one
        two"""
        if True:
            def main(
                a=1,
            ):
                """Doc
                    indented."""
                return TEXT.split(), a
        ''')
    assert run(source, "main()", tmp_path) == "(['one', 'two'], 1)"


def test_the_main_block_is_not_shipped(write) -> None:
    source = write("""
        X = 1
        if __name__ == "__main__":
            X = 2
        def main():
            return X
        """)
    assert "__main__" not in source.text


def test_modules_beside_are_shipped(write, tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text("import deeper\ndef f(): return deeper.VALUE\n")
    (tmp_path / "deeper.py").write_text("VALUE = 5\n")
    (tmp_path / "unused.py").write_text("")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("from .inner import g\n")
    (tmp_path / "package" / "inner.py").write_text("def g(): return 6\n")
    source = write("""
        from helpers import f
        def main():
            from package import g
            return f() + g()
        """)
    assert sorted(source.modules) == ["deeper.py", "helpers.py", "package/__init__.py", "package/inner.py"]
    assert run(source, "main()", tmp_path) == "11"


def test_helpers_that_are_steps_themselves(write, tmp_path: Path) -> None:
    source = write("""
        from stepmill import step

        @step(image="python")
        def other(x: int) -> int:
            return x + 1

        @step
        def main(x: int) -> int:
            return other(x) + 1
        """)
    assert "@" not in source.text
    assert "stepmill" not in source.text
    assert run(source, "main(1)", tmp_path) == "3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "from stepmill import Parameter\np = Parameter('p', 1)\ndef main():\n    return p",
            "'p', a value of the pipeline",
        ),
        ("from stepmill import Parameter\ndef main():\n    return Parameter('p')", "'Parameter' of Stepmill"),
        ("import stepmill.sdk\ndef main():\n    return stepmill", "'stepmill' of Stepmill"),
        ("globals()['x'] = 1\ndef main():\n    return x", "'x', which its module does not bind"),
        (
            "from os.path import *\ndef main():\n    return join('a')",
            "'join', which its module does not bind",
        ),
        ("def main():\n    return undefined", "'undefined', which its module does not bind"),
        (
            "def make(x):\n    def inner():\n        return x\n    return inner\nmain = make(1)",
            "'x' of the function around",
        ),
        ("main = lambda: 1", "with def"),
        ("async def main():\n    return 1", "asynchronous"),
        (
            "from stepmill import step\n@step\n@(lambda f: f)\ndef main():\n    return 1",
            "other decorators",
        ),
        ("def main():\n    from . import x", "relative import"),
    ],
)
def test_what_cannot_be_shipped_is_named(write, text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as caught:
        write(text.replace("\n", "\n        ").join(["        ", "\n"]))
    assert "user.py" in caught.value.where


def test_a_broken_module_beside_is_named(write, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def (")
    with pytest.raises(InvalidInputError, match="cannot be read") as caught:
        write("def main():\n    import broken\n")
    assert caught.value.where.endswith("broken.py")


def test_a_function_without_source_is_refused() -> None:
    names: dict[str, types.FunctionType] = {}
    exec("def main():\n    return 1", names)
    with pytest.raises(InvalidInputError, match="cannot be read"):
        function_source(names["main"])
