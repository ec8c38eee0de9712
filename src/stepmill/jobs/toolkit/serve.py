"""The command ``serve`` of framework images and built-in algorithms: starts a model server.

Runs inside the job or endpoint, by its own Python (3.8 or newer), without Stepmill.

Source: container contract, C5.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path


def main() -> int:
    """Serve the model that the container's variables describe; return the exit code."""
    own = str(Path(__file__).absolute().parent)
    # Appended: the user's modules come first.
    sys.path[:] = [*(path for path in sys.path if path != own), own]
    code: int = importlib.import_module("stepmill_serving.server").serve(os.environ)
    return code


if __name__ == "__main__":
    sys.exit(main())
