"""What every layer speaks: errors, findings, JSON, ARNs, ids, clock, settings, tasks."""
