"""The wildcards of policies, matched in time that grows with the lengths of pattern and text, never faster.

A policy may come from anybody, and may be written to keep a matcher busy: ``*a*a*a*b``. So nothing is ever
given back: each part between two stars is looked for from where the last one ended, as early as it can be.

Source: IAM user guide, "IAM JSON policy elements: Resource": ``*`` any characters, ``?`` any one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias


class _Wild:
    """A wildcard, so that it is never mistaken for a text that looks like one."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


ANY_TEXT: Final = _Wild("*")
ANY_CHARACTER: Final = _Wild("?")
# Texts that stand for themselves, and wildcards.
Token: TypeAlias = str | _Wild


@dataclass(frozen=True)
class _Piece:
    """What stands between two stars: ``None`` is any one character."""

    characters: tuple[str | None, ...]

    @cached_property
    def _text(self) -> str | None:
        return None if None in self.characters else "".join(str(c) for c in self.characters)

    @cached_property
    def _masks(self) -> tuple[dict[str, int], int]:
        """For each character, the places that it may stand at; and those of any character."""
        wild = sum(1 << place for place, character in enumerate(self.characters) if character is None)
        masks: dict[str, int] = {}
        for place, character in enumerate(self.characters):
            if character is not None:
                masks[character] = masks.get(character, wild) | 1 << place
        return masks, wild

    def __len__(self) -> int:
        return len(self.characters)

    def stands_at(self, text: str, start: int) -> bool:
        """Return whether it stands in a text from there on."""
        if self._text is not None:
            return text.startswith(self._text, start)
        part = text[start : start + len(self)]
        return len(part) == len(self) and all(
            own is None or own == other for own, other in zip(self.characters, part, strict=True)
        )

    def find(self, text: str, start: int, end: int) -> int:
        """Return where it first stands between two places; -1 if it does not."""
        if end - start < len(self):
            return -1
        if self._text is not None:
            return text.find(self._text, start, end)
        # All places at once: bit n of the state says that the last n + 1 characters fit the first of ours.
        masks, wild = self._masks
        state, found = 0, 1 << (len(self) - 1)
        for place in range(start, end):
            state = (state << 1 | 1) & masks.get(text[place], wild)
            if state & found:
                return place + 1 - len(self)
        return -1


@dataclass(frozen=True)
class Pattern:
    """A pattern, ready to be matched against whole texts.

    Args:
        pieces: Those between the stars; one alone: there is no star.
    """

    pieces: tuple[_Piece, ...]

    @classmethod
    def of(cls, tokens: Sequence[Token]) -> Pattern:
        """Return the pattern of texts and wildcards."""
        pieces: list[list[str | None]] = [[]]
        for token in tokens:
            if token is ANY_TEXT:
                pieces.append([])
            elif token is ANY_CHARACTER:
                pieces[-1].append(None)
            else:
                pieces[-1].extend(str(token))
        inner = [piece for piece in pieces[1:-1] if piece]
        ends = [pieces[0], *inner, pieces[-1]] if len(pieces) > 1 else pieces
        return cls(tuple(_Piece(tuple(piece)) for piece in ends))

    @classmethod
    def read(cls, text: str) -> Pattern:
        """Return the pattern that a text is.

        Example:
            >>> Pattern.read("s3:Get*").matches("s3:GetObject"), Pattern.read("s3:Get?").matches("s3:GetAll")
            (True, False)
        """
        return cls.of(tokens_of(text))

    @classmethod
    def beginning(cls, text: str) -> Pattern:
        """Return the pattern of all that begins so; no character of the text is a wildcard.

        Example:
            >>> Pattern.beginning("a*b").matches("a*bc"), Pattern.beginning("a*b").matches("axbc")
            (True, False)
        """
        return cls.of((text, ANY_TEXT))

    @classmethod
    def exactly(cls, text: str) -> Pattern:
        """Return the pattern of a text alone; none of its characters is a wildcard."""
        return cls.of((text,))

    def matches(self, text: str) -> bool:
        """Return whether a text matches as a whole."""
        first, *rest = self.pieces
        if not rest:
            return len(text) == len(first) and first.stands_at(text, 0)
        *inner, last = rest
        place, end = len(first), len(text) - len(last)
        if end < place or not first.stands_at(text, 0) or not last.stands_at(text, end):
            return False
        for piece in inner:
            found = piece.find(text, place, end)
            if found < 0:
                return False
            place = found + len(piece)
        return True


def tokens_of(text: str) -> list[Token]:
    """Return a text's parts, its wildcards told apart."""
    tokens: list[Token] = []
    plain: list[str] = []
    for character in text:
        wild = {"*": ANY_TEXT, "?": ANY_CHARACTER}.get(character)
        if wild is None:
            plain.append(character)
            continue
        if plain:
            tokens.append("".join(plain))
            plain = []
        tokens.append(wild)
    return [*tokens, "".join(plain)] if plain else tokens
