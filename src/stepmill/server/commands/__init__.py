"""Commands of the doors beside the terminal. What is heavy is imported by the command that needs it."""
