"""Puts the programs of the images that check data and models into a job's folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, object_of
from stepmill.images.families import shipped_image
from stepmill.images.reference import ImageReference

# Inside the job. The programs are a package there, under a name that no library has.
PACKAGE = "stepmill_checks"
PROGRAMS = Path(__file__).parent / "programs"
_TEXT = f'''"""Runs a program of the images that check data and models."""

import sys

from {PACKAGE}.@ import run

if __name__ == "__main__":
    sys.exit(run())
'''
# The program that may ask a model.
CLARIFY = "clarify"
# Program -> the module that imports the most of what it needs.
_LARGEST: Mapping[str, str] = {"analyzer": "datasets", CLARIFY: "datasets"}


def program_of(image: str) -> str:
    """Return the program that an image runs where no entry point is given: ``analyzer``; empty if none."""
    shipped = shipped_image(ImageReference.parse(image))
    return shipped.program if shipped else ""


def asks_clarify(request: Json) -> bool:
    """Say whether a processing job has the image of Clarify. Whoever reads it tells what is wrong with it."""
    image = object_of(object_of(request).get("AppSpecification")).get("ImageUri")
    try:
        return isinstance(image, str) and program_of(image) == CLARIFY
    except InvalidInputError:
        return False


def path_of(program: str) -> str:
    """Return where a program lies inside the job."""
    return f"/opt/ml/toolkit/{program}.py"


def lay_out_program(program: str, toolkit: Path) -> None:
    """Put a program into a folder.

    Args:
        program: As ``program_of`` tells it.
        toolkit: Made if need be.
    """
    shutil.copytree(PROGRAMS, toolkit / PACKAGE, dirs_exist_ok=True)
    (toolkit / f"{program}.py").write_text(_TEXT.replace("@", program))


def imports_of(program: str, toolkit: Path) -> Path:
    """Return the file of a program whose imports may be done beforehand."""
    return toolkit / PACKAGE / f"{_LARGEST[program]}.py"
