"""What Task states do: calls of services, jobs that are waited for, functions."""
