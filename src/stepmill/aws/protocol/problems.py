"""What can be wrong with a request: it cannot be read at all, or it breaks what the model demands."""

from __future__ import annotations

from dataclasses import dataclass


class Unreadable(Exception):  # noqa: N818 - an answer to the caller, told with the service's own code
    """A value is not of the kind that its shape has. The place is put together while the stack unwinds.

    Args:
        text: What is wrong, as AWS says it.
        place: Where: member names and positions, the innermost first.
    """

    def __init__(self, text: str, place: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.text = text
        self.place = place

    def below(self, name: str) -> Unreadable:
        """Return the same, told from one level further out."""
        return Unreadable(self.text, (*self.place, name))

    def __str__(self) -> str:
        return f"{self.text} (at {'.'.join(reversed(self.place))})" if self.place else self.text


@dataclass(frozen=True, slots=True)
class Problem:
    """A constraint that a readable value breaks.

    Args:
        value: The value as AWS shows it: ``'x'``, ``null``; empty where it is not to be shown.
        constraint: ``Member must not be null``.
        place: Where, as AWS spells it: ``inputDataConfig.1.member.channelName``.
    """

    value: str
    constraint: str
    place: str = ""

    def below(self, name: str) -> Problem:
        """Return the same, told from one level further out."""
        return Problem(self.value, self.constraint, f"{name}.{self.place}" if self.place else name)

    def __str__(self) -> str:
        shown = f" {self.value}" if self.value else ""
        return f"Value{shown} at '{self.place}' failed to satisfy constraint: {self.constraint}"
