"""A place in a service model, with the traits of the member and of its shape; and plans made from them.

A plan is a function made of closures, one for each shape below an operation: what the model says is
looked up once, when an operation is first used, and not again for every request.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import RLock
from typing import Any, Generic, TypeVar

from stepmill.core.service_documents import RawShape, Reference, ServiceDocument, XmlNamespace

Plan = TypeVar("Plan", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Slot:
    """A shape in its place.

    Args:
        reference: How the place refers to the shape; its traits come first.
        shape: The shape.
    """

    reference: Reference
    shape: RawShape

    @property
    def kind(self) -> str:
        """The shape's type: ``structure``, ``list``, ``string`` and so on."""
        return self.shape.type

    @property
    def location_name(self) -> str:
        """Its name on the wire; empty if it is that of the member."""
        return self.reference.location_name or self.shape.location_name

    @property
    def timestamp_format(self) -> str:
        """``iso8601``, ``rfc822``, ``unixTimestamp``; empty for that of the protocol."""
        return self.reference.timestamp_format or self.shape.timestamp_format

    @property
    def flattened(self) -> bool:
        """Whether a list or map has no element around its entries."""
        return self.reference.flattened or self.shape.flattened

    @property
    def streaming(self) -> bool:
        """Whether the value is a body that may be too large for memory."""
        return self.reference.streaming or self.shape.streaming

    @property
    def xml_namespace(self) -> XmlNamespace | None:
        """The namespace of its element."""
        return namespace_of(self.reference.xml_namespace or self.shape.xml_namespace)


def namespace_of(given: XmlNamespace | str | None) -> XmlNamespace | None:
    """Return a namespace that a model gives as an object or as its URI alone."""
    return XmlNamespace(given) if isinstance(given, str) else given


def slot(document: ServiceDocument, reference: Reference) -> Slot:
    """Return the place that a reference describes."""
    return Slot(reference, document.shape(reference.shape))


class Plans(Generic[Plan]):
    """Plans by what they are made from, made when first asked for.

    A shape may hold itself: asked for a plan that is just being made, this gives one that looks it up
    when it is called.
    """

    def __init__(self, make: Callable[[Any], Plan], late: Callable[[Callable[[], Plan]], Plan]) -> None:
        self._make = make
        self._late = late
        self._made: dict[Hashable, Plan] = {}
        self._making: set[Hashable] = set()
        self._lock = RLock()

    def __call__(self, key: Hashable) -> Plan:
        """Return the plan for a key."""
        made = self._made.get(key)
        if made is not None:
            return made
        with self._lock:
            if key in self._made:
                return self._made[key]
            if key in self._making:
                return self._late(lambda: self._made[key])
            self._making.add(key)
            try:
                self._made[key] = self._make(key)
            finally:
                self._making.discard(key)
            return self._made[key]


def late_unary(find: Callable[[], Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """Return a function of one value that is looked up when it is called."""
    return lambda value: find()(value)
