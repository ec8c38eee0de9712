"""Measure the model's error on patients that it has not seen, beside that of guessing the mean."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import joblib
import pandas as pd
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

BASE = Path("/opt/ml/processing")


def main() -> None:
    with tarfile.open(BASE / "input" / "model" / "model.tar.gz") as archive:
        member = archive.extractfile("model.joblib")
        if member is None:
            raise SystemExit("model.tar.gz holds no model.joblib")
        model = joblib.load(member)
    test = pd.read_csv(BASE / "input" / "test" / "test.csv")
    train = pd.read_csv(BASE / "input" / "train" / "train.csv")
    measurements, progression = test.drop(columns="target"), test["target"]

    predicted = model.predict(measurements)
    guessed = [train["target"].mean()] * len(test)
    mse = mean_squared_error(progression, predicted)
    baseline_mse = mean_squared_error(progression, guessed)
    report = {
        "mse": mse,
        "mae": mean_absolute_error(progression, predicted),
        "r2": r2_score(progression, predicted),
        "baseline": {"mse": baseline_mse},
        "error_ratio": mse / baseline_mse,
        "patients": len(test),
    }
    folder = BASE / "output" / "evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(json.dumps(report, indent=2))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
