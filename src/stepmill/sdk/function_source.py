"""Turn a function into a script of its own: its source, and of its module only what it uses.

The statements that a function needs are found by compiling each statement of its module alone and
looking at the names that its code loads and stores, so that Python itself says what is global.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import dis
import inspect
import sys
import textwrap
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stepmill.core.errors import InvalidInputError
from stepmill.sdk.assets import files_below
from stepmill.sdk.values import Producer, Value

_LOADS = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "LOAD_CLASSDEREF"})
_STORES = frozenset({"STORE_NAME", "STORE_GLOBAL"})
# What every module has of itself; __file__ is the script's own there.
_IMPLICIT = frozenset({"__name__", "__file__", "__doc__", "__module__", "__qualname__", "__annotations__"})


@dataclass(frozen=True)
class FunctionSource:
    """A function, ready to be shipped.

    Args:
        name: Of the function.
        text: Imports, constants, helpers, and the function itself, without its decorators.
        modules: Modules of the project that it imports, by path relative to the script.
    """

    name: str
    text: str
    modules: Mapping[str, Path]


@dataclass(frozen=True)
class _Statement:
    """A statement at the top of a module."""

    text: str
    loads: frozenset[str]
    stores: frozenset[str]
    node: ast.stmt


class DecoratedFunction:
    """A function that a decorator of Stepmill stands for; other functions may call it.

    Args:
        function: The function.
    """

    def __init__(self, function: types.FunctionType) -> None:
        self.function = function


def function_source(function: types.FunctionType) -> FunctionSource:
    """Return what must be shipped for a function to run in another process.

    Raises:
        InvalidInputError: If it uses what cannot be shipped: variables of an enclosing function, values
            of the pipeline, parts of Stepmill, names that its module does not bind plainly.
    """
    where = place_of(function)
    if enclosed := function.__code__.co_freevars:
        raise InvalidInputError(
            f"It uses {enclosed[0]!r} of the function around it, which cannot be shipped.",
            where=where,
            mend="Make it a parameter of the step, or a constant of the module.",
        )
    module_text, own = _read(function, where)
    node = ast.parse(own)
    statements = _statements(module_text, function)
    kept = _needed(_names_of(node.body[0])[0], function, statements, where)
    text = "\n".join([*(each.text for each in kept), "", "", own])
    folder = Path(function.__code__.co_filename).absolute().parent
    modules = _local_modules([*(each.node for each in kept), node], folder, where)
    return FunctionSource(function.__name__, text, modules)


def place_of(function: types.FunctionType) -> str:
    """Return how errors name a function."""
    code = function.__code__
    return f"{code.co_filename}:{code.co_firstlineno}, function {function.__name__!r}"


def _read(function: types.FunctionType, where: str) -> tuple[str, str]:
    """Return the source of the function's module, and that of the function, without decorators."""
    try:
        module_lines, _ = inspect.findsource(function)
        source = textwrap.dedent("".join(inspect.getsourcelines(function)[0]))
        node = ast.parse(source).body[0]
    except (OSError, TypeError, SyntaxError) as error:
        raise InvalidInputError(
            "The source of the function cannot be read.",
            where=where,
            mend="Write it into a .py file, with def.",
        ) from error
    if not isinstance(node, ast.FunctionDef):
        raise InvalidInputError(
            "A step is a plain function: neither a lambda nor asynchronous.",
            where=where,
            mend="Write it with def.",
        )
    if len(node.decorator_list) > 1:
        raise InvalidInputError(
            "It has other decorators beside @step, which would not be shipped.",
            where=where,
            mend="Do what they do within the function.",
        )
    return "".join(module_lines), _undecorated(node, source)


def _undecorated(node: ast.FunctionDef, source: str) -> str:
    return "\n".join(source.splitlines()[node.lineno - 1 : node.end_lineno]) + "\n"


def _statements(module_text: str, function: types.FunctionType) -> list[_Statement]:
    found = []
    for node in ast.parse(module_text).body:
        if _is_skipped(node):
            continue
        if isinstance(node, ast.FunctionDef) and isinstance(
            function.__globals__.get(node.name), DecoratedFunction
        ):
            text = _undecorated(node, module_text)
            node.decorator_list = []
        else:
            text = _text(node, module_text)
        loads, stores = _names_of(node)
        found.append(_Statement(text, loads, stores, node))
    return found


def _text(node: ast.stmt, module_text: str) -> str:
    """Return a statement's source, comments within it included."""
    lines = module_text.splitlines()
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    last = node.end_lineno or node.lineno
    shares_a_line = node.col_offset or ";" in lines[last - 1].encode()[node.end_col_offset :].decode()
    return ast.unparse(node) if shares_a_line else "\n".join(lines[first - 1 : last])


def _is_skipped(node: ast.stmt) -> bool:
    if isinstance(node, ast.ImportFrom) and node.module == "__future__":
        return True
    if not isinstance(node, ast.If):
        return False
    test = ast.unparse(node.test)
    return "TYPE_CHECKING" in test or test.startswith("__name__ ==")


