"""The terminal's door."""

from __future__ import annotations


def main() -> None:
    """Run the command line; the entry point of the ``stepmill`` script."""
    from stepmill.cli.app import app

    app()
