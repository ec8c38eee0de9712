"""What fields of a state are evaluated with, and how an evaluation fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from stepmill.core.json import Json, write_json

RUNTIME = "States.Runtime"


class EvaluationError(Exception):
    """A path, intrinsic function or template cannot be evaluated.

    Args:
        error: Name of the error, as the service names it.
        cause: What it says, without the words in front that name the state.
    """

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


class Chance(Protocol):
    """Where random values come from: from outside, for the language is pure."""

    def uuid(self) -> str:
        """Return a UUID of version 4."""

    def integer(self, bound: int) -> int:
        """Return an integer from 0 on, less than the bound."""


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

    def integer(self, bound: int) -> int:
        """See ``Chance``."""
        return int.from_bytes(self._draw()) % bound


@dataclass(frozen=True, slots=True)
class Scope:
    """What paths read.

    Args:
        input: What ``$`` means.
        context: What ``$$`` means.
        variables: By name, without ``$``.
        chance: For ``States.UUID`` and ``States.MathRandom``.
        input_text: The input as it was written, for causes that quote it; empty: it is written compactly.
    """

    input: Json
    context: Json = field(default_factory=dict)
    variables: Mapping[str, Json] = field(default_factory=dict)
    chance: Chance = field(default_factory=lambda: SeededChance(""))
    input_text: str = ""

    @property
    def quoted_input(self) -> str:
        """The input as causes quote it."""
        return self.input_text or write_json(self.input)
