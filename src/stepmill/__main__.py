"""``python -m stepmill``."""

from stepmill.server.main import main

main()
