"""Splits points into those to fit and those to test, as scripts of the SDK's examples do."""

import argparse
import pathlib

import pandas as pd

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--shuffle", default="true")
    arguments = parser.parse_args()
    base = "/opt/ml/processing"
    (table,) = pathlib.Path(f"{base}/input/data").iterdir()
    points = pd.read_csv(table)
    if arguments.shuffle == "true":
        points = points.sample(frac=1, random_state=0)
    half = len(points) // 2
    for part, rows in (("train", points[:half]), ("test", points[half:])):
        pathlib.Path(f"{base}/{part}").mkdir(parents=True, exist_ok=True)
        rows.to_csv(f"{base}/{part}/{part}.csv", header=False, index=False)
