"""Write cli.md from the command line itself::

    python docs/reference/make_cli.py

A test holds the page and the program equal.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo, OptionInfo

from stepmill.cli.app import all_modules
from stepmill.server.main import COMMANDS

PAGE = Path(__file__).with_name("cli.md")

HEAD = """\
# The command line

*For whoever uses `stepmill` and wants to know a command or an option exactly.*

This page is made from the program by `python docs/reference/make_cli.py`; a test holds the two equal.
`stepmill COMMAND --help` says the same.

State lies in `.stepmill/`, beside the nearest `stepmill.toml` upwards, else where the first command was
given; the variable `STEPMILL_HOME` names another folder. `EXECUTION` is the id of an execution, the
beginning of one if no other begins so, or the ARN. Answers go to standard output, remarks and errors to
standard error. With `--json` standard output is JSON and nothing else: one document, or of `run`, `stop`,
`retry`, `resume` and `logs` one on each line. [Exit codes](exit-codes.md) are the same for all commands.

`stepmill --version` shows the version. `stepmill --install-completion` makes the Tab key complete commands,
options and ids of executions in your shell; `--show-completion` prints what it would install.
"""


@dataclass(frozen=True)
class Parameter:
    """An argument or option of a command."""

    names: str
    help: str
    default: str
    is_argument: bool
    required: bool


def page() -> str:
    """Return the text of the page."""
    app = typer.Typer()
    for module in all_modules(COMMANDS):
        module.register(app)
    commands = list(_commands(app, "stepmill"))
    listed = [
        f"| [`{name}`](#{_anchor(name)}) | {_first_sentence(callback)} |" for name, callback in commands
    ]
    table = "\n".join(["| Command | What it does |", "|---|---|", *listed])
    return "\n".join([HEAD, table, *(_section(name, callback) for name, callback in commands)])


def _commands(group: typer.Typer, above: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    for command in group.registered_commands:
        if command.callback is not None:
            name = command.name or command.callback.__name__.replace("_", "-")
            yield f"{above} {name}", command.callback
    for below in group.registered_groups:
        if below.typer_instance is not None:
            yield from _commands(below.typer_instance, f"{above} {below.name}")


def _section(name: str, callback: Callable[..., Any]) -> str:
    parameters = list(_parameters(callback))
    arguments = [p.names for p in parameters if p.is_argument]
    options = [p for p in parameters if not p.is_argument]
    usage = " ".join([name, *(["[OPTIONS]"] if options else []), *arguments])
    rows = [f"| `{p.names}` | {_cell(p)} |" for p in parameters]
    table = ["", "| | |", "|---|---|", *rows] if rows else []
    return "\n".join(
        ["", f"## {name}", "", f"`{usage}`", "", inspect.cleandoc(callback.__doc__ or ""), *table]
    )


def _cell(parameter: Parameter) -> str:
    text = parameter.help.replace("|", "\\|")
    if parameter.required and not parameter.is_argument:
        text += " Required."
    return text + (f" Default: `{parameter.default}`." if parameter.default else "")


def _parameters(callback: Callable[..., Any]) -> Iterator[Parameter]:
    hints = get_type_hints(callback, include_extras=True)
    for name, parameter in inspect.signature(callback).parameters.items():
        hint = hints[name]
        if get_origin(hint) is not Annotated:
            raise TypeError(f"{callback.__name__}({name}) says neither what it is nor what for")
        kind, info = get_args(hint)[:2]
        required = parameter.default is inspect.Parameter.empty
        default = _default(None if required else parameter.default)
        text = str(info.help or "")
        # Where the help says itself what is used without the option, it stands in brackets at its end.
        said = re.search(r" ?\[default: (.+)\]$", text)
        if said:
            text, default = text[: said.start()], ""
            text += f" Default: {said[1]}."
        if isinstance(info, ArgumentInfo):
            word = info.metavar or name.upper()
            names = word if required or word.startswith("[") else f"[{word}]"
            yield Parameter(names, text, default, is_argument=True, required=required)
        elif isinstance(info, OptionInfo) and not info.hidden:
            yield Parameter(_option(name, info, kind), text, default, is_argument=False, required=required)


def _option(name: str, info: OptionInfo, kind: Any) -> str:
    # In an Annotated hint typer takes the first name for the default, and sorts it out later.
    first = (info.default,) if isinstance(info.default, str) else ()
    declared = (*first, *(info.param_decls or ())) or (f"--{name.replace('_', '-')}",)
    names = ", ".join(sorted(declared, key=len, reverse=True))
    if _plain(kind) is bool:
        return names
    word = info.metavar or {int: "NUMBER", Path: "PATH", str: "TEXT", datetime: "MOMENT"}[_plain(kind)]
    return f"{names} {word}"


def _plain(kind: Any) -> Any:
    """Return the type of one value: of ``list[str] | None`` it is ``str``."""
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(part for part in get_args(kind) if part is not types.NoneType)
    return get_args(kind)[0] if get_origin(kind) is list else kind


def _default(value: object) -> str:
    if value is None or value is False or value == "":
        return ""
    return str(value.value if isinstance(value, Enum) else value)


def _first_sentence(callback: Callable[..., Any]) -> str:
    return re.split(r"(?<=\.)\s", inspect.cleandoc(callback.__doc__ or ""), maxsplit=1)[0].replace("\n", " ")


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


if __name__ == "__main__":
    PAGE.write_text(page() + "\n", encoding="utf-8")
