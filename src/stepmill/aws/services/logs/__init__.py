"""CloudWatch Logs: the logs of jobs and functions."""
