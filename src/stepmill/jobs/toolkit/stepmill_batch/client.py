"""Asks a model server: over connections that are kept, again where that may help, within a time limit.

Source: API reference, ModelClientConfig; developer guide, "How containers serve requests".
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .errors import JobError, ObjectError
from .requests import Request

_CHUNK_BYTES = 256 * 1024
_PING_SECONDS = 2.0
_PING_PERIOD_S = 0.02
_LONGEST_ANSWER_BYTES = 1024 * 1024 * 1024
_FIRST_WAIT_S = 0.1
# Between the end of a worker that breaks its connections and that of the whole server.
_LONGEST_END_S = 3.0


class Answer(NamedTuple):
    """What a model has answered.

    Args:
        body: Its bytes.
        content_type: As its header says; may be empty.
    """

    body: bytes
    content_type: str


class Client:
    """Asks the servers of a model: one, or several one after the other. Safe to use from several threads.

    Args:
        ports: Of the servers on this machine, in the order of the pipeline.
        content_type: Of the requests; may be empty.
        accept: What shall be answered; may be empty.
        timeout_s: For each answer.
        retries: So many times an invocation that failed is tried again.
        is_alive: Says whether the servers still run.
        headers: Of the requests, beside those of the formats; every server gets them.
    """

    def __init__(
        self,
        ports: tuple[int, ...],
        *,
        content_type: str,
        accept: str,
        timeout_s: float,
        retries: int,
        is_alive: Callable[[], bool],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._ports = ports
        self._content_type = content_type
        self._accept = accept
        self._timeout_s = timeout_s
        self._retries = retries
        self._is_alive = is_alive
        self._headers = dict(headers or {})
        self._connections = threading.local()

    def wait_until_ready(self, port: int, timeout_s: float) -> None:
        """Wait until a server answers ``/ping`` with 200.

        Raises:
            JobError: If it has ended, or the time is over.
        """
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if not self._is_alive():
                raise JobError("The model server has ended before it answered /ping.")
            if self._get(port, "/ping", _PING_SECONDS)[0] == http.client.OK:
                return
            time.sleep(_PING_PERIOD_S)
        raise JobError(f"The model server did not answer /ping within {timeout_s:.0f} seconds.")

    def execution_parameters(self, port: int) -> Mapping[str, Any]:
        """Return what a server says of how it wants to be asked; empty if it says nothing."""
        status, body = self._get(port, "/execution-parameters", _PING_SECONDS * 5)
        if status != http.client.OK:
            return {}
        try:
            found = json.loads(body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def invoke(self, request: Request) -> Answer:
        """Send a request through all servers.

        Raises:
            ObjectError: If one of them refuses it or does not answer in time.
            JobError: If one of them has ended.
        """
        answer = Answer(request.body, self._content_type)
        for place, port in enumerate(self._ports):
            is_last = place == len(self._ports) - 1
            headers = {**self._headers, "Accept": (self._accept if is_last else "") or "*/*"}
            if answer.content_type:
                headers["Content-Type"] = answer.content_type
            stream = request.stream if place == 0 else None
            answer = self._invoked(port, answer.body, headers, stream)
        return answer

    def close(self) -> None:
        """Close the connections of the calling thread."""
        for connection in self._connections.__dict__.values():
            connection.close()

    def _invoked(self, port: int, body: bytes, headers: Mapping[str, str], stream: Any) -> Answer:
        problem = ObjectError("")
        for attempt in range(self._retries + 1):
            if attempt:
                time.sleep(_FIRST_WAIT_S * 2 ** (attempt - 1))
            try:
                status, answer = self._asked(port, body, headers, stream)
            except socket.timeout:  # another class than TimeoutError before Python 3.10
                problem = ObjectError(
                    "Model server did not respond to /invocations request within "
                    f"{self._timeout_s:.0f} seconds",
                    is_ours=False,
                )
                continue
            except (OSError, http.client.HTTPException) as error:
                if self._has_ended():
                    raise JobError(f"The model server has ended while it was asked: {error}") from error
                problem = ObjectError(f"Unable to invoke the model server: {error}", is_ours=False)
                continue
            if status in (http.client.OK, http.client.NO_CONTENT):
                return answer
            said = answer.body[:4096].decode("utf-8", "replace").strip()
            if status < http.client.INTERNAL_SERVER_ERROR:
                raise ObjectError(f"{status}: {said}" if said else f"{status}")
            problem = ObjectError(f"Bad HTTP status received from algorithm: {status}: {said}", is_ours=False)
        raise problem

    def _has_ended(self) -> bool:
        """Return whether a server that broke a connection has ended. Its end is seen some time after that."""
        until = time.monotonic() + _LONGEST_END_S
        while self._is_alive():
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True

    def _asked(self, port: int, body: bytes, headers: Mapping[str, str], stream: Any) -> tuple[int, Answer]:
        connection, is_fresh = self._connection(port)
        try:
            self._send(connection, body, headers, stream)
            answer = connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            connection.close()
            if is_fresh:
                raise
            # A connection that was kept may have been closed meanwhile; that is nobody's failure.
            self._send(connection, body, headers, stream)
            answer = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        try:
            content = answer.read(_LONGEST_ANSWER_BYTES)
        except BaseException:
            connection.close()
            raise
        return answer.status, Answer(content, (answer.getheader("Content-Type") or "").strip())

    def _send(
        self, connection: http.client.HTTPConnection, body: bytes, headers: Mapping[str, str], stream: Any
    ) -> None:
        if stream is None:
            connection.request("POST", "/invocations", body, dict(headers))
            return
        with stream() as source:
            chunks = iter(lambda: source.read(_CHUNK_BYTES), b"")
            chunked = {**headers, "Transfer-Encoding": "chunked"}
            connection.request("POST", "/invocations", chunks, chunked, encode_chunked=True)

    def _connection(self, port: int) -> tuple[http.client.HTTPConnection, bool]:
        kept = self._connections.__dict__
        connection = kept.get(f"port_{port}")
        if connection is not None:
            return connection, connection.sock is None
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=self._timeout_s)
        kept[f"port_{port}"] = connection
        return connection, True

    def _get(self, port: int, path: str, timeout_s: float) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read(65_536)
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()
