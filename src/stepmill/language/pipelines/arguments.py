"""What the Arguments of a step look like, in terms of the shapes of AWS's service models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from stepmill.core.service_models import Shape


class ShapeSource(Protocol):
    """Shapes of one service; ``core.service_models.ServiceModel`` is one."""

    def shape(self, name: str) -> Shape:
        """Return the shape of that name; NotFoundError if there is none."""
        ...

    def request(self, operation: str) -> Shape:
        """Return the shape of an operation's request; NotFoundError if there is none."""
        ...

    def answer(self, operation: str) -> Shape:
        """Return the shape of an operation's answer; NotFoundError if there is none."""
        ...


class ServiceModels(Protocol):
    """Gives the shapes of a service by its name; ``core.service_models.service_model`` does."""

    def __call__(self, service: str, /) -> ShapeSource:
        """Return the shapes of a service; NotFoundError if there is none."""
        ...


@dataclass(frozen=True)
class Request:
    """The request of an operation, or a shape by name; ``optional`` members may be left out."""

    operation: str = ""
    service: str = "sagemaker"
    optional: frozenset[str] = frozenset()
    shape: str = ""


@dataclass(frozen=True)
class Fields:
    """An object with these members and no others."""

    members: Mapping[str, Arguments] = field(default_factory=dict)
    required: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListOf:
    """A list of these, at least ``minimum`` of them."""

    element: Arguments
    minimum: int = 0


@dataclass(frozen=True)
class Text:
    """A text or an expression; if ``choices`` are given, one of these."""

    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Anything:
    """An object that is the user's own, with expressions at any depth."""


@dataclass(frozen=True)
class Elsewhere:
    """A value that a reader of its own looks at."""


Arguments: TypeAlias = Request | Fields | ListOf | Text | Anything | Elsewhere
