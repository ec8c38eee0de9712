"""One process for the terminal, the wire and the engine: what it opens, in which order, and how it ends."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Self

from stepmill.aws.hosts import Hosts
from stepmill.aws.inside import services_inside
from stepmill.core.endpoint import Endpoint
from stepmill.core.errors import StepmillError
from stepmill.platform import Platform
from stepmill.server.doors import Doors
from stepmill.server.listening import Listening
from stepmill.server.private_doors import PrivateDoors
from stepmill.server.wire_server import WireServer
from stepmill.storage.keys import DEFAULT_KEY, LINKS_KEY
from stepmill.storage.server_file import RunningServer, ServerFile

_log = logging.getLogger(__name__)


class Serving:
    """The server of a home. Use in ``with``: made, it has the home; ``run`` answers; the end gives all back.

    Args:
        platform: Of the home, made to serve. Whoever made it closes it, after this.
        listening: Where to.

    Raises:
        InvalidInputError: If that is no place to listen, or would speak in the clear beyond this machine.
        ConflictError: If the port is taken, or another server has the home.
        StorageError: If the home cannot be written.
    """

    def __init__(self, platform: Platform, listening: Listening) -> None:
        listening.check()
        self._platform = platform
        self._listening = listening
        self._file = ServerFile.acquire(platform.layout.server)
        try:
            self._listener = listening.open()
        except BaseException:
            self._file.release()
            raise
        self.port: int = self._listener.getsockname()[1]
        self.url = listening.url(self.port)
        platform.endpoint = Endpoint(self.url, platform.settings.region, platform.keys.ensure(LINKS_KEY))
        # Jobs that an earlier process has begun may look elsewhere.
        self._doors = PrivateDoors(platform, self.url)
        platform.addresses = self._doors
        self._server: WireServer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._doors.close()
        self._listener.close()
        self._file.release()

    def run(self, doors: Doors, on_ready: Callable[[], None], *, takes_signals: bool = False) -> bool:
        """Answer until ``stop`` is called or a signal comes; executions that nobody drives are resumed.

        Args:
            doors: What is behind the address.
            on_ready: Called as soon as the server answers.
            takes_signals: Whether SIGTERM and SIGINT end it.

        Returns:
            Whether all calls have ended; if not, some are still running on their threads.

        Raises:
            InvalidInputError: If the certificate or its key cannot be used.
        """
        platform = self._platform
        platform.make_api_calls = lambda: services_inside(platform, doors.services)
        hosts = Hosts(self._listening.host, self.port, self._listening.names)
        app = doors.app(hosts)
        self._server = WireServer(app, self._listener, self._listening.tls)
        engine, project = platform.own_engine.id, str(platform.settings.project)
        # Made at the first start, so that nobody has to.
        platform.keys.ensure(DEFAULT_KEY)
        server = RunningServer(self.url, os.getpid(), engine, project)
        resuming = threading.Thread(target=self._resume, name="resume", daemon=True)

        def answers() -> None:
            self._file.announce(server)
            # Beside: a home may hold many, and nobody has to wait for them to be asked something.
            resuming.start()
            on_ready()

        try:
            self._server.run(answers, takes_signals=takes_signals)
        finally:
            self._file.withdraw()
            has_ended = app.close()
        if resuming.ident is not None:
            resuming.join()
        return has_ended

    def stop(self) -> None:
        """Have ``run`` return. Called from another thread."""
        if self._server is not None:
            self._server.stop()

    def _resume(self) -> None:
        try:
            executions = self._platform.engine.resume()
            jobs = self._platform.direct_jobs.resume() + self._platform.batch.scheduler.resume()
            events = self._platform.function_services.events.resume()
            events += self._platform.publishing.deliveries.resume() + self._platform.events.resume()
            self._platform.features.flushing.resume()
            self._platform.sql.resume()
        except StepmillError as error:
            _log.warning("What an earlier server left cannot be resumed: %s", error)
            return
        if executions or jobs or events:
            _log.info("Resumed %d executions, %d jobs and %d deliveries.", len(executions), jobs, events)
