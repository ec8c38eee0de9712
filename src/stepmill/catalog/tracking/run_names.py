"""Names for runs that were given none."""

from __future__ import annotations

import secrets

_MOODS = (
    "able", "brave", "bright", "calm", "clear", "clever", "eager", "early", "fair", "fast", "fine", "firm",
    "free", "fresh", "glad", "grand", "great", "happy", "keen", "kind", "light", "lively", "lucky", "merry",
    "mild", "neat", "nice", "polite", "prime", "proud", "quick", "quiet", "rapid", "ready", "sharp", "smart",
    "smooth", "solid", "steady", "still", "strong", "sunny", "sure", "swift", "tidy", "true", "warm", "wise",
)  # fmt: skip
_ANIMALS = (
    "ant", "badger", "bat", "bear", "bee", "bison", "crab", "crane", "crow", "deer", "dove", "duck", "eagle",
    "falcon", "finch", "fox", "frog", "goat", "goose", "hare", "hawk", "heron", "horse", "ibis", "jay",
    "lark", "lion", "lynx", "mole", "moose", "moth", "newt", "otter", "owl", "panda", "puma", "quail",
    "robin", "seal", "shrew", "sloth", "snail", "stork", "swan", "tiger", "toad", "trout", "wolf", "wren",
)  # fmt: skip


def made_up_name() -> str:
    """Return a name that can be remembered: ``swift-otter-417``."""
    number = secrets.randbelow(1000)
    return f"{secrets.choice(_MOODS)}-{secrets.choice(_ANIMALS)}-{number}"
