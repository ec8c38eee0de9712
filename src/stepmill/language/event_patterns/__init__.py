"""Patterns of events and filter policies of subscriptions: read and matched. Pure."""
