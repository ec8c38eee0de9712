"""Batch: definitions, queues with priorities, and jobs that run when their turn comes."""
