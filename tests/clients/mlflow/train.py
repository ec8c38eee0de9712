"""A training script as users have it: it knows nothing of Stepmill."""

import mlflow
import numpy as np
from sklearn.linear_model import LogisticRegression

mlflow.sklearn.autolog()
features = np.random.default_rng(0).normal(size=(80, 3))
labels = (features[:, 0] > 0).astype(int)
with mlflow.start_run(run_name="fit"):
    LogisticRegression(C=0.5).fit(features, labels)
    for step in range(3):
        mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
