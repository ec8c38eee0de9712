"""What pipelines leave behind: the model registry."""
