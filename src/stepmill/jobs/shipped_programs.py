"""Which of Stepmill's own programs an image runs, by what they hold: other programs, other results.

The versions of an image's libraries do not tell: a release of Stepmill may mend how an algorithm computes.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

from stepmill.algorithms import laying as algorithms
from stepmill.core.errors import InvalidInputError
from stepmill.images.families import shipped_image
from stepmill.images.reference import ImageReference
from stepmill.jobs.checks import laying as checks


def digest_of_programs(image: str) -> str:
    """Return the digest of the programs that an image stands for; empty if it runs the user's only.

    Args:
        image: Its address. One with an algorithm counts as such even where a script takes its place.
    """
    try:
        shipped = shipped_image(ImageReference.parse(image))
    except InvalidInputError:
        return ""
    if shipped is not None and shipped.algorithm:
        return digest_of_sources(algorithms.PROGRAMS)
    return digest_of_sources(checks.PROGRAMS) if shipped is not None and shipped.program else ""


@cache
def digest_of_sources(folder: Path) -> str:
    """Return 16 digits of a digest of all Python files of a folder, which is read once in a process."""
    found = sha256()
    for file in sorted(folder.rglob("*.py")):
        content = file.read_bytes()
        found.update(f"{file.relative_to(folder).as_posix()} {len(content)}\n".encode())
        found.update(content)
    return found.hexdigest()[:16]
