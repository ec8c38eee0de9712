"""Finds the entity that people mean: by ARN, GROUP/VERSION, address, path, job, step or execution."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from stepmill.catalog.entities import COMPONENT
from stepmill.catalog.features.group import GROUP_KIND
from stepmill.catalog.job_components import component_name
from stepmill.catalog.lineage.documents import CONTEXT, place_of
from stepmill.catalog.lineage.lineage import Lineage
from stepmill.catalog.lineage.suggesting import suggestion
from stepmill.catalog.lineage.versions import Versions
from stepmill.catalog.packages import part
from stepmill.core.arns import SageMakerArn
from stepmill.core.errors import NotFoundError
from stepmill.storage.lineage import Entity, EntitySelection, LineageKind

# Among so many of the newest jobs the name of a step, or the beginning of a name, is looked up.
_LOOK_BACK = 2000
_VERSION = re.compile(r"(?P<group>[a-zA-Z0-9][a-zA-Z0-9-]*)/(?P<version>[0-9]{1,9})")
_JOBS = {"training-job": "TrainingJob", "processing-job": "ProcessingJob", "transform-job": "TransformJob"}


class Finder:
    """Finds entities.

    Args:
        lineage: Where they are.
        versions: Completes addresses.
    """

    def __init__(self, lineage: Lineage, versions: Versions) -> None:
        self._lineage = lineage
        self._store = lineage.store
        self._versions = versions

    def find(self, reference: str) -> Entity:
        """Return what a reference names; of several the newest.

        Raises:
            NotFoundError: If it names nothing; with what it may have meant.
        """
        ways: tuple[Callable[[str], Entity | None], ...] = (
            self._by_arn,
            self._by_group,
            self._by_version,
            self._by_place,
            self._by_name,
            self._by_component,
            self._by_content,
        )
        for way in ways:
            found = way(reference)
            if found is not None:
                return found
        raise NotFoundError(
            f"Lineage knows nothing of {reference[:200]!r}.", mend=suggestion(self._store, reference)
        )

    def _by_arn(self, text: str) -> Entity | None:
        if not text.startswith("arn:"):
            return None
        found = self._store.find(text)
        if found is not None:
            return found
        arn = SageMakerArn.read(text)
        if arn is not None and arn.kind in _JOBS:
            return self._component(component_name(arn.name, _JOBS[arn.kind]))
        return self._newest(LineageKind.ARTIFACT, text) or self._newest(LineageKind.CONTEXT, text)

    def _by_group(self, text: str) -> Entity | None:
        """Find a feature group that is named as in its ARN: a group of models may be called the same."""
        name = text.removeprefix(f"{GROUP_KIND}/")
        return self._context(f"{name}-aws-feature-group") if name != text else None

    def _by_version(self, text: str) -> Entity | None:
        """Find a version of a model package group; of a group's name alone, its newest version."""
        match = _VERSION.fullmatch(text)
        if match:
            arn = self._lineage.arns.model_package(match["group"], int(match["version"]))
            return self._newest(LineageKind.ARTIFACT, arn)
        context = self._context(f"{text}-aws-model-package-group")
        if context is None:
            return None
        links = self._store.links([context.id], upstream=True, limit=10_000)
        made = self._store.entities([link.source for link in links]).values()
        packages = [one for one in made if one.kind is LineageKind.ARTIFACT]
        return max(packages, key=lambda one: (one.created_at, one.id), default=context)

    def _by_place(self, text: str) -> Entity | None:
        path = self._versions.local_path(text)
        # A name is no path, unless there is such a file.
        if path is not None and not text.startswith(("file://", "/", ".")) and not path.exists():
            return self._newest(LineageKind.ARTIFACT, text)
        place = place_of(self._versions.address(text))
        found = self._store.at([place], limit=1)
        if found:
            return found[0]
        # Something in what a job took or gave; or all that lies below.
        slashes = [at for at, character in enumerate(place) if character == "/" and at > len("s3://")]
        around = self._store.at([place[:at] for at in slashes], limit=100)
        if around:
            return max(around, key=lambda one: (len(one.place), one.created_at))
        below = self._store.below(place, limit=1)
        return below[0] if below else None

    def _by_name(self, text: str) -> Entity | None:
        arns = self._lineage.arns
        for kind in ("action", CONTEXT.resource, COMPONENT.kind):
            if _is_name(text) and (found := self._store.find(arns.sagemaker(kind, text))):
                return found
        for member in _JOBS.values():
            if _is_name(text) and (found := self._component(component_name(text, member))):
                return found
        return self._context(f"{text}-aws-feature-group")

    def _by_component(self, text: str) -> Entity | None:
        """Find the newest job or version of a step, an execution by its id, the only job that begins so."""
        alike: list[Entity] = []
        for entity in self._newest_of(LineageKind.COMPONENT):
            if part(entity.body, "Properties").get("StepName") == text:
                return entity
            if entity.name.lower().startswith(text.lower()):
                alike.append(entity)
        for entity in self._newest_of(LineageKind.ARTIFACT, "ModelPackage"):
            if part(entity.body, "Properties").get("StepName") == text:
                return entity
        for entity in self._newest_of(LineageKind.CONTEXT):
            if entity.source_uri.endswith(f"/execution/{text}") or entity.name == text:
                return entity
        return alike[0] if len(alike) == 1 else None

    def _by_content(self, text: str) -> Entity | None:
        """Find what has the content of a file or folder of this machine, wherever it was put: the oldest."""
        path = self._versions.local_path(text)
        version = self._versions.look(text) if path is not None else None
        if version is None or not version.size_bytes:
            return None
        digest = self._versions.digest(text, version.stamp)
        return self._store.oldest_with([digest]).get(digest)

    def _component(self, name: str) -> Entity | None:
        return self._store.find(self._lineage.arns.sagemaker(COMPONENT.kind, name))

    def _context(self, name: str) -> Entity | None:
        return (
            self._store.find(self._lineage.arns.sagemaker(CONTEXT.resource, name)) if _is_name(name) else None
        )

    def _newest(self, kind: LineageKind, uri: str) -> Entity | None:
        found = self._store.page(EntitySelection(kind, source_uri=uri, limit=1))[0]
        return found[0] if found else None

    def _newest_of(self, kind: LineageKind, of_type: str = "") -> Iterator[Entity]:
        yield from self._store.page(EntitySelection(kind, type=of_type, limit=_LOOK_BACK))[0]


def _is_name(text: str) -> bool:
    return 0 < len(text) <= 256 and "/" not in text and not any(one.isspace() for one in text)
