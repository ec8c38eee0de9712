"""What a job may need of its environment that no image promises."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Needs:
    """What a job needs beyond what its image promises.

    Args:
        python: Version of Python, ``3.10``; empty: any will do.
        libraries: Distributions, as pip takes them.
    """

    python: str = ""
    libraries: tuple[str, ...] = ()


NO_NEEDS = Needs()
