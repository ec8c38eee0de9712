"""Puts the programs of the built-in algorithms into a job's folder."""

from __future__ import annotations

import shutil
from pathlib import Path

# Inside the job. The programs are a package there, under a name that no library has.
PACKAGE = "stepmill_algorithms"
TRAINING_PROGRAM = "algorithm.py"
INFERENCE_MODULE = "algorithm_inference.py"

PROGRAMS = Path(__file__).parent / "programs"
_TRAINING = f'''"""Trains a built-in algorithm; its name is the argument."""

import sys

from {PACKAGE}.train import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1]))
'''
_INFERENCE = f'''"""Answers requests with the model of a built-in algorithm."""

from {PACKAGE}.inference import model_fn, transform_fn

__all__ = ["model_fn", "transform_fn"]
'''


def lay_out_programs(folder: Path) -> None:
    """Put the programs into a folder: ``algorithm.py <name>`` trains, ``algorithm_inference.py`` answers.

    The latter has ``model_fn(model_dir)`` and ``transform_fn(model, body, content_type, accept)``.

    Args:
        folder: Made if need be. Scripts in it find the programs beside them.
    """
    # With the times of the files what Python has compiled stays good.
    shutil.copytree(PROGRAMS, folder / PACKAGE, dirs_exist_ok=True)
    (folder / TRAINING_PROGRAM).write_text(_TRAINING)
    (folder / INFERENCE_MODULE).write_text(_INFERENCE)
