"""The hosts of a training job that compute together: what each has becomes known to all.

All ask for the same things in the same order. The first host hears what each has, puts it together in the
order of the hosts, and tells it to all: so all go on with the very same numbers, bit by bit.
"""

from __future__ import annotations

import io
import logging
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .job import Job

Array = NDArray[Any]

# Each host has an address of its own, so jobs that run side by side do not clash.
PORT = 7070
# Hosts begin together; the environment of one may still have to be read from a slow disk.
LONGEST_WAIT_SECONDS = 600.0
# A host that loses another is about to be stopped: the job's failure is that of the host that failed first.
LONGEST_GRACE_SECONDS = 30.0
_RETRY_SECONDS = 0.05
# A host greets as soon as it is connected; whoever else connects must not hold the others up.
_GREETING_SECONDS = 5.0
_SIZE = struct.Struct("!Q")
_GREETING = struct.Struct("!32sI")

_log = logging.getLogger(__name__)


class HostLostError(Exception):
    """Another host has gone, or never came."""


class Hosts:
    """All hosts of a job, seen by one of them.

    Args:
        rank: The place of this one; 0: the first.
        links: Of the first host: a connection to each other one, in their order. Of others: one to the first.
        count: How many there are.
    """

    def __init__(self, rank: int = 0, links: Sequence[socket.socket] = (), count: int = 1) -> None:
        self.rank, self.count = rank, count
        self._links = links

    @property
    def is_first(self) -> bool:
        """Whether this is the host that writes what all have made together."""
        return self.rank == 0

    def gather(self, array: Array) -> list[Array]:
        """Return the arrays of all hosts, in their order. They need not have the same shape."""
        return self._together([array], lambda found: [part for (part,) in found])

    def rows(self, array: Array) -> Array:
        """Return the rows of all hosts, one below the other."""
        parts = self.gather(array)
        # Of no rows a library may not tell how wide they would be.
        return np.concatenate([part for part in parts if len(part)] or parts[:1])

    def total(self, *arrays: Any) -> tuple[Array, ...]:
        """Return for each array, or number, the sum over all hosts. Its shape is the same on all."""
        return tuple(self._together(arrays, _sums))

    def each(self, number: int) -> list[int]:
        """Return the numbers of all hosts, in their order."""
        return [int(part) for part in self.gather(np.array(number))]

    def first(self, make: Callable[[], Array]) -> Array:
        """Return what the first host makes."""
        own = [make()] if self.is_first else [np.empty(0)]
        return self._together(own, lambda found: list(found[0]))[0]

    def _together(
        self, own: Sequence[Any], put_together: Callable[[list[list[Array]]], list[Array]]
    ) -> list[Array]:
        arrays = [np.asarray(array) for array in own]
        try:
            if not self.is_first:
                _send(self._links[0], arrays)
                return _receive(self._links[0])
            told = put_together([arrays, *(_receive(link) for link in self._links)])
            for link in self._links:
                _send(link, told)
        except (OSError, EOFError) as error:
            raise HostLostError(f"Another host has left the training: {error}") from error
        return told


def _sums(found: list[list[Array]]) -> list[Array]:
    return [np.asarray(sum(each[1:], each[0])) for each in zip(*found, strict=True)]


ALONE = Hosts()


@contextmanager
def meet(job: Job) -> Iterator[Hosts]:
    """Wait for all hosts of a job, and be connected with them.

    Raises:
        HostLostError: If one does not come, or leaves while the others compute.
    """
    if len(job.hosts) == 1:
        yield ALONE
        return
    rank = job.hosts.index(job.host)
    with ExitStack() as stack:
        try:
            links = _heard(job, stack) if rank == 0 else [_told(job, rank, stack)]
        except OSError as error:
            raise HostLostError(f"{job.host} and the other hosts do not find each other: {error}") from error
        _log.info("All %d hosts have met.", len(job.hosts))
        try:
            yield Hosts(rank, links, len(job.hosts))
        except HostLostError as error:
            _log.warning("%s", error)
            time.sleep(LONGEST_GRACE_SECONDS)
            raise


def _heard(job: Job, stack: ExitStack) -> list[socket.socket]:
    """Wait until every other host has greeted; return the connections in the order of the hosts."""
    server = stack.enter_context(socket.create_server((job.host, PORT), backlog=len(job.hosts)))
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    found: dict[int, socket.socket] = {}
    while len(found) < len(job.hosts) - 1:
        server.settimeout(max(0.0, deadline - time.monotonic()))
        link, _ = server.accept()
        link.settimeout(_GREETING_SECONDS)
        try:
            name, rank = _GREETING.unpack(_read(link, _GREETING.size))
        except (OSError, EOFError):
            link.close()
            continue
        if name != _name_of(job) or rank in found or not 0 < rank < len(job.hosts):
            # The machine's other programs can reach this address, too.
            link.close()
            continue
        found[rank] = _ready(stack.enter_context(link))
    return [found[rank] for rank in sorted(found)]


def _told(job: Job, rank: int, stack: ExitStack) -> socket.socket:
    """Connect with the first host as soon as it listens."""
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while True:
        try:
            link = socket.create_connection((job.hosts[0], PORT), timeout=LONGEST_WAIT_SECONDS)
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)
    stack.enter_context(link)
    link.sendall(_GREETING.pack(_name_of(job), rank))
    return _ready(link)


def _ready(link: socket.socket) -> socket.socket:
    link.settimeout(None)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def _name_of(job: Job) -> bytes:
    told = (os.environ.get("TRAINING_JOB_ARN", ""), job.hosts, sorted(job.hyperparameters.items()))
    return sha256(repr(told).encode(errors="surrogateescape")).digest()


def _send(link: socket.socket, arrays: Sequence[Array]) -> None:
    body = io.BytesIO()
    for array in arrays:
        np.save(body, array, allow_pickle=False)
    link.sendall(_SIZE.pack(body.tell()))
    link.sendall(body.getbuffer())


def _receive(link: socket.socket) -> list[Array]:
    (size,) = _SIZE.unpack(_read(link, _SIZE.size))
    body, arrays = io.BytesIO(_read(link, size)), []
    while body.tell() < size:
        arrays.append(np.load(body, allow_pickle=False))
    return arrays


def _read(link: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        piece = link.recv(min(size - len(found), 1 << 20))
        if not piece:
            raise EOFError("the connection has ended")
        found += piece
    return bytes(found)
