"""Runs the hosts of a job together: they begin together, and mostly the failure of one ends the others.

Nothing is kept for that beside what compute keeps of each host: whoever picks the job up after a crash
hears how each of them stands, and comes to the same end.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from stepmill.compute.spec import Compute, Ending, JobEnded, JobEvent, JobRunning, JobSpec, Listener
from stepmill.core.errors import ComputeClosedError, StepmillError
from stepmill.jobs.host_folders import host_folders
from stepmill.jobs.kinds import Workplace
from stepmill.jobs.toolkit.launchers import port_of

# Loopback networks 127.16.0.0 to 127.254.255.0: below are addresses that systems use themselves.
_FIRST_NETWORK, _NETWORKS = 16, 239


def run_together(
    compute: Compute, specs: Sequence[JobSpec], listen: Listener, *, share_failure: bool = True
) -> None:
    """Start the hosts of a job, or pick them up; tell of one beginning and one end.

    Args:
        compute: Runs each.
        specs: One for each host.
        listen: Gets at most one ``JobRunning``, and one ``JobEnded`` when all have ended. The latter bears
            the id of the host that failed first, if one failed.
        share_failure: Whether the others are ended when one fails; else they do their part.

    Raises:
        UnsupportedError: See ``Compute.run``.
        ComputeError: See ``Compute.run``. Hosts that were started are stopped then.
    """
    if len(specs) == 1:
        compute.run(specs[0], listen)
        return
    peers = _Peers(compute, specs, listen, share_failure=share_failure)
    for index, spec in enumerate(specs):
        try:
            compute.run(spec, partial(peers.hear, index))
        except ComputeClosedError:
            raise
        except StepmillError:
            peers.stop()
            raise
    # Those that were not there yet when another failed.
    peers.stop_if_failed()


def stop_together(compute: Compute, folder: Path) -> None:
    """Ask all hosts of a job to end."""
    for _, each in host_folders(folder):
        compute.stop(each)


def names_of(places: Sequence[Workplace]) -> tuple[tuple[str, str], ...]:
    """Return the names of a job's hosts and their addresses; none if there is only one host.

    All are addresses of this machine's loopback, other ones for each host, so that several may listen on
    one port, and for each job, so that jobs do not meet.

    Example:
        >>> from stepmill.jobs.requests.hosts import Host
        >>> place = Workplace("j", "arn:j", Path("/j"))
        >>> two = [place, replace(place, host=Host("algo-2"))]
        >>> [(name, address.rpartition(".")[2]) for name, address in names_of(two)]
        [('algo-1', '1'), ('algo-2', '2')]
    """
    if len(places) == 1:
        return ()
    drawn = sha256(f"{places[0].folder}".encode(errors="surrogateescape")).digest()
    network = f"127.{_FIRST_NETWORK + drawn[0] % _NETWORKS}.{drawn[1]}"
    return tuple((place.host.name, f"{network}.{index + 1}") for index, place in enumerate(places))


# The drivers of SDK 3, as SageMaker's images, have every job listen on this port. torchrun listens on all
# addresses of the machine, which the hosts of all jobs share.
_TORCHRUN = """#!/bin/sh
seen=
for word in "$@"; do
  shift
  case "$seen$word" in
    --master_port=7777) word=--master_port={port} ;;
    -*) ;;
    *) seen=script ;;
  esac
  set -- "$@" "$word"
done
exec python -m torch.distributed.run "$@"
"""


def programs_of(places: Sequence[Workplace]) -> tuple[tuple[str, str], ...]:
    """Return the programs that several hosts find in place of others; none if there is only one host.

    ``torchrun`` is as ever, but for SageMaker's fixed port: it becomes one that is the job's own.
    """
    if len(places) == 1:
        return ()
    return (("torchrun", _TORCHRUN.format(port=port_of(places[0].name))),)


class _Peers:
    """The hosts of one job."""

    def __init__(
        self, compute: Compute, specs: Sequence[JobSpec], listen: Listener, *, share_failure: bool
    ) -> None:
        self._share_failure = share_failure
        self._compute = compute
        self._specs = specs
        self._listen = listen
        self._lock = threading.Lock()
        self._ends: dict[int, JobEnded] = {}
        self._is_told = False

    def hear(self, index: int, event: JobEvent) -> None:
        """Take what compute says of one host."""
        if isinstance(event, JobRunning):
            with self._lock:
                is_first, self._is_told = not self._is_told, True
            if is_first:
                self._listen(event)
            return
        with self._lock:
            self._ends[index] = event
            all_ended = len(self._ends) == len(self._specs)
        if all_ended:
            self._listen(end_of_all([self._ends[i] for i in range(len(self._specs))]))
        elif self._share_failure and _is_bad(event):
            self.stop()

    def stop_if_failed(self) -> None:
        """Ask those that run to end if one has failed."""
        with self._lock:
            failed = self._share_failure and any(_is_bad(end) for end in self._ends.values())
        if failed:
            self.stop()

    def stop(self) -> None:
        """Ask those that run to end."""
        for spec in self._specs:
            self._compute.stop(spec.folder)


def end_of_all(ends: Sequence[JobEnded]) -> JobEnded:
    """Return how a job has ended whose hosts ended so: as the first that went wrong, if one did.

    A host that was stopped because another had failed has not gone wrong itself.
    """
    bad = [end for end in ends if _is_bad(end)]
    stopped = [end for end in ends if end.ending is Ending.STOPPED]
    telling = min(bad, key=lambda end: end.ended_at) if bad else (stopped or ends)[0]
    return replace(
        telling,
        started_at=min(end.started_at for end in ends),
        ended_at=max(end.ended_at for end in ends),
    )


def _is_bad(end: JobEnded) -> bool:
    return end.ending is not Ending.STOPPED and (end.ending, end.exit_code) != (Ending.EXITED, 0)
