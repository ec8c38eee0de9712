"""Executions of state machines: how they begin, what can be asked of them, what is seen of them."""
