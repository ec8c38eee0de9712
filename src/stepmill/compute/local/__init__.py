"""Compute on this machine: plans each job, hands it to a supervisor of its own, and follows it."""
