"""The first lines of what a proxy is sent. Pure.

Source: RFC 9110, sections 9.3.6 (CONNECT) and 7.6.1 (Connection); RFC 9112, section 3.2.2 (absolute form).
"""

from __future__ import annotations

import hmac
import re
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass
from urllib.parse import urlsplit

_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>\d{1,5})")
_HTTP_PORT, _LAST_PORT = 80, 65535
# Those that concern this connection alone.
_HOP_BY_HOP = ("proxy-authorization", "proxy-connection", "connection", "keep-alive")


@dataclass(frozen=True, slots=True)
class Head:
    """What a client asks a proxy for.

    Args:
        method: ``CONNECT`` for a tunnel; any other stands for a plain request that is to be handed on.
        host: Where to.
        port: Where to.
        forwarded: Of a plain request: its head as the host is to get it.
        credential: What the client proves itself with: ``user:password``; empty if it does not.
    """

    method: str
    host: str
    port: int
    forwarded: bytes = b""
    credential: str = ""

    @property
    def is_tunnel(self) -> bool:
        """Whether bytes are to be handed on unread."""
        return self.method == "CONNECT"

    @property
    def is_for_aws(self) -> bool:
        """Whether the host is one of AWS's."""
        return self.host.lower().rstrip(".").endswith(_AWS)

    def is_by(self, credential: str) -> bool:
        """Return whether the client has proved itself so."""
        return hmac.compare_digest(self.credential.encode(), credential.encode())


def read_head(data: bytes) -> Head | None:
    """Return what the first lines ask for; ``None`` if that cannot be read.

    Args:
        data: Up to and with the empty line.
    """
    lines = data.decode("latin-1").split("\r\n")
    first = lines[0].split(" ")
    if len(first) != len(("method", "target", "version")) or not first[2].startswith("HTTP/1."):
        return None
    headers = [line.partition(":") for line in lines[1:] if line]
    credential = next((_credential(v) for n, _, v in headers if n.lower() == "proxy-authorization"), "")
    method, target, version = first
    if method == "CONNECT":
        match = _AUTHORITY.fullmatch(target)
        if match is None or not 0 < int(match["port"]) <= _LAST_PORT:
            return None
        return Head(method, match["host"].strip("[]"), int(match["port"]), credential=credential)
    try:
        url = urlsplit(target)
        port = url.port or _HTTP_PORT
    except ValueError:
        return None
    if url.scheme != "http" or not url.hostname:
        return None
    kept = [f"{n}:{v}" for n, _, v in headers if n.lower() not in _HOP_BY_HOP]
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    # One request a connection: what follows on it might be for another host.
    text = "\r\n".join([f"{method} {path} {version}", *kept, "Connection: close", "", ""])
    return Head(method, url.hostname, port, text.encode("latin-1"), credential)


def _credential(value: str) -> str:
    kind, _, encoded = value.strip().partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return b64decode(encoded, validate=True).decode()
    except (Base64Error, ValueError):
        return ""
