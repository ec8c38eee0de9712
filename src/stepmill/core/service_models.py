"""What AWS's requests and answers look like: the shapes of its service models, without how they travel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from stepmill.core.errors import NotFoundError
from stepmill.core.service_documents import RawShape, Reference, ServiceDocument, service_document


@dataclass(frozen=True)
class Shape:
    """One shape of a service model.

    Args:
        name: Its name in the model (``TrainingJobName``).
        kind: ``structure``, ``list``, ``map``, ``string``, ``integer``, ``long``, ``float``,
            ``double``, ``boolean``, ``timestamp`` or ``blob``.
        members: Of a structure: member name -> name of its shape.
        required: Of a structure: the members that must be there.
        element: Of a list: name of its elements' shape; of a map: of its values'.
        key: Of a map: name of its keys' shape.
        enum: Of a string: the allowed values; empty if any.
        pattern: Of a string: a regular expression (Java's dialect); may be empty.
        minimum: Least value, length or number of elements.
        maximum: Greatest of the same.
    """

    name: str
    kind: str
    members: dict[str, str]
    required: tuple[str, ...] = ()
    element: str = ""
    key: str = ""
    enum: tuple[str, ...] = ()
    pattern: str = ""
    minimum: float | None = None
    maximum: float | None = None


class ServiceModel:
    """The shapes and operations of one service."""

    def __init__(self, document: ServiceDocument) -> None:
        self._document = document
        self._shapes: dict[str, Shape] = {}

    def shape(self, name: str) -> Shape:
        """Return the shape of that name.

        Raises:
            NotFoundError: If the model has none.
        """
        if name not in self._shapes:
            self._shapes[name] = _shape(name, self._document.shape(name))
        return self._shapes[name]

    def request(self, operation: str) -> Shape:
        """Return the shape of an operation's request."""
        known = self._document.operations.get(operation)
        return self._of_operation(operation, "input", known.input if known else None)

    def answer(self, operation: str) -> Shape:
        """Return the shape of an operation's answer."""
        known = self._document.operations.get(operation)
        return self._of_operation(operation, "output", known.output if known else None)

    def _of_operation(self, operation: str, side: str, reference: Reference | None) -> Shape:
        if reference is None:
            raise NotFoundError(f"The service model has no operation {operation!r} with {side}.")
        return self.shape(reference.shape)


def _shape(name: str, raw: RawShape) -> Shape:
    element = raw.member or raw.value
    return Shape(
        name=name,
        kind=raw.type,
        members={member: target.shape for member, target in raw.members.items()},
        required=raw.required,
        element=element.shape if element else "",
        key=raw.key.shape if raw.key else "",
        enum=raw.enum,
        pattern=raw.pattern,
        minimum=raw.min,
        maximum=raw.max,
    )


@cache
def service_model(service: str) -> ServiceModel:
    """Load the newest model of a service: ``sagemaker``, ``lambda``.

    Raises:
        NotFoundError: If botocore ships no such service.
    """
    return ServiceModel(service_document(service))
