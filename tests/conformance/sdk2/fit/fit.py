import argparse
import os

import joblib
import pandas as pd
import stepmill_extra
from sklearn.linear_model import LinearRegression

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--method")
    parser.add_argument("--degree", type=int)
    parser.add_argument("--limit", type=float)
    parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
    parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
    arguments = parser.parse_args()
    assert (arguments.method, arguments.degree) == ("least squares", 1)
    assert (os.environ["SM_HP_METHOD"], os.environ["A"]) == ("least squares", "1")
    train = pd.read_csv(f"{arguments.train}/train.csv", header=None)
    model = LinearRegression().fit(train[[0]], train[1])
    mse = ((model.predict(train[[0]]) - train[1]) ** 2).mean()
    print(f"with stepmill_extra {stepmill_extra.version}")
    print(f"train:mse={mse};")
    joblib.dump(model, f"{arguments.model_dir}/model.joblib")
