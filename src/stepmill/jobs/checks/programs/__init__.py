"""What the images of the model monitor's analyzer and of Clarify do, as programs that run inside a processing job.

They are copied into the job's folder and never imported by Stepmill itself: their libraries are those of the
job's environment.
"""
