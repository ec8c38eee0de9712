"""The proxy of one program: AWS's hosts are answered by Stepmill, all others are reached as before."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import threading
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit
from weakref import WeakSet

from stepmill.core.errors import ComputeError
from stepmill.server.exec.authority import Authority
from stepmill.server.exec.heads import Head, read_head

_LOOPBACK = "127.0.0.1"
_LONGEST_HEAD = 64 * 1024
_PIECE = 256 * 1024
_PATIENCE_S = 60.0
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_HTTPS_PORT = 443
_GOODBYE_S = 1.0
_TURNS = 5
_USER = "stepmill"


class Proxy:
    """Listens on loopback, on a thread of its own. Use in ``with``.

    Nobody but the program that was told the address can use it: a password is part of it.

    Args:
        server_url: Where Stepmill answers.
        authority: Signs for AWS's names.
        upstream: The proxy that the program would use otherwise; empty if none.
        trusted: File of the certificates that a server with TLS is held against; ``None``: the system's.
    """

    def __init__(
        self, server_url: str, authority: Authority, upstream: str = "", trusted: Path | None = None
    ) -> None:
        self._server = urlsplit(server_url)
        self._authority = authority
        self._upstream = urlsplit(upstream) if upstream else None
        self._trusted = trusted
        self._credential = f"{_USER}:{secrets.token_urlsafe(24)}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._listener: asyncio.Server | None = None
        # A connection with TLS takes its time to say goodbye; at the end nobody waits for that.
        self._writers: WeakSet[asyncio.StreamWriter] = WeakSet()

    def __enter__(self) -> Self:
        self._thread.start()
        starting = asyncio.start_server(self._serve, _LOOPBACK, 0, limit=_LONGEST_HEAD)
        self._listener = asyncio.run_coroutine_threadsafe(starting, self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """The address for ``HTTPS_PROXY``, with the password in it.

        Raises:
            ComputeError: If the proxy does not listen.
        """
        if self._listener is None:
            raise ComputeError("The proxy does not listen.")
        port = self._listener.sockets[0].getsockname()[1]
        return f"http://{self._credential}@{_LOOPBACK}:{port}"

    async def _close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        # A connection that was taken just now gets its task a turn later.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await asyncio.sleep(0)
        for writer in list(self._writers):
            writer.transport.abort()
        # They let go of their sockets on the loop's next turns.
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        # Whatever breaks on the way breaks this connection alone, and the program is told by that.
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
                await self._answer(reader, writer)
        except asyncio.CancelledError:
            pass  # the program has ended, and with it whatever was under way
        finally:
            await _part(writer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            async with asyncio.timeout(_PATIENCE_S):
                data = await reader.readuntil(b"\r\n\r\n")
            head = read_head(data)
            if head is None:
                await _refuse(writer, "400 Bad Request")
                return
            if head.is_by(self._credential):
                break
            # Some clients show what they have only when they are asked; on the same connection.
            await _refuse(writer, "407 Proxy Authentication Required")
            if not head.is_tunnel:
                return
        try:
            async with asyncio.timeout(_PATIENCE_S):
                there_reader, there_writer = await self._reach(head)
        except (OSError, TimeoutError) as error:
            await _refuse(writer, "502 Bad Gateway", f"{head.host}:{head.port}: {error}\n")
            return
        self._writers.add(there_writer)
        try:
            if head.is_tunnel:
                writer.write(_ESTABLISHED)
                await writer.drain()
                if self._is_ours(head):
                    await writer.start_tls(self._authority.context(head.host))
            else:
                there_writer.write(head.forwarded)
            await _join(reader, writer, there_reader, there_writer)
        finally:
            await _part(there_writer)

    def _is_ours(self, head: Head) -> bool:
        return head.is_for_aws and (not head.is_tunnel or head.port == _HTTPS_PORT)

    async def _reach(self, head: Head) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._is_ours(head):
            is_secure = self._server.scheme == "https"
            secure = ssl.create_default_context(cafile=self._trusted) if is_secure else None
            return await asyncio.open_connection(self._server.hostname, self._server.port, ssl=secure)
        if self._upstream is not None:
            return await _through(self._upstream, head)
        return await asyncio.open_connection(head.host, head.port)


async def _through(upstream: SplitResult, head: Head) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection to a host through a further proxy."""
    reader, writer = await asyncio.open_connection(upstream.hostname, upstream.port or 80)
    host = f"[{head.host}]" if ":" in head.host else head.host
    lines = [f"CONNECT {host}:{head.port} HTTP/1.1", f"Host: {host}:{head.port}"]
    if upstream.username is not None:
        credential = f"{unquote(upstream.username)}:{unquote(upstream.password or '')}"
        lines.append(f"Proxy-Authorization: Basic {b64encode(credential.encode()).decode()}")
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in answer.split(b"\r\n", 1)[0] + b" ":
            raise ConnectionError(f"the proxy {upstream.hostname} refused")
    except BaseException:
        writer.close()
        raise
    return reader, writer


async def _part(writer: asyncio.StreamWriter) -> None:
    """Close a connection: what was written is sent, but nobody waits long for the other side's goodbye."""
    writer.close()
    try:
        async with asyncio.timeout(_GOODBYE_S):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        pass  # it is gone, or does not answer
    finally:
        writer.transport.abort()


async def _refuse(writer: asyncio.StreamWriter, status: str, text: str = "") -> None:
    body = text.encode()
    writer.write(
        f'HTTP/1.1 {status}\r\nProxy-Authenticate: Basic realm="stepmill exec"\r\n'
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    await writer.drain()


async def _join(
    one: asyncio.StreamReader,
    one_writer: asyncio.StreamWriter,
    other: asyncio.StreamReader,
    other_writer: asyncio.StreamWriter,
) -> None:
    """Hand bytes on in both directions until both sides have said all."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_copy(one, other_writer))
        group.create_task(_copy(other, one_writer))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError, ssl.SSLError):
        while data := await source.read(_PIECE):
            target.write(data)
            await target.drain()
    with suppress(OSError, ssl.SSLError, NotImplementedError):
        if target.can_write_eof():
            target.write_eof()
        else:
            target.close()  # TLS knows no half-closed connection
