"""Java's random numbers: what ``States.MathRandom`` gives for a seed.

Source: ``java.util.Random``, whose algorithm its documentation prescribes.
"""

from __future__ import annotations

_MULTIPLIER = 0x5DEECE66D
_MASK = (1 << 48) - 1


class JavaRandom:
    """A linear congruential generator of 48 bits.

    Args:
        seed: Any integer of 64 bits.
    """

    def __init__(self, seed: int) -> None:
        self._state = (seed ^ _MULTIPLIER) & _MASK

    def _next(self, bits: int) -> int:
        self._state = (self._state * _MULTIPLIER + 0xB) & _MASK
        return self._state >> (48 - bits)

    def integer(self, bound: int) -> int:
        """Return an integer from 0 on, less than the bound.

        Example:
            >>> JavaRandom(42).integer(10)
            0
            >>> JavaRandom(1).integer(100)
            85
        """
        bound = min(bound, 2**31 - 1)
        if bound & (bound - 1) == 0:
            return (bound * self._next(31)) >> 31
        while True:
            drawn = self._next(31)
            remainder = drawn % bound
            if drawn - remainder + bound - 1 < 2**31:
                return remainder
