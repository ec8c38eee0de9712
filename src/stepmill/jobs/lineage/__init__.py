"""Records what came of what: of jobs, models and executions, by the system itself."""
