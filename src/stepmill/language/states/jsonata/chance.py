"""Numbers by chance, from a seed: the linear congruential generator that ``java.util.Random`` is.

Source: Java's documentation of ``java.util.Random``, which defines the numbers exactly. ``$random(seed)``
gives them on AWS: ``$random(42)`` is 0.7275636800328681.
"""

from __future__ import annotations

_MULTIPLIER = 0x5DEECE66D
_MASK = (1 << 48) - 1


class Chance:
    """A generator of numbers that depend on the seed alone.

    Example:
        >>> Chance(42).double()
        0.7275636800328681
    """

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = (seed ^ _MULTIPLIER) & _MASK

    def bits(self, count: int) -> int:
        """Return a whole number of so many bits, at most 32."""
        self._state = (self._state * _MULTIPLIER + 0xB) & _MASK
        return self._state >> (48 - count)

    def double(self) -> float:
        """Return a number from 0 up to, but not including, 1."""
        return ((self.bits(26) << 27) + self.bits(27)) * 2.0**-53

    def below(self, bound: int) -> int:
        """Return a whole number from 0 up to, but not including, ``bound``."""
        return int(self.double() * bound)

    def uuid(self) -> str:
        """Return a UUID of version 4."""
        value = 0
        for _ in range(4):
            value = value << 32 | self.bits(32)
        value = value & ~(0xF << 76) | 4 << 76
        value = value & ~(0x3 << 62) | 2 << 62
        text = f"{value:032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
