"""The model server of framework images and built-in algorithms: what their command ``serve`` runs.

Runs inside the job or endpoint, by its own Python (3.8 or newer), without Stepmill: the standard library,
and what the environment of the model has.
"""
