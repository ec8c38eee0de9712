"""Splits scikit-learn's handwritten digits into images to train on and images to test with."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

OUTPUT = Path("/opt/ml/processing/output")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--test-share", type=float, required=True)
    asked = parser.parse_args()
    images, digits = load_digits(return_X_y=True)
    # As a convolution takes them: image, color, row, column; brightness from 0 to 1.
    images = (images.reshape(-1, 1, 8, 8) / 16).astype(np.float32)
    parts = train_test_split(images, digits, test_size=asked.test_share, stratify=digits, random_state=7)
    for name, kept, told in (("train", parts[0], parts[2]), ("test", parts[1], parts[3])):
        (OUTPUT / name).mkdir(parents=True, exist_ok=True)
        np.savez(OUTPUT / name / "digits.npz", images=kept, digits=told)
        print(f"{name}: {len(told)} images")


if __name__ == "__main__":
    main()
