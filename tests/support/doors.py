"""Where jobs find AWS's services, for tests without any."""

from __future__ import annotations

from dataclasses import dataclass, field

from stepmill.core.endpoint import AccessKey, Endpoint
from stepmill.jobs.access import Visitor

ENDPOINT = Endpoint("http://127.0.0.1:7070", "us-west-2", AccessKey("ASIAX", "secret", "R/job", "a-token"))


@dataclass
class FakeDoor:
    """Gives everybody the same key, and remembers who came."""

    is_there: bool = True
    notes: tuple[str, ...] = ()
    came: list[Visitor] = field(default_factory=list)

    def endpoint(self, visitor: Visitor) -> tuple[Endpoint | None, tuple[str, ...]]:
        self.came.append(visitor)
        return (ENDPOINT if self.is_there else None), self.notes
