"""The list of commands is told without loading them, and is what they say themselves."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.main import get_command, get_group
from typer.testing import CliRunner

from stepmill.cli.app import all_modules, command_line
from stepmill.cli.late import LateCommands, LateModule
from stepmill.server.main import COMMANDS

MODULES = all_modules(COMMANDS)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name.rpartition(".")[2])
def test_the_table_has_all_commands_of_a_module_and_says_of_them_what_they_do(module: LateModule) -> None:
    app = typer.Typer()
    module.register(app)
    made = get_group(app).commands
    assert {name: command.get_short_help_str(300) for name, command in made.items()} == module.commands


def test_no_command_stands_in_two_modules() -> None:
    names = [name for module in MODULES for name in module.commands]
    assert len(names) == len(set(names)) == len(LateCommands(MODULES))


def test_a_command_is_made_once_and_one_that_is_not_there_never() -> None:
    commands = LateCommands(MODULES)
    assert commands["show"] is commands["show"]
    assert "shw" not in commands
    with pytest.raises(KeyError):
        commands["shw"]


def test_all_commands_are_listed_in_the_order_of_the_table() -> None:
    said = CliRunner().invoke(command_line(COMMANDS), ["--help"]).stdout
    listed = [line.split()[0] for line in said.partition("Commands:\n")[2].splitlines()]
    assert listed == list(LateCommands(MODULES))


def test_who_mistypes_is_told_what_may_be_meant() -> None:
    done = CliRunner().invoke(command_line(COMMANDS), ["shwo"])
    assert done.exit_code == 2
    assert "No such command 'shwo'. Did you mean 'show'?" in done.stderr


def test_a_shell_completes_names_of_commands() -> None:
    group: Any = get_command(command_line(COMMANDS))
    context = group.make_context("stepmill", [], resilient_parsing=True)
    found = {item.value: item.help.partition("...")[0] for item in group.shell_complete(context, "re")}
    assert set(found) == {"redrive", "resume", "retry"}
    assert all(LateCommands(MODULES).help_of(name).startswith(told) for name, told in found.items())


def test_help_loads_no_command_and_one_command_only_its_own() -> None:
    code = (
        "import sys; from stepmill.cli.app import command_line; from stepmill.server.main import COMMANDS\n"
        "app = command_line(COMMANDS)\n"
        "ours = ('stepmill.cli.commands.', 'rich')\n"
        "def loaded(): return sorted(n for n in sys.modules if n.startswith(ours))\n"
        "app(['--help'], standalone_mode=False); print(loaded(), file=sys.stderr)\n"
        "app(['objects', '--help'], standalone_mode=False)\n"
        "print([n for n in loaded() if n.startswith('step')], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == ["[]", "['stepmill.cli.commands.objects']"]
