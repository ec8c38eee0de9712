"""Doors for the jobs of a process that drives executions: on loopback, for their keys and the owner's alone.

The socket is bound when the first job is started, for the job is told its address. Whatever answers there is
loaded only when somebody calls: most jobs never do, and a pipeline of theirs is not to wait for a server.
Until then the kernel keeps the call waiting.
"""

from __future__ import annotations

import logging
import re
import select
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from stepmill.core.errors import StepmillError
from stepmill.platform import Platform
from stepmill.server.listening import Listening
from stepmill.storage.keys import DEFAULT_KEY
from stepmill.storage.server_file import running_server

if TYPE_CHECKING:
    from stepmill.server.wire_server import WireServer

_HOST = "127.0.0.1"
_OWN = re.compile(r"http://127\.0\.0\.1:([0-9]{1,5})")
_HIGHEST_PORT = 65_535
# A call that takes longer than this to end is cut off.
_CLOSING_S = 30.0

_log = logging.getLogger(__name__)


class PrivateDoors:
    """Whoever answers the jobs of a process. See ``platform.door.Addresses``. Safe to share between threads.

    Args:
        platform: Behind the doors.
        url: Address of the server that this process is; empty: it is none.
    """

    def __init__(self, platform: Platform, url: str = "") -> None:
        self._platform = platform
        self._url = url
        self._lock = threading.Lock()
        self._doors: dict[str, PrivateDoor] = {}
        self._is_closed = False

    def address(self, former: str) -> str:
        """See ``Addresses``."""
        with self._lock:
            if self._is_closed:
                return ""
            if former and (former == self._url or former in self._doors or self._again(former)):
                return former
            if not self._url:
                self._url = self._open(0)
            return self._url

    def close(self) -> None:
        """Answer nobody any more."""
        with self._lock:
            self._is_closed = True
            doors = list(self._doors.values())
            self._doors.clear()
        for door in doors:
            door.close()

    def _again(self, former: str) -> bool:
        """Answer where a job was told to look by a process that is gone; say whether somebody does."""
        match = _OWN.fullmatch(former)
        if match is None or not 0 < int(match[1]) <= _HIGHEST_PORT:
            return False
        with suppress(StepmillError):
            server = running_server(self._platform.layout.server)
            if server is not None and server.url == former:
                return True
            return bool(self._open(int(match[1])))
        return False

    def _open(self, port: int) -> str:
        door = PrivateDoor(self._platform, Listening(_HOST, port).open())
        self._doors[door.url] = door
        return door.url


class PrivateDoor:
    """One door. It is open from the beginning, and answers as soon as somebody calls.

    Args:
        platform: Behind it.
        listener: Where; it is closed at the end.
    """

    def __init__(self, platform: Platform, listener: socket.socket) -> None:
        self._platform = platform
        self._listener = listener
        self._port: int = listener.getsockname()[1]
        self.url = f"http://{_HOST}:{self._port}"
        self._wake, self._woken = socket.socketpair()
        self._lock = threading.Lock()
        self._server: WireServer | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name=f"job-door-{self._port}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more. What is held is answered first."""
        with self._lock:
            self._is_closed = True
            if self._server is not None:
                self._server.stop()
        self._wake.send(b"x")
        self._thread.join(_CLOSING_S)
        for end in (self._listener, self._wake, self._woken):
            end.close()

    def _run(self) -> None:
        waiting = select.poll()
        for end in (self._listener, self._woken):
            waiting.register(end, select.POLLIN)
        waiting.poll()
        if self._is_closed:
            return
        try:
            self._serve()
        except Exception:  # noqa: BLE001 - jobs hear that nobody answers; the pipeline goes on
            _log.exception("Jobs cannot call AWS's services here any more: a bug in Stepmill.")

    def _serve(self) -> None:
        # They take a third of a second to load, which only those should wait for who call.
        from stepmill.aws.hosts import Hosts
        from stepmill.server.doors import doors_of
        from stepmill.server.wire_server import WireServer

        doors = doors_of(self._platform, only=DEFAULT_KEY)
        hosts = Hosts(_HOST, self._port, ())
        app = doors.app(hosts)
        server = WireServer(app, self._listener)

        def ready() -> None:
            # Whoever closed meanwhile found nothing to stop.
            with self._lock:
                if self._is_closed:
                    server.stop()

        self._server = server
        try:
            server.run(ready)
        finally:
            app.close()
