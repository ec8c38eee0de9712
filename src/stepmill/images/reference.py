"""Image references: ``[registry/]repository[:tag][@digest]``, taken apart and never pulled.

Source: the distribution project's reference grammar; SageMaker's registries are
``<account>.dkr.ecr.<region>.amazonaws.com``, so that account, region and host say nothing about
what is inside an image.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stepmill.core.errors import InvalidInputError

# CreateTrainingJob, CreateProcessingJob: an image is named in at most 255 characters.
LONGEST_URI = 255

# Namespaces under which registries keep copies of the images that AWS and Docker publish.
_MIRRORS = ("docker/library/", "library/", "deep-learning-containers/")

_COMPONENT = r"[a-zA-Z0-9]+(?:[._-]+[a-zA-Z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<path>(?:[a-zA-Z0-9][a-zA-Z0-9.-]*(?::[0-9]+)?/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>[a-z0-9]+:[0-9a-fA-F]{32,}))?"
)


@dataclass(frozen=True)
class ImageReference:
    """An image's name in its parts.

    Args:
        uri: As it was given.
        registry: Host, with its port; empty if the name has none.
        repository: What follows the registry: ``sagemaker-scikit-learn``, ``team/trainer``.
        tag: May be empty.
        digest: ``sha256:...``; may be empty.

    Example:
        >>> image = ImageReference.parse("1234.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.7-1")
        >>> image.repository, image.tag
        ('sagemaker-xgboost', '1.7-1')
    """

    uri: str
    registry: str
    repository: str
    tag: str
    digest: str

    @classmethod
    def parse(cls, uri: str) -> ImageReference:
        """Take a reference apart.

        Raises:
            InvalidInputError: If it is none, or longer than 255 characters.
        """
        match = _REFERENCE.fullmatch(uri) if len(uri) <= LONGEST_URI else None
        if match is None:
            raise InvalidInputError(
                f"{uri[:80]!r} does not name an image.",
                mend="An image is named [registry/]repository[:tag], in at most 255 characters.",
            )
        registry, repository = _split_registry(match["path"])
        return cls(uri, registry, repository, match["tag"] or "", match["digest"] or "")

    @property
    def published_name(self) -> str:
        """The repository without the namespace that a mirror puts before it: ``python``."""
        for mirror in _MIRRORS:
            if self.repository.startswith(mirror):
                return self.repository.removeprefix(mirror)
        return self.repository

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which a user may have set it, the most exact first."""
        located = f"{self.registry}/{self.repository}" if self.registry else self.repository
        tagged = (f"{located}:{self.tag}", f"{self.repository}:{self.tag}") if self.tag else ()
        return (self.uri, *tagged, located, self.repository)


def _split_registry(path: str) -> tuple[str, str]:
    """Split off the first component if it can only be a host: it has a dot, a port, or is localhost."""
    first, slash, rest = path.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first, rest
    return "", path
