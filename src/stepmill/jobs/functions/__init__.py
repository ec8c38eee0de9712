"""Lambda functions: Python handlers that are kept here and run as jobs."""
