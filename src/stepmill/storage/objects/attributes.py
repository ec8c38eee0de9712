"""What is said of objects beside their bytes, and on what condition they may be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stepmill.core.errors import ConflictError, NotFoundError


@dataclass(frozen=True)
class Attributes:
    """What is said of an object when it is put; it is told with the bytes.

    Args:
        content_type: ``text/csv``; may be empty.
        metadata: The user's own.
        headers: What else HTTP says of content, by name in lower case: ``cache-control``,
            ``content-disposition``, ``content-encoding``, ``content-language``, ``expires``.
        storage_class: As given; may be empty. It changes nothing here.
        tags: The user's own, too; they can be changed afterwards.
    """

    content_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    storage_class: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Condition:
    """What must hold at an address for a write to take place. Nothing, if nothing is given.

    Args:
        absent: No object may be there.
        present: An object must be there.
        etag: The object there must be the one with this ETag.
    """

    absent: bool = False
    present: bool = False
    etag: str = ""

    def check(self, where: str, found: str | None) -> None:
        """Hold it against the ETag of what is there; ``None``: nothing is.

        Raises:
            ConflictError: If something, or something else, is there.
            NotFoundError: If nothing is there, and something should be.
        """
        if self.absent and found is not None:
            raise ConflictError("There is an object already, and none was to be replaced.", where=where)
        if (self.present or self.etag) and found is None:
            raise NotFoundError("There is no object that could be replaced.", where=where)
        if self.etag and self.etag != found:
            raise ConflictError(
                "The object is not the one that was to be replaced: someone else changed it.",
                where=where,
                mend="Read it again.",
            )


ALWAYS = Condition()
