"""Room for packages that a job installs for itself: a virtual environment that stands on the image's.

Scripts install what they need (``pip install -r requirements.txt``), in SageMaker into the container. The
environment that an image stands for is shared and read-only here, so each job has one of its own on top
of it: pip is told by ``PIP_PYTHON`` to work there, and ``PYTHONPATH`` lets Python find what it puts there,
before what the image has. Making it takes no more than a few small files of the throw-away root; scripts
that install nothing run in the image's environment as if it were not there.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from stepmill.compute.local.pythons import PythonFacts

PLACE = "/opt/stepmill/packages"
# Not called python: that name on the search path is the image's.
_INTERPRETER = "bin/interpreter"
_SITE_FOLDERS = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Additions:
    """The environment as it is before anything is installed, with paths as a job in a sandbox sees them.

    Args:
        folders: (path, mode).
        links: (path, what it points to).
        files: (path, mode, text).
        packages: The folder where packages will be.
    """

    folders: tuple[tuple[str, int], ...]
    links: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, int, str], ...]
    packages: str


@lru_cache(maxsize=64)
def additions(python: PythonFacts, place: str = PLACE) -> Additions:
    """Return the empty environment of a job.

    Args:
        python: The image's interpreter.
        place: Where the environment lies, as the job sees it.
    """
    major, minor, _ = python.version
    packages = f"{place}/lib/python{major}.{minor}/site-packages"
    interpreter = f"{place}/{_INTERPRETER}"
    settings = f"home = {python.base.parent}\ninclude-system-site-packages = false\n"
    pip = f'#!/bin/sh\nexec "{python.executable}" -m pip "$@"\n'
    return Additions(
        folders=((packages, 0o755), (f"{place}/bin", 0o755)),
        links=((interpreter, str(python.base)), (f"{place}/lib64", "lib")),
        files=(
            (f"{place}/pyvenv.cfg", 0o644, settings),
            (f"{packages}/image.pth", 0o644, _path_lines(python)),
            *((f"{place}/bin/{name}", 0o755, pip) for name in ("pip", "pip3")),
        ),
        packages=packages,
    )


def _path_lines(python: PythonFacts) -> str:
    """Return a .pth file that shows what the image has; its own .pth files are minded."""
    lines = []
    for path in python.search_path:
        is_site = path.endswith(_SITE_FOLDERS)
        lines.append(f"import site; site.addsitedir({path!r})" if is_site else path)
    return "".join(f"{line}\n" for line in lines if line.isprintable())


def with_additions(
    environment: Mapping[str, str], place: str, packages: str, kept: str = ""
) -> dict[str, str]:
    """Return a job's variables, with those by which pip and Python find its additions.

    Args:
        environment: All variables of the job, PATH among them.
        place: Where the environment lies.
        packages: Its folder of packages.
        kept: Folder of packages that were installed for the job beforehand,
            ``.../lib/pythonX.Y/site-packages``; empty: none. They come after its own, and before the image's.
    """
    given = environment.get("PYTHONPATH", "")
    programs = posixpath.join(posixpath.normpath(f"{kept}/../../.."), "bin") if kept else ""
    return {
        **environment,
        "PATH": os.pathsep.join(filter(None, (f"{place}/bin", programs, environment["PATH"]))),
        "PYTHONPATH": os.pathsep.join(filter(None, (given, packages, kept))),
        "PIP_PYTHON": f"{place}/{_INTERPRETER}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
