"""Batch: definitions, queues and jobs that run on this machine."""
