"""Opens the doors in one process: ``serve``, and the commands that point programs at it."""
