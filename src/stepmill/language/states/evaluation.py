"""What the fields of a JSONPath state are evaluated with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from stepmill.core.json import Json, write_json

RUNTIME = "States.Runtime"


class Chance(Protocol):
    """Where random values come from: from outside, for the language is pure."""

    def uuid(self) -> str:
        """Return a UUID of version 4."""

    def random(self) -> float:
        """Return a number that is at least 0 and below 1."""


class SeededChance:
    """Values that follow from a seed: the same seed gives the same sequence, another one another.

    Args:
        seed: Any text that comes in with the event.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._drawn = 0

    def _draw(self) -> bytes:
        self._drawn += 1
        return sha256(f"{self._drawn}:{self._seed}".encode("utf-8", "surrogatepass")).digest()

    def uuid(self) -> str:
        """See ``Chance``."""
        digits = self._draw().hex()
        variant = "89ab"[int(digits[16], 16) % 4]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"

    def random(self) -> float:
        """See ``Chance``."""
        return (int.from_bytes(self._draw()[:8]) >> 11) / (1 << 53)


class Scope(Protocol):
    """What paths and functions read. Each property is asked for only by what needs it."""

    @property
    def document(self) -> Json:
        """What ``$`` means."""

    @property
    def context(self) -> Json:
        """What ``$$`` means."""

    @property
    def variables(self) -> Mapping[str, Json]:
        """Variables by name, without ``$``."""

    @property
    def chance(self) -> Chance:
        """For ``States.UUID`` and ``States.MathRandom``."""

    @property
    def quoted_document(self) -> str:
        """The document as causes quote it: as it was written, else compactly."""


@dataclass(frozen=True, slots=True)
class FixedScope:
    """A scope of values that are there.

    Args:
        document: What ``$`` means.
        context: What ``$$`` means.
        variables: By name, without ``$``.
        chance: For what is drawn.
        text: The document as it was written; empty: compactly.
    """

    document: Json
    context: Json = field(default_factory=dict)
    variables: Mapping[str, Json] = field(default_factory=dict)
    chance: Chance = field(default_factory=lambda: SeededChance(""))
    text: str = ""

    @property
    def quoted_document(self) -> str:
        """See ``Scope``."""
        return self.text or write_json(self.document)
