"""Train gradient-boosted trees on the prepared data. Runs in SageMaker's script mode."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import joblib
import pandas as pd
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import mean_squared_error


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--n-estimators", type=int, default=200)
    parser.add_argument("--learning-rate", type=float, default=0.05)
    parser.add_argument("--max-depth", type=int, default=2)
    parser.add_argument("--train", type=Path, default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR"))
    arguments = parser.parse_args()

    data = pd.read_csv(arguments.train / "train.csv")
    measurements, progression = data.drop(columns="target"), data["target"]
    model = GradientBoostingRegressor(
        n_estimators=arguments.n_estimators,
        learning_rate=arguments.learning_rate,
        max_depth=arguments.max_depth,
        subsample=0.7,
        random_state=7,
    )
    model.fit(measurements, progression)

    # The lines that the metric definitions of the step look for.
    every = max(1, arguments.n_estimators // 20)
    for number, predicted in enumerate(model.staged_predict(measurements), start=1):
        if number % every == 0 or number == arguments.n_estimators:
            print(f"trees={number} train-mse={mean_squared_error(progression, predicted):.3f};")
    joblib.dump(model, arguments.model_dir / "model.joblib")


if __name__ == "__main__":
    main()
