"""State machines in the terminal: run one, see the path that an execution takes."""
