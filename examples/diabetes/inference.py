"""How the registered model is loaded and asked, wherever it is served."""

from __future__ import annotations

from pathlib import Path

import joblib


def model_fn(model_dir: str) -> object:
    return joblib.load(Path(model_dir) / "model.joblib")
