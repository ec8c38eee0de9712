"""AWS Lambda on the wire: functions in Python, which run in the sandbox of jobs."""
