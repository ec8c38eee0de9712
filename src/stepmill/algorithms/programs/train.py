"""Runs the training of a built-in algorithm inside its job."""

from __future__ import annotations

import importlib
import logging
import sys
import traceback
from pathlib import Path

from .errors import CustomerError
from .job import base_folder, read_job, set_up_log
from .modules import TRAINING_MODULES
from .recordio import RecordError

_log = logging.getLogger(__name__)

# What the containers of AWS's algorithms exit with when the customer can mend it, and when not.
CUSTOMER_ERROR, ALGORITHM_ERROR = 2, 1


def run(name: str, base: Path | None = None) -> int:
    """Train.

    Args:
        name: Of the algorithm.
        base: What is ``/opt/ml`` elsewhere.

    Returns:
        The exit code of the job. Why it failed stands in the failure file.
    """
    set_up_log()
    base = base or base_folder()
    try:
        module = importlib.import_module(f".{TRAINING_MODULES[name]}", __package__)
        module.train(read_job(base))
    except (CustomerError, RecordError) as error:
        _log.error("Customer Error: %s", error)
        return _fail(base, f"ClientError: {error}", CUSTOMER_ERROR)
    except MemoryError:
        return _fail(base, "ClientError: Out of memory. Use less data, or a larger instance.", CUSTOMER_ERROR)
    except Exception as error:  # noqa: BLE001 - whatever it is, the failure file tells it
        traceback.print_exc()
        return _fail(base, f"{type(error).__name__}: {error}", ALGORITHM_ERROR)
    sys.stdout.flush()
    return 0


def _fail(base: Path, text: str, code: int) -> int:
    folder = base / "output"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "failure").write_bytes(text.encode("utf-8", "replace"))
    return code
