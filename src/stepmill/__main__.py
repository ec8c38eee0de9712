"""``python -m stepmill``."""

from stepmill.cli import main

main()
