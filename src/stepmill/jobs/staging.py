"""Makes a job's folder ready: configuration, code, inputs, places for outputs. Done once for each job."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from stepmill.compute.spec import Mount
from stepmill.core.errors import InvalidInputError
from stepmill.jobs.channels import holds_code, stage_input
from stepmill.jobs.contract import inside
from stepmill.jobs.hosts import inputs_of, share_of
from stepmill.jobs.kinds import JobKind, R, Workplace
from stepmill.jobs.locations import Location
from stepmill.jobs.mounts import Placement, arrange
from stepmill.jobs.outputs import CONTAINER_ROOT, make_destinations
from stepmill.jobs.requests.common import JobRequest
from stepmill.storage.failures import translated_disk_errors
from stepmill.storage.objects.store import ObjectStore

_STAGED = "staged.json"


class Staged(msgspec.Struct, frozen=True):
    """What was made ready. Kept in the job's folder: if it is there, all of it was.

    Args:
        shown: Source, target and whether read-only, of each mount.
        notes: Remarks.
    """

    shown: tuple[tuple[str, str, bool], ...]
    notes: tuple[str, ...]

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """What the job sees."""
        return tuple(Mount(Path(source), target, read_only) for source, target, read_only in self.shown)


_DECODER = msgspec.json.Decoder(Staged)


def stage(
    kind: JobKind[R],
    request: R,
    place: Workplace,
    objects: ObjectStore,
    project: Path,
    private: Path | None = None,
) -> Staged:
    """Make the folder of a job, or of one of its hosts, ready, unless that was done before.

    Args:
        kind: Of the job.
        request: What it does.
        place: Where.
        objects: Where ``s3://`` addresses lead.
        project: Folder that relative paths start from.
        private: Stepmill's own folder, of which no job may get a copy.

    Raises:
        NotFoundError: If an input is not there.
        InvalidInputError: If inputs or outputs cannot be laid out.
        StorageFullError: If no room is left.
        StorageError: If the store or the disk fails otherwise.
    """
    marker = place.folder / _STAGED
    if marker.exists():
        return _DECODER.decode(marker.read_bytes())
    outputs = kind.outputs(request, place)
    destinations = [output.destination for output in outputs if output.destination is not None]
    notes = make_destinations([*destinations, *kind.destinations(request)], objects)
    with translated_disk_errors():
        for folder in (place.ml, place.inputs):
            # What an interrupted attempt left.
            if folder.exists():
                shutil.rmtree(folder)
        place.ml.mkdir(parents=True)
        kind.lay_out(request, place, objects, project)
        shown = [
            Mount(place.ml, CONTAINER_ROOT),
            *arrange(_placements(kind, request, place, objects, private)),
        ]
        staged = Staged(tuple((str(m.source), m.target, m.read_only) for m in shown), notes)
        unfinished = marker.with_suffix(".partial")
        unfinished.write_bytes(msgspec.json.encode(staged))
        unfinished.replace(marker)
    return staged


def unstage(place: Workplace) -> None:
    """Have a job's folder made ready anew before it is begun again."""
    (place.folder / _STAGED).unlink(missing_ok=True)


def check_paths(kind: JobKind[R], request: R, place: Workplace, private: Path | None) -> None:
    """Refuse paths of this machine that lead into Stepmill's own folder.

    A job that could read there would see the files of all others, and one whose output went there could
    change them.

    Raises:
        InvalidInputError: For the first such path.
    """
    if private is None:
        return
    outputs = kind.outputs(request, place)
    destinations = [*(output.destination for output in outputs), *kind.destinations(request)]
    own = private.resolve()
    for path in (*(item.source for item in request.inputs), *destinations):
        if isinstance(path, Path) and path.resolve().is_relative_to(own):
            raise InvalidInputError(
                f"{str(path)!r} lies in Stepmill's own folder, which jobs may not read from or write to.",
                mend="Name an s3:// address, or another folder.",
            )


def check_groups(request: JobRequest, has_group: Callable[[str], bool]) -> None:
    """Refuse a job that says it puts records into a feature group which is not there.

    Args:
        request: What the job does.
        has_group: Whether there is a group of a name.

    Raises:
        InvalidInputError: For the first such group.
    """
    for output in request.feature_groups:
        if not has_group(output.group):
            raise InvalidInputError(
                f"The output {output.name[:100]!r} goes to the feature group {output.group!r}, "
                "and there is none of that name.",
                where=output.where,
                mend="Create it before the job starts: CreateFeatureGroup, or an earlier step.",
            )


def _lies_around(source: Location | None, private: Path | None) -> bool:
    """Say whether a folder holds Stepmill's own: then it is shown in place, where that can be covered."""
    return (
        isinstance(source, Path)
        and private is not None
        and private.resolve().is_relative_to(source.resolve())
    )


def _placements(
    kind: JobKind[R], request: R, place: Workplace, objects: ObjectStore, private: Path | None
) -> list[Placement]:
    # A shell's script is an argument of it; other arguments name data.
    words = (*request.entrypoint, *request.arguments) if "-c" in request.arguments else request.entrypoint
    # Each only once: inputs for the same folder share it.
    placements: dict[Placement, None] = {}
    folders: dict[str, Path] = {}
    for item in inputs_of(request, place.host):
        if item.source is None:
            inside(place.ml, item.target).mkdir(parents=True, exist_ok=True)
            continue
        folder = folders.setdefault(item.target, place.inputs / str(len(folders)))
        copy = holds_code(item, words) and not _lies_around(item.source, private)
        share = share_of(item, request, place.host)
        staged = stage_input(item, objects, folder, copy=copy, share=share)
        placements |= dict.fromkeys(staged)
    for output in kind.outputs(request, place):
        # Below an input that is read-only, an output's folder has to be shown on its own.
        if any(output.path.startswith(f"{target}/") for target in folders):
            own = Placement(inside(place.ml, output.path), output.path, read_only=False, ours=True)
            placements[own] = None
    return list(placements)
