"""The nursery: one process, single-threaded, that imports and never computes, and forks supervisors.

It reads requests from a socket, one line of JSON each, with the writing end of a pipe (the bell) beside
it::

    {"folder": "/home/x/jobs/y", "modules": ["pandas", "sklearn.ensemble"]}
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
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from stepmill.compute.supervision.order import read_plan
from stepmill.compute.supervision.supervisor import supervise
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
    threads = ThreadCounts()
    _settle(threads)
    while True:
        request, bell = _receive(server)
        if request is None:
            return
        if bell < 0:
            continue
        if _import(request.get("modules", ())):
            _settle(threads)
        if _is_single_threaded():
            _fork(server, request, bell, threads)
        else:
            os.write(bell, UNFIT_BELL)
        os.close(bell)


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


def _settle(threads: ThreadCounts) -> None:
    """Set aside all that is loaded: a child's garbage collector must not touch, and so copy, it."""
    threads.look()
    gc.collect()
    gc.freeze()


def _is_single_threaded() -> bool:
    """Say whether a fork is safe: a library that starts threads when imported makes it unsafe."""
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return True


def _fork(server: socket.socket, request: dict[str, Any], bell: int, threads: ThreadCounts) -> None:
    try:
        pid = os.fork()
    except OSError:
        return  # the bell's pipe closes, and the server sees that nothing was started
    if pid:
        return
    code = 1
    try:
        server.close()
        os.setsid()
        if "probe" in request:
            _probe(request["probe"], bell)
        supervise(Path(request["folder"]), bell, threads)
        code = 0
    except BaseException as error:  # noqa: BLE001
        with contextlib.suppress(OSError):
            os.write(bell, FAILED_BELL + str(error).encode("utf-8", "replace")[:1000])
    finally:
        os._exit(code)


def _probe(plan: dict[str, Any], bell: int) -> NoReturn:
    """Try to make a sandbox, and tell on the pipe how it went."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        sandbox = read_plan(plan)
        namespaces.prepare_supervisor(sandbox)
        child = os.fork()
        if child == 0:
            namespaces.enter(sandbox)
            os.write(bell, b"ok")
            os._exit(0)
        os.waitpid(child, 0)
    except BaseException as error:  # noqa: BLE001
        os.write(bell, str(error).encode())
    os._exit(0)
