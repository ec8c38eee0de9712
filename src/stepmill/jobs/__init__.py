"""What a step does: the handlers of tasks."""
