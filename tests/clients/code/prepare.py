"""Processing step: make rings of shells from two measures, split, and write CSV without headers."""

import argparse
import os

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--input-data", default="")
arguments = parser.parse_args()
base = "/opt/ml/processing"
table = np.loadtxt(os.path.join(base, "input", "shells.csv"), delimiter=",")
np.random.default_rng(1).shuffle(table)
parts = {"train": table[:140], "validation": table[140:170], "test": table[170:]}
for name, part in parts.items():
    os.makedirs(f"{base}/{name}", exist_ok=True)
    np.savetxt(f"{base}/{name}/{name}.csv", part, delimiter=",")
print(f"prepared {len(table)} shells from {arguments.input_data}")
