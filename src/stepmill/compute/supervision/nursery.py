"""The nursery: one process, single-threaded, that imports and never computes, and forks supervisors.

It reads requests from a socket, one line of JSON each, with the writing end of a pipe (the bell) beside
it::

    {"folder": "/home/x/jobs/y", "modules": ["pandas"], "sandbox": true, "new_user": false}
    {"probe": {...a plan...}}          answered on the pipe: "ok", or why no sandbox can be made here

Its end of input is the server's end; supervisors that it forked go on.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from stepmill.compute.supervision.launch import prepare_sandbox, rehearse
from stepmill.compute.supervision.order import read_plan
from stepmill.compute.supervision.supervisor import catch_signals, supervise
from stepmill.compute.supervision.threads import ThreadCounts

if sys.platform == "linux":
    from stepmill.compute.supervision import namespaces

REQUEST_BYTES = 1 << 16

# What the bell says when this process can fork no jobs safely.
UNFIT_BELL = b"u"
# And when a supervisor could not even begin; the reason follows.
FAILED_BELL = b"!"


def main() -> None:
    """Serve requests from standard input, a socket, until it ends."""
    server = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps; nobody here waits for a child
    gc.disable()
    nursery = _Nursery(server)
    while True:
        request, bell = _receive(server)
        if request is None:
            return
        if bell >= 0:
            nursery.serve(request, bell)
            os.close(bell)


class _Nursery:
    """Keeps a supervisor of each kind forked ahead, waiting for its job."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._threads = ThreadCounts()
        self._waiting: dict[tuple[bool, bool], socket.socket] = {}
        self._is_fit = True
        self._settle()

    def serve(self, request: dict[str, Any], bell: int) -> None:
        """Carry out one request."""
        if _import(request.get("modules", ())):
            for spare in self._waiting.values():
                spare.close()
            self._waiting.clear()
            self._settle()
        if not self._is_fit:
            os.write(bell, UNFIT_BELL)
            return
        if "probe" in request:
            self._fork(lambda: _probe(request["probe"], bell))
            return
        kind = (request["sandbox"], request["new_user"])
        if kind not in self._waiting or not _hand_over(self._waiting.pop(kind), request, bell):
            _hand_over(self._fork_supervisor(kind, bell), request, bell)
        self._waiting[kind] = self._fork_supervisor(kind, bell)

    def _settle(self) -> None:
        """Set aside all that is loaded: a child's garbage collector must not touch, and so copy, it."""
        self._threads.look()
        gc.collect()
        gc.freeze()
        self._is_fit = _is_single_threaded()

    def _fork_supervisor(self, kind: tuple[bool, bool], bell: int) -> socket.socket:
        """Fork a supervisor; return the socket by which it awaits its job.

        ``bell`` is open here just now, and none of its business.
        """
        ours, theirs = socket.socketpair()

        def wait_and_supervise() -> None:
            ours.close()
            os.close(bell)
            self._supervise_next(theirs, kind)

        self._fork(wait_and_supervise)
        theirs.close()
        return ours

    def _supervise_next(self, jobs: socket.socket, kind: tuple[bool, bool]) -> None:
        sandbox, new_user = kind
        signals = catch_signals()
        ready = prepare_sandbox(self._threads, new_user=new_user, network=True) if sandbox else None
        rehearse()
        request, bell = _receive(jobs)
        if request is None:
            return
        jobs.close()
        try:
            supervise(Path(request["folder"]), bell, signals, self._threads, ready)
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.write(bell, FAILED_BELL + str(error).encode("utf-8", "replace")[:1000])
            raise

    def _fork(self, work: Callable[[], None]) -> None:
        try:
            if os.fork():
                return
        except OSError:
            return  # the bell's pipe closes, and the server sees that nothing was started
        code = 1
        try:
            self._server.close()
            for spare in self._waiting.values():
                spare.close()
            os.setsid()
            work()
            code = 0
        finally:
            os._exit(code)


def _hand_over(spare: socket.socket, request: dict[str, Any], bell: int) -> bool:
    """Give a job to a waiting supervisor; False if it has died."""
    try:
        socket.send_fds(spare, [json.dumps(request).encode() + b"\n"], [bell])
    except OSError:
        return False
    finally:
        spare.close()
    return True


def _receive(server: socket.socket) -> tuple[dict[str, Any] | None, int]:
    """Return the next request with its bell, None at the end of input."""
    data, fds, _, _ = socket.recv_fds(server, REQUEST_BYTES, 1)
    if not data:
        return None, -1
    while not data.endswith(b"\n"):
        more = server.recv(REQUEST_BYTES)
        if not more:
            return None, -1
        data += more
    for fd in fds:
        os.set_inheritable(fd, False)
    request: dict[str, Any] = json.loads(data)
    return request, fds[0] if fds else -1


def _import(modules: Iterable[str]) -> bool:
    """Import what is missing; say whether there was anything."""
    missing = [name for name in modules if name not in sys.modules]
    for name in missing:
        with warnings.catch_warnings(), contextlib.suppress(Exception):
            # A module that cannot be imported is left to the job, which will say why.
            warnings.simplefilter("ignore")
            importlib.import_module(name)
    return bool(missing)


def _is_single_threaded() -> bool:
    """Say whether a fork is safe: a library that starts threads when imported makes it unsafe."""
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return True


def _probe(plan: dict[str, Any], bell: int) -> NoReturn:
    """Try to make a sandbox, and tell on the pipe how it went."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        sandbox = read_plan(plan)
        namespaces.prepare_supervisor(new_user=sandbox.new_user)
        child = os.fork()
        if child == 0:
            namespaces.leave_shared(network=sandbox.network)
            namespaces.enter(sandbox)
            os.write(bell, b"ok")
            os._exit(0)
        os.waitpid(child, 0)
    except BaseException as error:  # noqa: BLE001
        os.write(bell, str(error).encode())
    os._exit(0)
