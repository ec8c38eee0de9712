"""Which module does what for an algorithm. Data only: read outside of jobs, too."""

from __future__ import annotations

TRAINING_MODULES = {
    "xgboost": "xgboost_training",
}
INFERENCE_MODULES = {
    "xgboost": "xgboost_inference",
}
