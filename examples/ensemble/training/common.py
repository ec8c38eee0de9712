"""What the three trainings share."""

import json
import os
import sys

import numpy as np
from pages import KINDS

# As a job of SageMaker's fails when there is no machine for it.
SHORTAGE = "CapacityError: Unable to provision requested ML compute capacity. Please retry."


def channel(name: str) -> str:
    """Return the folder of a channel."""
    return os.environ[f"SM_CHANNEL_{name.upper()}"]


def rehearse_shortage(times: int) -> None:
    """Fail as if there were no machine, for as many attempts: the number is at the end of the job's name."""
    attempt = int(os.environ["TRAINING_JOB_NAME"].rpartition("-")[2])
    if attempt <= times:
        with open("/opt/ml/output/failure", "w") as file:
            file.write(SHORTAGE)
        sys.exit(SHORTAGE)


def is_for_test(pages: list) -> np.ndarray:
    """Return for each page whether its bundle is kept for the test."""
    return np.array([page["bundle"] % 4 == 3 for page in pages])


def kinds(pages: list) -> np.ndarray:
    """Return for each page the number of its kind."""
    return np.array([KINDS.index(page["kind"]) for page in pages])


def save(model: object, probabilities: np.ndarray, accuracy: float) -> None:
    """Write the model, and what it thinks of every page."""
    import joblib

    folder = os.environ["SM_MODEL_DIR"]
    joblib.dump(model, os.path.join(folder, "model.joblib"))
    np.save(os.path.join(folder, "probabilities.npy"), probabilities)
    with open(os.path.join(folder, "metrics.json"), "w") as file:
        json.dump({"accuracy": accuracy}, file)
    print(f"accuracy={accuracy:.3f};")
