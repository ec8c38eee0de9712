"""Where the SDKs put the ``requirements.txt`` that a training job installs before the user's code runs.

Source: sagemaker-training-toolkit, which looks beside the entry point; sagemaker SDK 3,
``ModelTrainer``, whose ``sourcecode.json`` names the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import read_json
from stepmill.jobs.kinds import read_small_file

NAME = "requirements.txt"

_CODE = "/opt/ml/input/data/code"
_DRIVERS = "/opt/ml/input/data/sm_drivers"
_SOURCE_CODE = "sourcecode.json"
_LARGEST_BYTES = 64 * 1024


def requirements_of(
    program: str, command: Sequence[str], code: Path, shown: Mapping[str, Path]
) -> Path | None:
    """Return the file, if there is one.

    Args:
        program: The script of script mode; empty if there is none.
        command: The container's entry point and its arguments; empty if the image's own is meant.
        code: Folder of the code in script mode.
        shown: Place inside the job -> where on this machine what it sees there lies.
    """
    if not command:
        # A folder with a setup.py is installed instead, and other programs see to themselves.
        is_script = program.endswith(".py") and not (code / "setup.py").exists()
        return _file(code, NAME) if is_script else None
    drivers, source = shown.get(_DRIVERS), shown.get(_CODE)
    if drivers is None or source is None or not any(f"{_DRIVERS}/" in word for word in command):
        return None
    return _file(source, _named(read_small_file(drivers / _SOURCE_CODE, _LARGEST_BYTES)))


def _named(text: str) -> str:
    """Return what SDK 3 says the file is called; empty if it installs none."""
    try:
        document = read_json(text)
    except InvalidInputError:
        return ""
    name = document.get("requirements") if isinstance(document, Mapping) else None
    if not isinstance(name, str):
        return ""
    return NAME if name == "auto" else name


def _file(folder: Path, name: str) -> Path | None:
    """Return a regular file in a folder; a client's name must not lead out of it."""
    path = PurePosixPath(name)
    if not name or "\0" in name or path.is_absolute() or ".." in path.parts:
        return None
    found = folder / path
    is_inside = found.is_file() and found.resolve().is_relative_to(folder.resolve())
    return found if is_inside else None
