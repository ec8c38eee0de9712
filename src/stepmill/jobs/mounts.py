"""Works out what a job sees where, so that one input may lie below another.

A folder can be shown inside another one that is read-only only if the place for it is there
already. In folders that were laid out for the job that place is made; a folder of the user's is
never touched, so it is taken apart: its entries are shown one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stepmill.compute.spec import Mount
from stepmill.core.errors import InvalidInputError


@dataclass(frozen=True)
class Placement:
    """A folder or file, and where the job is to see it.

    Args:
        source: On this machine.
        target: Inside the job: absolute, normal.
        read_only: Whether the job may not write to it.
        ours: Whether the source was laid out for this job alone, so that places may be made in it.
    """

    source: Path
    target: str
    read_only: bool
    ours: bool = False


def arrange(placements: Iterable[Placement]) -> tuple[Mount, ...]:
    """Return the mounts that give these placements, nearest to the root first.

    Raises:
        InvalidInputError: If two want the same place, or one lies below a file.
    """
    pending = sorted(placements, key=lambda p: (p.target.count("/"), p.target))
    done: list[Placement] = []
    while pending:
        current = pending.pop(0)
        if any(other.target == current.target for other in pending):
            raise InvalidInputError(
                f"Two inputs or outputs want the folder {current.target}.",
                mend="Give one of them another folder.",
            )
        inner = [p for p in pending if p.target.startswith(current.target + "/")]
        if inner and not current.ours:
            entries = _entries(current)
            taken = {p.target for p in inner}
            # What is named like an inner placement is hidden by it, as a mount would hide it.
            pending = sorted(
                [*pending, *(e for e in entries if e.target not in taken)],
                key=lambda p: (p.target.count("/"), p.target),
            )
            continue
        if inner:
            _make_places(current, inner)
        done.append(current)
    return tuple(Mount(p.source, p.target, read_only=p.read_only) for p in done)


def _entries(placement: Placement) -> list[Placement]:
    if not placement.source.is_dir():
        raise InvalidInputError(
            f"{placement.target} is a file and cannot have another input below it.",
            mend="Give the other input another folder.",
        )
    return [
        Placement(entry, f"{placement.target}/{entry.name}", placement.read_only)
        for entry in sorted(placement.source.iterdir())
    ]


def _make_places(outer: Placement, inner: Sequence[Placement]) -> None:
    for placement in inner:
        place = outer.source / placement.target[len(outer.target) + 1 :]
        folder = place if placement.source.is_dir() else place.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise InvalidInputError(
                f"{placement.target} lies below a file of another input.", mend="Give it another folder."
            ) from None
        if not placement.source.is_dir():
            place.touch()
