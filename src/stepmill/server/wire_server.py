"""Runs the AWS wire's application on a socket, and ends without cutting anybody short."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import uvicorn
import uvloop

from stepmill.aws.app import App
from stepmill.core.errors import InvalidInputError
from stepmill.server.connections import Connection
from stepmill.server.listening import Tls

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_GRACE = timedelta(seconds=20)
# Longer than the pools of usual clients keep a connection, so that it is seldom closed just as one is used.
_KEEP_ALIVE_S = 75
_MOST_CONNECTIONS = 900
# Files that are sent are read by these.
_FILE_THREADS = 16


class _Uvicorn(uvicorn.Server):
    """uvicorn's server, with signals left to us."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none: uvicorn raises them again at its end, and the exit code would tell of a death."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()


class WireServer:
    """Answers on a socket until it is told to end.

    Args:
        app: What answers.
        listener: The socket, which is closed at the end.
        tls: What the server proves itself with; ``None``: plain HTTP.

    Raises:
        InvalidInputError: If the certificate or its key cannot be used.
    """

    def __init__(self, app: App, listener: socket.socket, tls: Tls | None = None) -> None:
        self._app = app
        self._listener = listener
        self._config = uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_config=None,
            log_level="error",
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=int(_GRACE.total_seconds()),
            limit_concurrency=_MOST_CONNECTIONS,
            ssl_certfile=tls.certificate if tls else None,
            ssl_keyfile=tls.key if tls else None,
        )
        try:
            self._config.load()
        except (OSError, ssl.SSLError) as error:
            raise InvalidInputError(
                f"The certificate or its key cannot be used: {error}.",
                where="--tls-cert, --tls-key",
                mend="Both are PEM files; the key belongs to the first certificate.",
            ) from error
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: _Uvicorn | None = None

    def run(self, on_ready: Callable[[], None], *, takes_signals: bool = False) -> None:
        """Answer until ``stop`` is called, or SIGTERM or SIGINT comes.

        Args:
            on_ready: Called as soon as the server answers, on its thread.
            takes_signals: Whether to end at signals. This must be the main thread then; a second signal
                ends the process at once.
        """
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve(on_ready, takes_signals=takes_signals))

    def stop(self) -> None:
        """Have ``run`` return: nothing more is accepted, what is held is answered, what runs is finished."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end)

    async def _serve(self, on_ready: Callable[[], None], *, takes_signals: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_default_executor(ThreadPoolExecutor(_FILE_THREADS, "aws-file"))
        if takes_signals:
            for number in _SIGNALS:
                self._loop.add_signal_handler(number, self._end_by_signal)
        self._server = _Uvicorn(self._config, on_ready)
        await self._server.serve([self._listener])
        self._loop = None

    def _end(self) -> None:
        self._app.drain()
        if self._server is not None:
            self._server.should_exit = True

    def _end_by_signal(self) -> None:
        assert self._loop is not None
        for number in _SIGNALS:
            self._loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        self._end()
