"""Serve the model: CSV with the features in, rings out."""

from __future__ import annotations

import io
from pathlib import Path

import joblib
import pandas as pd


def model_fn(model_dir: str) -> dict[str, object]:
    return joblib.load(Path(model_dir) / "model.joblib")


def input_fn(body: str, content_type: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(body), header=None)


def predict_fn(data: pd.DataFrame, kept: dict[str, object]) -> object:
    return kept["model"].predict(data.set_axis(kept["columns"], axis="columns"))
