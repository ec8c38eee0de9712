"""Interpreter of state machines: (plan, frames, event) -> (frames, history, commands)."""
