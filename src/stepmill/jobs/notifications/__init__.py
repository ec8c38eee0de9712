"""Notifications: what happens to objects is told to functions and queues."""
