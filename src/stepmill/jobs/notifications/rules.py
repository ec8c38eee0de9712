"""Which changes of a bucket's objects are told to whom. Pure.

Source: S3 user guide, "Configuring event notifications using object key name filtering".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stepmill.core.errors import InvalidInputError


@dataclass(frozen=True)
class NotificationRule:
    """Which changes of a bucket's objects are told to whom.

    Args:
        id: Its name, which is told in the event.
        target: ARN of a function, a version or an alias of one, a queue, or a topic.
        events: ``s3:ObjectCreated:*``, ``s3:ObjectRemoved:Delete``.
        prefix: Only objects whose keys begin so.
        suffix: Only objects whose keys end so.
    """

    id: str
    target: str
    events: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""

    @property
    def queue(self) -> str:
        """Name of the queue that is told; empty where somebody else is."""
        return self._name_of("sqs")

    @property
    def topic(self) -> str:
        """Name of the topic on which it is published; empty where somebody else is told."""
        return self._name_of("sns")

    def _name_of(self, service: str) -> str:
        parts = self.target.split(":")
        return parts[5] if len(parts) == 6 and parts[2] == service else ""

    def fits(self, event: str, key: str) -> bool:
        """Say whether an event, ``ObjectCreated:Put``, of an object is told.

        Example:
            >>> rule = NotificationRule("r", "arn", ("s3:ObjectCreated:*",), "in/", ".csv")
            >>> rule.fits("ObjectCreated:Put", "in/a.csv"), rule.fits("ObjectRemoved:Delete", "in/a.csv")
            (True, False)
        """
        family = event.partition(":")[0]
        is_wanted = f"s3:{event}" in self.events or f"s3:{family}:*" in self.events
        return is_wanted and key.startswith(self.prefix) and key.endswith(self.suffix)

    def overlaps(self, other: NotificationRule) -> bool:
        """Say whether there is an event of some object that both would tell."""
        shares_event = any(_share(one, another) for one in self.events for another in other.events)
        shares_prefix = self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix)
        shares_suffix = self.suffix.endswith(other.suffix) or other.suffix.endswith(self.suffix)
        return shares_event and shares_prefix and shares_suffix


def check_apart(rules: Sequence[NotificationRule]) -> None:
    """Check that no event would be told twice.

    Raises:
        InvalidInputError: If it would, or if two rules are called the same.
    """
    for index, rule in enumerate(rules):
        for other in rules[:index]:
            if rule.id == other.id:
                raise InvalidInputError(f"Two rules are called {rule.id!r}.", mend="Name each differently.")
            if rule.overlaps(other):
                raise InvalidInputError(
                    "Configurations overlap. Configurations on the same bucket cannot share a common event "
                    f"type: {other.id!r} and {rule.id!r} do.",
                    mend="Tell them apart by events, prefix or suffix.",
                )


def _share(one: str, another: str) -> bool:
    """Say whether two patterns of events have an event in common."""
    if one == another:
        return True
    family_one, _, name_one = one.rpartition(":")
    family_another, _, name_another = another.rpartition(":")
    return family_one == family_another and "*" in (name_one, name_another)
