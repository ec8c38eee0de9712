"""What somebody may have meant who wrote a name that there is not."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

# The time it takes to compare grows with the square of the length; nobody mistypes more.
_LONGEST = 128


def nearest(word: object, known: Iterable[str]) -> str | None:
    """Return the known word that is closest to this one, whatever its case; ``None`` if none is close.

    Args:
        word: As it was written. What is no text, or long, is close to nothing.
        known: The words that there are.

    Example:
        >>> nearest("preparedate", ["PrepareData", "Train"])
        'PrepareData'
    """
    if not isinstance(word, str) or len(word) > _LONGEST:
        return None
    by_folded = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), by_folded, n=1)
    return by_folded[found[0]] if found else None


def did_you_mean(word: object, known: Iterable[str], otherwise: str = "") -> str:
    """Return a sentence that names the nearest of the known words.

    Args:
        word: As it was written.
        known: The words that there are.
        otherwise: The sentence where none is close.

    Example:
        >>> did_you_mean("kmaens", ["kmeans", "pca"])
        "Did you mean 'kmeans'?"
    """
    near = nearest(word, known)
    return otherwise if near is None else f"Did you mean {near!r}?"
