"""Which host names a request may be sent to. Any other is refused.

A page in a browser can have a name of its own resolve to this machine (DNS rebinding), and so reach a
server that only listens on loopback. Its name is in the ``Host`` header then, and is not one of ours.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass

from stepmill.aws.errors import ApiError

_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)(?::(?P<port>\d{1,5}))?")
_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
# BUCKET.s3.REGION, BUCKET.s3-REGION, BUCKET.s3.dualstack.REGION, BUCKET.s3; a bucket's name may hold dots.
_BUCKET = re.compile(r"(?P<bucket>.+)\.s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?")
_ANY = ("", "0.0.0.0", "::")  # noqa: S104 - to recognise it
_LOCAL = "localhost"
_TELEMETRY = "sm-pysdk-t-"
# An attacker may send as many names as there are.
_MOST_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request was sent to.

    Args:
        bucket: Whose virtual host it is; empty: none's.
    """

    bucket: str = ""

    @property
    def is_telemetry(self) -> bool:
        """Whether it is the bucket to which AWS's SDKs tell what their users do."""
        return self.bucket.startswith(_TELEMETRY)


class Hosts:
    """The names under which a server answers.

    Args:
        bind: Address that it listens on.
        port: Port that it listens on.
        allowed: Further names, at any port or as ``name:port``.
    """

    def __init__(self, bind: str, port: int, allowed: Collection[str] = ()) -> None:
        self._port = port
        self._allowed = frozenset(name.lower() for name in allowed)
        self._addresses = {bind.lower()}
        self._takes_any_address = bind in _ANY
        self._known: dict[str, Destination] = {}

    def read(self, host: str) -> Destination:
        """Return where a request was sent to.

        Args:
            host: The ``Host`` header; empty if there was none.

        Raises:
            ApiError: If it is none of this server's names.
        """
        known = self._known.get(host)
        if known is None:
            known = self._read(host)
            if len(self._known) < _MOST_REMEMBERED:
                self._known[host] = known
        return known

    def _read(self, host: str) -> Destination:
        match = _HOST.fullmatch(host)
        if match is None:
            raise ApiError("InvalidHost", "The Host header is missing, or is no host name.")
        name = match["name"].lower()
        if name.endswith(_AWS):
            # Brought here by a proxy that stands for AWS; nobody can have such a name resolve as they like.
            virtual = _BUCKET.fullmatch(name)
            return Destination(virtual["bucket"] if virtual else "")
        if name in self._allowed or f"{name}:{match['port']}" in self._allowed:
            return Destination()
        if int(match["port"] or 0) == self._port:
            if self._is_own(name):
                return Destination()
            bucket, dot, rest = name.rpartition(".")
            if dot and rest == _LOCAL:
                return Destination(bucket)
        raise ApiError(
            "InvalidHost",
            f"This server does not answer to the name {host!r}.",
            status=403,
            mend="Use the address that it printed, or start it with `stepmill serve --allow-host NAME`.",
        )

    def _is_own(self, name: str) -> bool:
        if name == _LOCAL or name in self._addresses:
            return True
        try:
            address = ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return address.is_loopback or self._takes_any_address or str(address) in self._addresses
