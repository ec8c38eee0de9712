"""Evaluation step: the model's error on what it has not seen, as a property file."""

import json
import os
import tarfile

import joblib
import numpy as np

base = "/opt/ml/processing"
with tarfile.open(f"{base}/model/model.tar.gz") as archive:
    archive.extractall("/tmp/model", filter="data")
model = joblib.load("/tmp/model/model.joblib")
table = np.loadtxt(f"{base}/test/test.csv", delimiter=",")
error = float(np.mean((model.predict(table[:, 1:]) - table[:, 0]) ** 2))
os.makedirs(f"{base}/evaluation", exist_ok=True)
with open(f"{base}/evaluation/evaluation.json", "w") as file:
    json.dump({"regression_metrics": {"mse": {"value": error}}}, file)
print("evaluated", error)
