"""Servers that tests kill, and jobs that wait until they are let go."""

from __future__ import annotations

import socket
import threading
from typing import Any, Self

import boto3
from botocore.config import Config

from support.cli import LIMIT_S, Cli, Running


class Gate:
    """Jobs knock here when they begin, and wait until they are let go. Use in ``with``."""

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=20)
        self.port = self._socket.getsockname()[1]
        self.knocked: list[socket.socket] = []
        self._is_closing = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closing = True
        # A blocked accept does not notice that its socket is closed.
        socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT_S).close()
        self._thread.join(LIMIT_S)
        self._socket.close()
        for connection in self.knocked:
            connection.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            if self._is_closing:
                connection.close()
                return
            self.knocked.append(connection)

    def open(self) -> None:
        for connection in self.knocked:
            connection.sendall(b"go")


class Served:
    """A home whose server is started and killed."""

    def __init__(self, cli: Cli) -> None:
        self.cli = cli
        self.server: Running | None = None

    def serve(self, service: str = "sagemaker") -> Any:
        """Start a server, and return a client of a service for it."""
        self.server = self.cli.start("serve", "--port", "0")
        self.server.until("ready")
        url = self.server.out.split()[1]
        with self.cli.platform() as platform:
            key = platform.keys.get("default")
        return boto3.client(
            service,
            endpoint_url=url,
            region_name="us-west-2",
            aws_access_key_id=key.id,
            aws_secret_access_key=key.secret,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def kill(self) -> None:
        assert self.server is not None
        self.server.kill()
