"""The whole command line: the terminal's commands, and those that open the other doors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from stepmill.server.commands import env, exec_, keys, serve

if TYPE_CHECKING:
    import typer

    from stepmill.core.api_calls import ApiCalls
    from stepmill.platform import Platform

COMMANDS: tuple[Callable[[typer.Typer], None], ...] = (
    serve.register,
    env.register,
    exec_.register,
    keys.register,
)


def main() -> None:
    """Run the command line; the entry point of the ``stepmill`` script."""
    from stepmill import cli

    cli.main(COMMANDS, prepare)


def prepare(platform: Platform) -> None:
    """Give a platform the services that Task states and jobs call. They are made when the first is called."""
    # Whoever has a platform has loaded all that it needs.
    from stepmill.server.private_doors import PrivateDoors

    def make() -> ApiCalls:
        from stepmill.aws.inside import services_inside

        return services_inside(platform)

    platform.make_api_calls = make
    platform.addresses = PrivateDoors(platform)
