"""The terminal's door."""

from __future__ import annotations

import io
import sys


def main() -> None:
    """Run the command line; the entry point of the ``stepmill`` script."""
    from stepmill.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a mark shows that there was one; that is no reason to stop.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app()
