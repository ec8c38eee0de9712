"""Everything that there is to topics, put together once."""

from __future__ import annotations

from collections.abc import Callable

from stepmill.catalog.queues import Queues
from stepmill.catalog.tags import Tags
from stepmill.catalog.topics import Topics
from stepmill.core.clock import Clock
from stepmill.core.endpoint import Endpoint
from stepmill.core.settings import Settings
from stepmill.jobs.deliveries import Deliveries
from stepmill.jobs.functions.services import FunctionServices
from stepmill.jobs.publishing.chat import ChatSender
from stepmill.jobs.publishing.http import HttpSender
from stepmill.jobs.publishing.publisher import CHAT, HTTP, Publisher
from stepmill.storage.records import RecordStore


class Publishing:
    """Topics, and whoever tells what is published on them.

    Args:
        records: Where all is kept. Its changes survive a power cut.
        queues: Take messages.
        functions: Take events.
        clock: Tells the time.
        settings: Tell region and account, and how e-mail is sent.
        endpoint: Where this installation answers; ``None``: nowhere now.
    """

    def __init__(
        self,
        records: RecordStore,
        queues: Queues,
        functions: Callable[[], FunctionServices],
        *,
        clock: Clock,
        settings: Settings,
        endpoint: Callable[[], Endpoint | None],
    ) -> None:
        self.topics = Topics(records, settings.arns, Tags(records))
        self.deliveries = Deliveries({HTTP: HttpSender(), CHAT: ChatSender()}, records, queues, clock)
        self.publisher = Publisher(
            self.topics,
            queues,
            functions,
            self.deliveries,
            records,
            clock=clock,
            endpoint=endpoint,
            mail=settings.email,
        )

    def close(self) -> None:
        """Begin nothing more; what is left is told by whoever opens the home next."""
        self.deliveries.close()
