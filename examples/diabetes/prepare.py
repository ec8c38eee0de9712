"""Split the diabetes data of scikit-learn into a part to train on and a part to test with."""

from __future__ import annotations

import argparse
from pathlib import Path

from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

OUTPUT = Path("/opt/ml/processing/output")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--test-share", type=float, default=0.25)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()

    # Ten measurements of each of 442 patients, and how far the disease had progressed a year later.
    patients = load_diabetes(as_frame=True).frame
    train, test = train_test_split(patients, test_size=arguments.test_share, random_state=arguments.seed)
    for name, part in (("train", train), ("test", test)):
        folder = OUTPUT / name
        folder.mkdir(parents=True, exist_ok=True)
        part.to_csv(folder / f"{name}.csv", index=False)
        print(f"{name}: {len(part)} patients")


if __name__ == "__main__":
    main()
