"""What each built-in algorithm takes, as data: one module per algorithm."""
