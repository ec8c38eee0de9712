"""SageMaker's built-in algorithms: what may be asked of them, and the programs that do it.

``tables/`` says for each what it takes, as data; ``checking.py`` holds a request against that before a job
starts. ``programs/`` is put into the job, and never imported here, but for its modules that are data only: it
needs an algorithm's libraries, and not Stepmill.
"""