def _names_of(node: ast.stmt) -> tuple[frozenset[str], frozenset[str]]:
    """Return the global names that a statement loads, and those that it binds.

    Annotations of functions stay texts in the script, so what only they name is not shipped.
    """
    flag = __future__.annotations.compiler_flag
    code = compile(ast.Module([node], []), "<step>", "exec", flags=flag, dont_inherit=True)
    loads, stores = set(_class_annotations(node)), set[str]()
    for each in _codes(code):
        for instruction in dis.get_instructions(each):
            name = str(instruction.argval)
            if instruction.opname in _LOADS:
                loads.add(name)
            if instruction.opname in _STORES and (each is code or instruction.opname == "STORE_GLOBAL"):
                stores.add(name)
    return frozenset(loads), frozenset(stores)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _class_annotations(node: ast.stmt) -> Iterator[str]:
    """Yield the names in annotations of classes: dataclasses and their like evaluate them."""
    for each in ast.walk(node):
        if isinstance(each, ast.ClassDef):
            for member in each.body:
                if isinstance(member, ast.AnnAssign):
                    yield from (name.id for name in ast.walk(member.annotation) if isinstance(name, ast.Name))


def _needed(
    names: Iterable[str], function: types.FunctionType, statements: list[_Statement], where: str
) -> list[_Statement]:
    """Return the module's statements that bind the names, and those that these need, in their order."""
    wanted, kept, seen = sorted(names), set[int](), {function.__name__}
    while wanted:
        name = wanted.pop()
        if name in seen or name in _IMPLICIT:
            continue
        seen.add(name)
        binding = [index for index, each in enumerate(statements) if name in each.stores]
        if not binding and hasattr(builtins, name):
            continue
        _refuse_unshippable(name, function.__globals__.get(name), bool(binding), where)
        for index in binding:
            _refuse_stepmill(statements[index], name, where)
            if index not in kept:
                kept.add(index)
                wanted.extend(sorted(statements[index].loads))
    return [statements[index] for index in sorted(kept)]


def _refuse_unshippable(name: str, value: object, is_bound: bool, where: str) -> None:
    if isinstance(value, (Value, Producer)):
        raise InvalidInputError(
            f"It uses {name!r}, a value of the pipeline that the job cannot see.",
            where=where,
            mend="Make it a parameter of the function, and hand the value over where the step is made.",
        )
    if not is_bound:
        raise InvalidInputError(
            f"It uses {name!r}, which its module does not bind by a statement of its own.",
            where=where,
            mend="Import or define it by name at the top of the module, or hand it over as a parameter.",
        )


def _refuse_stepmill(statement: _Statement, name: str, where: str) -> None:
    node = statement.node
    if isinstance(node, ast.ImportFrom):
        roots = [(node.module or "").partition(".")[0]]
    elif isinstance(node, ast.Import):
        roots = [each.name.partition(".")[0] for each in node.names]
    else:
        return
    if "stepmill" in roots:
        raise InvalidInputError(
            f"It uses {name!r} of Stepmill, which the job does not have.",
            where=where,
            mend="Use it where the pipeline is put together, not in a step.",
        )


def _local_modules(nodes: Iterable[ast.AST], folder: Path, where: str) -> dict[str, Path]:
    """Return the modules beside the function's own that are imported, and those that they import."""
    found: dict[str, Path] = {}
    waiting = list(nodes)
    while waiting:
        for root in _imported(waiting.pop(), where):
            new = {name: path for name, path in _module_files(root, folder).items() if name not in found}
            found |= new
            for name, path in new.items():
                if name.endswith(".py"):
                    waiting.append(_parsed(path, inside_package="/" in name))
    return found


def _imported(node: ast.AST, where: str) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in each.names)
        elif isinstance(each, ast.ImportFrom) and each.level == 0:
            yield (each.module or "").partition(".")[0]
        elif isinstance(each, ast.ImportFrom):
            raise InvalidInputError(
                f"It needs a relative import: {ast.unparse(each)}.",
                where=where,
                mend="Put the module beside the pipeline's file, and import it by its name.",
            )


def _module_files(root: str, folder: Path) -> dict[str, Path]:
    if root in sys.stdlib_module_names:
        return {}
    module, package = folder / f"{root}.py", folder / root
    if (package / "__init__.py").is_file():
        return {f"{root}/{name}": path for name, path in files_below(package).items()}
    return {module.name: module} if module.is_file() else {}


def _parsed(path: Path, *, inside_package: bool) -> ast.AST:
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        raise InvalidInputError(f"The module cannot be read: {error}.", where=str(path)) from error
    if inside_package:  # the whole package is shipped, so that its relative imports find what they name
        body = [each for each in ast.walk(tree) if not (isinstance(each, ast.ImportFrom) and each.level)]
        return ast.Module([each for each in body if isinstance(each, (ast.Import, ast.ImportFrom))], [])
    return tree
