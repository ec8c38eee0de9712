"""The batch client of transform jobs: reads objects, sends their records to the model, writes its answers.

Runs inside the job beside the model server, by the job's own Python (3.8 or newer), without Stepmill:
standard library only. So a job goes on when the server that started it dies.
"""
