"""Runs executions durably: interprets events, keeps state and history, hands tasks to their handlers."""
