"""The program of a transform job: starts the model's containers and sends them every object.

Runs inside the job, by its own Python (3.8 or newer), without Stepmill, and outlives the server that
started it.

Source: container contract, C6.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path


def main() -> int:
    """Do the job; return its exit code."""
    own = str(Path(__file__).absolute().parent)
    # Appended: the modules of the user's code come first.
    sys.path[:] = [*(path for path in sys.path if path != own), own]
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    code: int = importlib.import_module("stepmill_batch.job").run(base)
    return code


if __name__ == "__main__":
    sys.exit(main())
