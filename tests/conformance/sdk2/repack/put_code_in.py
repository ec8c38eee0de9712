"""Puts code for serving into a model's archive."""

import argparse
import os
import shutil
import tarfile
from pathlib import Path

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("script", "archive", "dependencies", "source"):
        parser.add_argument(f"--{name}", default="")
    arguments = parser.parse_args()
    assert arguments.archive.startswith("s3://")
    assert (arguments.dependencies, arguments.source) == ("", "")
    target = Path(os.environ["SM_MODEL_DIR"])
    name = arguments.archive.rpartition("/")[2]
    with tarfile.open(f"/opt/ml/input/data/training/{name}") as archive:
        archive.extractall(target)
    (target / "code").mkdir()
    shutil.copy2(arguments.script, target / "code")
