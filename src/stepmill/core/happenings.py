"""What services tell of themselves, for whoever hears of events. Defined here, since all below may tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from stepmill.core.json import JsonObject


@dataclass(frozen=True)
class Happening:
    """Something that happened.

    Args:
        source: Where: ``aws.batch``.
        kind: What: ``Batch Job State Change``.
        at: When. Aware.
        detail: What there is to know of it.
        resources: ARNs of what it is about.
    """

    source: str
    kind: str
    at: datetime
    detail: JsonObject
    resources: tuple[str, ...] = ()


# Tells of it. It must raise nothing: it has happened.
Emit: TypeAlias = Callable[[Happening], None]


def tell_nobody(_happening: Happening) -> None:
    """Tell nobody."""
