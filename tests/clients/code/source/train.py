"""Entry point of the training: a ridge regression, with its error printed as a metric."""

import argparse
import os

import joblib
import numpy as np
from helper import greeting
from sklearn.linear_model import Ridge

parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float, default=1.0)
parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAIN"))
parser.add_argument("--model-dir", default=os.environ.get("SM_MODEL_DIR"))
arguments, _ = parser.parse_known_args()
table = np.loadtxt(os.path.join(arguments.train, "train.csv"), delimiter=",")
model = Ridge(alpha=arguments.alpha).fit(table[:, 1:], table[:, 0])
error = float(np.mean((model.predict(table[:, 1:]) - table[:, 0]) ** 2))
print(greeting())
print(f"train_mse={error:.6f};")
joblib.dump(model, os.path.join(arguments.model_dir, "model.joblib"))
