"""What the model monitor's analyzer and Clarify do, as programs that run inside a processing job.

They are copied into the job's folder and never imported by Stepmill itself: their libraries are those of the
job's environment.
"""
