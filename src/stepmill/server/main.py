"""The whole command line: the terminal's commands, and those that open the other doors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepmill.cli.late import LateModule

if TYPE_CHECKING:
    from stepmill.core.api_calls import ApiCalls
    from stepmill.platform import Platform

_HERE = "stepmill.server.commands"
COMMANDS = (
    LateModule(f"{_HERE}.serve", {"serve": "Answer AWS's clients at an address of this machine."}),
    LateModule(f"{_HERE}.env", {"env": "Print what points a shell at the server."}),
    LateModule(f"{_HERE}.exec_", {"exec": "Run a program whose calls to AWS arrive here."}),
    LateModule(f"{_HERE}.keys", {"keys": "Keys that requests to the server are signed with."}),
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
