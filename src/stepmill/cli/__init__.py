"""The terminal's door."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepmill.cli.late import LateModule


def main(more: Iterable[LateModule] = (), prepare: Callable[[Any], None] | None = None) -> None:
    """Run the command line.

    Args:
        more: Modules with further commands; see ``stepmill.cli.app.all_modules``.
        prepare: Gives a platform that a command opens what this folder does not know.
    """
    from stepmill.cli.app import command_line

    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a mark shows that there was one; that is no reason to stop.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    command_line(more, prepare)()
