"""Counts how many of the images that the network has not seen it reads as what they are."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import torch
from network import load, read

BASE = Path("/opt/ml/processing")
REPORT = BASE / "output" / "evaluation" / "evaluation.json"


def main() -> None:
    with tarfile.open(BASE / "input" / "model" / "model.tar.gz") as archive:
        archive.extractall("/tmp/model", filter="data")
    images, digits = read(BASE / "input" / "test")
    with torch.inference_mode():
        told = load(Path("/tmp/model/model.pt"))(images).argmax(1)
    right = told == digits
    report = {
        "accuracy": right.float().mean().item(),
        "images": len(digits),
        "accuracy_of": {str(digit): right[digits == digit].float().mean().item() for digit in range(10)},
    }
    REPORT.write_text(json.dumps(report))
    print(f"{int(right.sum())} of {len(digits)} images are read right: {report['accuracy']:.1%}")


if __name__ == "__main__":
    main()
