"""What serves the model of the training script: the image's own handlers do the rest."""

import os

import joblib


def model_fn(model_dir: str) -> object:
    return joblib.load(os.path.join(model_dir, "model.joblib"))
