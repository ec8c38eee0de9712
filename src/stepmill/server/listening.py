"""The address that a server listens on, and what is asked of one beyond this machine."""

from __future__ import annotations

import errno
import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path

from stepmill.core.errors import ConflictError, InvalidInputError

PORT = 7070
_BACKLOG = 1024
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - to recognise it


@dataclass(frozen=True, slots=True)
class Tls:
    """What a server proves itself with.

    Args:
        certificate: File of the certificate chain, PEM.
        key: File of its private key, PEM.
    """

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Listening:
    """Where and how a server listens.

    Args:
        host: An address or a name of this machine.
        port: 0: any that is free.
        tls: ``None``: plain HTTP.
        is_insecure_allowed: Whether plain HTTP may be spoken beyond this machine.
        names: Further names that clients may call the server by.
    """

    host: str = "127.0.0.1"
    port: int = PORT
    tls: Tls | None = None
    is_insecure_allowed: bool = False
    names: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuse what would send secrets over a network as they are.

        Raises:
            InvalidInputError: If plain HTTP would be spoken beyond this machine, unasked.
        """
        if self.tls is None and not self.is_insecure_allowed and not _is_loopback(self.host):
            raise InvalidInputError(
                f"{self.host} can be reached from other machines, and plain HTTP hides nothing from them.",
                where="--host",
                mend="Give --tls-cert and --tls-key, or --insecure if the network is yours alone.",
            )

    def open(self) -> socket.socket:
        """Return the socket that listens.

        Raises:
            ConflictError: If the port is taken.
            InvalidInputError: If there is no such address on this machine, or the port is not ours to take.
        """
        is_six = ":" in self.host
        try:
            return socket.create_server(
                (self.host, self.port), family=socket.AF_INET6 if is_six else socket.AF_INET, backlog=_BACKLOG
            )
        except OSError as error:
            place = f"{self.host}:{self.port}"
            if error.errno == errno.EADDRINUSE:
                raise ConflictError(
                    f"Port {self.port} is taken by another program.",
                    where=place,
                    mend="Choose another with --port, or --port 0 for one that is free.",
                ) from error
            raise InvalidInputError(f"Nothing can listen there: {error.strerror}.", where=place) from error

    def url(self, port: int) -> str:
        """Return the address that a client on this machine uses.

        Example:
            >>> Listening().url(7070), Listening("::1").url(80)
            ('http://127.0.0.1:7070', 'http://[::1]:80')
        """
        host = _ANY.get(self.host, self.host)
        name = f"[{host}]" if ":" in host else host
        return f"{'https' if self.tls else 'http'}://{name}:{port}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
