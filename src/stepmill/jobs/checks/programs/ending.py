"""How the programs of checks end: their exit codes, their messages, their documents."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .errors import CustomerError

_log = logging.getLogger(__name__)

# As the containers of AWS's algorithms exit when the customer can mend it, and when not.
CUSTOMER_ERROR, PROGRAM_ERROR = 2, 1
# A baseline is a report on a table; what is larger is something else.
LARGEST_BASELINE_BYTES = 256 * 1024 * 1024


def base_folder(base: Path | None) -> Path:
    """Return what is ``/opt/ml``, unless it is given."""
    return base or Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def run_guarded(program: Callable[[], str], base: Path) -> int:
    """Run a program; say how it ends in the files of a processing job.

    Args:
        program: Returns its exit message.
        base: What is ``/opt/ml``.

    Returns:
        The exit code of the job.
    """
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s", force=True)
    try:
        message = program()
    except CustomerError as error:
        return _fail(base, f"ClientError: {error}", CUSTOMER_ERROR)
    except MemoryError:
        return _fail(base, "ClientError: Out of memory. Use less data, or a larger instance.", CUSTOMER_ERROR)
    except Exception as error:  # noqa: BLE001 - whatever it is, the exit message tells it
        traceback.print_exc()
        return _fail(base, f"{type(error).__name__}: {error}", PROGRAM_ERROR)
    return _say(base, message, 0)


def completed(violations: int) -> str:
    """Return the message of a program that has found so many violations."""
    if violations:
        return f"CompletedWithViolations: Job completed successfully with {violations} violations."
    return "Completed: Job completed successfully with no violations."


def read_baseline(path: Path) -> dict[str, Any]:
    """Return a document of the baseline: a file, or the only one in a folder.

    Raises:
        CustomerError: If there is none, or it is not a JSON object.
    """
    if path.is_dir():
        files = [file for file in sorted(path.iterdir()) if file.is_file()]
        if len(files) != 1:
            raise CustomerError(f"There are {len(files)} files in {path}, and one is a baseline.")
        path = files[0]
    try:
        if path.stat().st_size > LARGEST_BASELINE_BYTES:
            raise CustomerError(f"The baseline {path} is larger than {LARGEST_BASELINE_BYTES} bytes.")
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CustomerError(f"The baseline {path} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise CustomerError(f"The baseline {path} is not a JSON object.")
    return document


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document.

    Raises:
        CustomerError: If it has a number that JSON has not.
    """
    try:
        text = json.dumps(document, indent=2, allow_nan=False)
    except ValueError as error:
        raise CustomerError("The numbers are so large that their sum or deviation is infinite.") from error
    path.write_text(text, encoding="utf-8")


def _fail(base: Path, text: str, code: int) -> int:
    folder = base / "output"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "failure").write_text(text, encoding="utf-8", errors="replace")
    return _say(base, text, code)


def _say(base: Path, text: str, code: int) -> int:
    _log.info("%s", text)
    folder = base / "output"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "message").write_text(text, encoding="utf-8", errors="replace")
    return code
