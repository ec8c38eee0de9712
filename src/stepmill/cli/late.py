"""Commands whose modules are loaded when they are asked for.

All commands bring much that one command does not need, and to list them takes their names and what they are
for alone. So these stand in a table, which a test holds equal to the commands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

# Gives a platform that a command opens what the doors beside the terminal have for it.
PREPARE: ContextVar[Callable[[Any], None] | None] = ContextVar("prepare", default=None)


@dataclass(frozen=True)
class LateModule:
    """A module with commands.

    Args:
        name: Of the module. It has ``register``, which adds its commands to an app.
        commands: Name -> what the list of commands says of it, which is how the command's own help begins.
    """

    name: str
    commands: Mapping[str, str]

    def register(self, app: typer.Typer) -> None:
        """Load the module, and add its commands to an app."""
        import_module(self.name).register(app)


class LateCommands(Mapping[str, Any]):
    """Name -> command, which is made at the first look at it.

    Args:
        modules: Where they are. The commands are listed in this order.
    """

    def __init__(self, modules: Iterable[LateModule]) -> None:
        self._modules = {name: module for module in modules for name in module.commands}
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        module = self._modules[name]
        if name not in self._made:
            app = typer.Typer(rich_markup_mode=None)
            module.register(app)
            self._made |= get_group(app).commands
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def help_of(self, name: str) -> str:
        """Return what a command is for, without making it."""
        return self._modules[name].commands[name]


class LateGroup(TyperGroup):
    """A group that lists its commands without making them. Derived classes tell where they are."""

    modules: tuple[LateModule, ...] = ()

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.late = LateCommands(self.modules)
        self.commands = self.late  # type: ignore[assignment]  # nobody adds one

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands."""
        del ctx
        return list(self.late)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the names of the commands, and what they are for."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.late.help_of(name)) for name in self.late])
