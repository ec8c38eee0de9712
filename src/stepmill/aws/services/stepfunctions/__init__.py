"""Step Functions: state machines, executions, activities, tokens."""
