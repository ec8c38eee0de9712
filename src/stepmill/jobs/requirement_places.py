"""Where the SDKs put the ``requirements.txt`` that a job installs before the user's code runs.

Source: sagemaker-training-toolkit, which looks beside the entry point; sagemaker SDK 3, ``ModelTrainer``,
whose ``sourcecode.json`` names the file; both SDKs, ``FrameworkProcessor``, whose ``runproc.sh`` unpacks
``sourcedir.tar.gz`` and has pip install what lies in it. pip then finds all of it there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from stepmill.catalog.source_archives import SOURCE_ARCHIVE, read_member
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import read_json
from stepmill.jobs.kinds import read_small_file

NAME = "requirements.txt"

_CODE = "/opt/ml/input/data/code"
_DRIVERS = "/opt/ml/input/data/sm_drivers"
_SOURCE_CODE = "sourcecode.json"
_LARGEST_BYTES = 64 * 1024

_PROCESSING_CODE = "/opt/ml/processing/input/code"
_RUN = "/runproc.sh"
_LOOKED_FOR = re.compile(r"\[\[ -f '([^'\n]+)' \]\]")
# SDK 2 logs in to CodeArtifact with it, and pip gets an address that holds a password of the hour.
_LOG_IN = "aws codeartifact login"
# What the programs of jobs go by: whether all of it was installed beforehand.
INSTALLED = "STEPMILL_PACKAGES"


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


def requirements_of_processing(
    command: Sequence[str], shown: Mapping[str, Path], home: Path, limit_bytes: int
) -> Path | None:
    """Return the file of a processing job, if there is one.

    Args:
        command: The container's entry point and its arguments.
        shown: Place inside the job -> where on this machine what it sees there lies.
        home: Folder into which a file goes that lies in an archive.
        limit_bytes: No more of it is unpacked.
    """
    source = shown.get(_PROCESSING_CODE)
    if source is None:
        return None
    line = command[2] if command[:2] == ("/bin/bash", "-c") and len(command) > 2 else ""
    if INSTALLED in line and f"{_PROCESSING_CODE}/{NAME}" in line:  # a step of ``stepmill.ProcessingStep``
        return _file(source, NAME)
    script = next((word for word in command if word.endswith(_RUN)), "")
    folder = shown.get(script.removesuffix(_RUN))
    text = read_small_file(folder / _RUN[1:], _LARGEST_BYTES) if folder else ""
    named = _LOOKED_FOR.search(text)
    if named is None or _LOG_IN in text:
        return None
    content = read_member(source / SOURCE_ARCHIVE, named[1], limit_bytes)
    if content is None:
        return None
    target = home / NAME
    target.write_bytes(content)
    return target


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
