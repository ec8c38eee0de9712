"""What runs inside a job of a built-in algorithm: training and answering requests.

This folder is put into the job, next to an entry program. It imports the standard library, the algorithm's
own libraries and its own modules, and never Stepmill, which need not be installed where the job runs.
"""
