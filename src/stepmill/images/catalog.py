"""Finds, for an image's URI, the software that a job runs in.

The user's own images come first, then those that Stepmill stands in for. Where the environment
that runs Stepmill holds the libraries that the image promises, it is used; else one is built.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.settings import ImageSetting, Isolation
from stepmill.images import families
from stepmill.images.environments import Environments, Progress, ignore_progress
from stepmill.images.families import ImageFamily, Package, ShippedImage
from stepmill.images.interpreters import find_interpreter
from stepmill.images.needs import NO_NEEDS, Needs
from stepmill.images.reference import ImageReference


@dataclass(frozen=True)
class ResolvedImage:
    """What to run for an image.

    Args:
        uri: As the job names it.
        repository: Without account, region and host.
        tag: May be empty.
        family: What it holds: ``sklearn``, ``xgboost``, ``pytorch``, ``tensorflow``, ``python``
            or ``custom``.
        python: Interpreter of the environment. Under an engine: the one that runs Stepmill, unused.
        own_environment: Whether that is the environment that runs Stepmill, so that a job in it may
            be forked from a warm parent.
        oci_image: The image that the engine runs; empty if no engine does.
        engine: ``podman`` or ``docker``; ``None`` if the job is a process of this machine.
        entrypoint: Command for jobs that name none; may be empty.
        toolkit: Whether the script mode of framework images is offered.
        algorithm: The built-in algorithm that it runs where no script is given; empty if it has none.
        program: What a processing job runs where it names no entry point; empty if nothing.
        notes: What is worth knowing of it, the differences among it.
        differences: In which versions it differs from the image asked for.
    """

    uri: str
    repository: str
    tag: str
    family: ImageFamily
    python: Path
    own_environment: bool
    oci_image: str = ""
    engine: Isolation | None = None
    entrypoint: tuple[str, ...] = ()
    toolkit: bool = False
    algorithm: str = ""
    program: str = ""
    notes: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageOffer:
    """What is known of an image before its environment is built; see ``ResolvedImage`` for the members.

    Args:
        entrypoint: See there.
        toolkit: See there.
        oci_image: See there.
        algorithm: See there.
        program: See there.
        environment: Which one the user names for it: a path, or requirements; empty if Stepmill chooses.
    """

    entrypoint: tuple[str, ...] = ()
    toolkit: bool = False
    oci_image: str = ""
    algorithm: str = ""
    program: str = ""
    environment: str = ""


def missing_libraries(image_uris: Sequence[str]) -> tuple[str, ...]:
    """Return what images promise that the environment that runs Stepmill does not hold, as pip takes it.

    Images of the user's own promise nothing.
    """
    missing: dict[str, None] = {}
    for uri in image_uris:
        shipped = families.shipped_image(ImageReference.parse(uri))
        for package in shipped.packages if shipped else ():
            if not all(_own_versions([package])):
                missing[package.requirement] = None
    return tuple(missing)


class ImageCatalog:
    """Looks images up. Safe to share between threads and processes.

    Args:
        images: The user's own, by repository (``team/trainer``), repository and tag, or whole URI.
        environments: Folder of the environments that are built.
    """

    def __init__(self, images: Mapping[str, ImageSetting], environments: Path) -> None:
        self._images = images
        self._environments = Environments(environments)

    def resolve(
        self, image_uri: str, progress: Progress = ignore_progress, needs: Needs = NO_NEEDS
    ) -> ResolvedImage:
        """Find what stands for an image; build its environment if there is none yet.

        Args:
            image_uri: ``[registry/]repository[:tag][@digest]``.
            progress: Gets a line now and then while an environment is built, which may take minutes.
            needs: What must be there beside what the image promises. An environment of the user's own, and
                an image that an engine runs, are taken to have it.

        Raises:
            InvalidInputError: If the URI names no image, or the setting for it cannot be used.
            UnsupportedError: If the image is unknown or not offered; tells how to add it. If the Python
                that is needed is not on this machine.
            ComputeError: If its environment cannot be built.
        """
        image = ImageReference.parse(image_uri)
        for name in image.names:
            if setting := self._images.get(name):
                return self._from_setting(image, name, setting, needs, progress)
        if shipped := families.shipped_image(image):
            return self._shipped(image, shipped, needs, progress)
        raise _refusal(image)

    def offer(self, image_uri: str, needs: Needs = NO_NEEDS) -> ImageOffer:
        """Return what an image offers to start, building nothing. See ``resolve`` for what it raises."""
        image = ImageReference.parse(image_uri)
        for name in image.names:
            if setting := self._images.get(name):
                _check_setting(setting, _place_of(name))
                by_engine = setting.engine is not None
                if setting.requirements:
                    _check_python(needs)
                return ImageOffer(
                    setting.entrypoint,
                    not by_engine,
                    image.uri if by_engine else "",
                    environment=" ".join(_identity_of_setting(setting).values()),
                )
        if shipped := families.shipped_image(image):
            _check_python(needs)
            return ImageOffer(toolkit=shipped.toolkit, algorithm=shipped.algorithm, program=shipped.program)
        raise _refusal(image)

    def identity(self, image_uri: str) -> Mapping[str, str]:
        """Return the versions of what stands for an image here, by name, building nothing.

        Where they differ, results may differ: the step cache keys on them. Unknown images and images
        that an engine runs have none; their URI says all.
        """
        image = ImageReference.parse(image_uri)
        for name in image.names:
            if setting := self._images.get(name):
                return _identity_of_setting(setting)
        shipped = families.shipped_image(image)
        if shipped is None:
            return {}
        versions = _own_versions(shipped.packages)
        if not all(versions):
            versions = _versions(shipped.packages, self._environments.versions(shipped.requirements))
        names = [package.names[0] for package in shipped.packages]
        return {"python": platform.python_version(), **dict(zip(names, versions, strict=True))}

    def _from_setting(
        self,
        image: ImageReference,
        name: str,
        setting: ImageSetting,
        needs: Needs,
        progress: Progress,
    ) -> ResolvedImage:
        where = _place_of(name)
        _check_setting(setting, where)
        own = Path(sys.executable)
        if setting.engine is not None:
            python, toolkit = own, False
        elif setting.python is not None:
            python, toolkit = _checked_python(setting.python, where), True
        else:
            wanted = (*setting.requirements, *needs.libraries)
            python, toolkit = self._environments.python(wanted, progress, version=needs.python), True
        return ResolvedImage(
            uri=image.uri,
            repository=image.repository,
            tag=image.tag,
            family=ImageFamily.CUSTOM,
            python=python,
            own_environment=setting.engine is None and python == own,
            oci_image=image.uri if setting.engine else "",
            engine=setting.engine,
            entrypoint=setting.entrypoint,
            toolkit=toolkit,
        )

    def _shipped(
        self, image: ImageReference, shipped: ShippedImage, needs: Needs, progress: Progress
    ) -> ResolvedImage:
        versions = _own_versions(shipped.packages)
        # What else is asked for may not go with what Stepmill itself needs: then it gets a place of its own.
        own = all(versions) and needs == NO_NEEDS
        if own:
            python = Path(sys.executable)
        else:
            wanted = [*shipped.requirements, *needs.libraries]
            python = self._environments.python(wanted, progress, version=needs.python)
            found = self._environments.versions(wanted, version=needs.python)
            versions = _versions(shipped.packages, found)
        differences = _differences(image, shipped, versions, needs.python or platform.python_version())
        return ResolvedImage(
            uri=image.uri,
            repository=image.repository,
            tag=image.tag,
            family=shipped.family,
            python=python,
            own_environment=own,
            toolkit=shipped.toolkit,
            algorithm=shipped.algorithm,
            program=shipped.program,
            notes=(*differences, *_remarks(image)),
            differences=differences,
        )


def _place_of(name: str) -> str:
    return f'stepmill.toml, [images."{name}"]'


def _check_python(needs: Needs) -> None:
    if needs.python:
        find_interpreter(needs.python)


def _own_versions(packages: Sequence[Package]) -> list[str]:
    """Return the version of each package in the environment that runs Stepmill; empty if missing."""
    return _versions(packages, {name: _installed(name) for package in packages for name in package.names})


def _versions(packages: Sequence[Package], installed: Mapping[str, str]) -> list[str]:
    return [next(filter(None, map(installed.get, package.names)), "") for package in packages]


def _installed(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _differences(
    image: ImageReference, shipped: ShippedImage, versions: Sequence[str], python: str
) -> tuple[str, ...]:
    notes = []
    for index, (package, found) in enumerate(zip(shipped.packages, versions, strict=True)):
        name = package.names[0]
        first = index == 0 and shipped.versioned
        asked = families.asked_version(image) if first else families.named_version(image, name)
        if asked and not families.is_version(asked, found):
            notes.append(f"the image asks for {name} {asked}, this environment has {found}")
    asked_python = families.asked_python(image)
    if asked_python and not families.is_version(asked_python, python):
        notes.append(f"the image asks for Python {asked_python}, this environment has {python}")
    return tuple(notes)


def _remarks(image: ImageReference) -> tuple[str, ...]:
    notes = []
    if image.digest and not image.tag:
        notes.append("the image is named by its digest, which does not tell the version that it asks for")
    if families.is_for_gpus(image):
        notes.append("the image is the one for GPUs; the job uses one only if its libraries find one here")
    return tuple(notes)


def _identity_of_setting(setting: ImageSetting) -> dict[str, str]:
    if setting.engine is not None:
        return {}
    if setting.python is not None:
        return {"python": str(setting.python.absolute())}
    return {"python": platform.python_version(), "requirements": ", ".join(sorted(setting.requirements))}


def _check_setting(setting: ImageSetting, where: str) -> None:
    given = (setting.python is not None) + bool(setting.requirements) + (setting.engine is not None)
    if given != 1:
        raise InvalidInputError(
            "An image needs exactly one of python, requirements and engine.",
            where=where,
            mend="Keep the one that you mean.",
        )
    if setting.engine not in (None, Isolation.PODMAN, Isolation.DOCKER):
        raise InvalidInputError(
            f"{str(setting.engine)!r} does not run images.", where=where, mend="Use podman or docker."
        )


def _checked_python(python: Path, where: str) -> Path:
    # Not resolved: the python of an environment is a link, and resolving it would leave the environment.
    absolute = python.absolute()
    if not absolute.is_file() or not os.access(absolute, os.X_OK):
        raise InvalidInputError(
            f"There is no Python interpreter at {absolute}.",
            where=where,
            mend="Give the path of an environment's bin/python.",
        )
    return absolute


def _refusal(image: ImageReference) -> UnsupportedError:
    kind = families.known_kind(image)
    what = (
        f"The {kind} {image.repository!r} is not offered yet."
        if kind
        else f"The image {image.repository!r} is not known."
    )
    return UnsupportedError(
        what,
        where=image.uri,
        mend="Say in stepmill.toml what to run for it, one of:\n"
        f'    [images."{image.repository}"]\n'
        '    python = "/path/to/environment/bin/python"   # an environment of yours\n'
        '    requirements = ["pandas>=2.1"]               # or one that is built once and kept\n'
        '    engine = "podman"                            # or the image itself, by podman or docker',
    )
