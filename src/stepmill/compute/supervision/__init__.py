"""What runs beside the server: the nursery, and each job's own supervisor.

Only the standard library and this package are imported here: a process of this package is forked
hundreds of times, and may run under the interpreter of a job's environment, where Stepmill's other
packages are not installed.
"""
