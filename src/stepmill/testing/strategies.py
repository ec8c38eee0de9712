"""Hypothesis strategies for what clients may send."""

from __future__ import annotations

from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.storage.objects.uri import LONGEST_KEY_BYTES, check_bucket_name

# Pieces that have tripped stores which use keys as file names, or LIKE for prefixes.
_TRAPS = st.one_of(
    st.sampled_from("/ab%_\\*?['\" \n\x00\x7fA~-"),
    st.sampled_from(["//", "..", ".", "a/b", "ä", "é", "e\u0301", "con", "\u202e"]),
    # The ends of UTF-8's ranges: where "the next character" is not the next number.
    st.sampled_from("\ud7ff\ue000\uffff\U00010000\U0010ffff"),
)
_ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def object_keys() -> st.SearchStrategy[str]:
    """Return keys that S3 allows, the awkward ones often."""
    texts = st.lists(st.one_of(_TRAPS, _ANY_TEXT), min_size=1, max_size=8).map("".join)
    long = st.sampled_from(["k" * LONGEST_KEY_BYTES, "ä" * (LONGEST_KEY_BYTES // 2), "/" * LONGEST_KEY_BYTES])
    return st.one_of(texts, long).filter(lambda key: 1 <= len(key.encode()) <= LONGEST_KEY_BYTES)


def bucket_names() -> st.SearchStrategy[str]:
    """Return names that S3 allows for buckets."""
    return st.from_regex(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", fullmatch=True).filter(_is_bucket_name)


def _is_bucket_name(name: str) -> bool:
    try:
        check_bucket_name(name)
    except InvalidInputError:
        return False
    return True
