"""Starts a model server: as many processes as are asked for, each with the model loaded.

The processes share one listening socket. Each is forked before anything is loaded, since libraries that
start threads do not survive a fork.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .code import Service, Setting
from .errors import SetupError
from .http import Door, bind

_PORT = 8080
_BACKLOG = 128
# A process that has connections lets one that has none go first.
_DEFERENCE_S = 0.002
_RESTART_S = 1.0
_SETUP_FAILED = 71


def serve(environment: Mapping[str, str], listener: socket.socket | None = None) -> int:
    """Serve until the process is told to end; return its exit code.

    Args:
        environment: Variables of the container: ``SAGEMAKER_BIND_TO_PORT``,
            ``SAGEMAKER_MODEL_SERVER_WORKERS`` and those of ``Setting``.
        listener: A bound socket; ``None``: it is made.
    """
    service = Service(Setting.of(environment), _say)
    try:
        service.prepare()
        if listener is None:
            host = environment.get("STEPMILL_SERVING_HOST", "127.0.0.1")
            listener = bind((host, int(environment.get("SAGEMAKER_BIND_TO_PORT") or _PORT)))
        listener.listen(_BACKLOG)
    except (SetupError, OSError, ValueError) as error:
        _tell_failure(f"The model server cannot be started: {error}")
        return _SETUP_FAILED
    # Requests are told of in the log of an endpoint; a batch job would drown in them.
    is_quiet = environment.get("SAGEMAKER_BATCH", "").lower() == "true"
    workers = _workers(environment)
    if workers == 1:
        return _work(service, listener, is_quiet=is_quiet)
    return _Team(service, listener, workers, is_quiet=is_quiet).run()


def _workers(environment: Mapping[str, str]) -> int:
    asked = environment.get("SAGEMAKER_MODEL_SERVER_WORKERS", "")
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if environment.get("SAGEMAKER_BATCH", "").lower() == "true":
        # One for each request that can come at a time.
        at_once = environment.get("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", "")
        return max(1, min(cpus, int(at_once))) if at_once.isdigit() else 1
    return cpus


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _tell_failure(line: str) -> None:
    """Say why nothing is served, in the log and to whoever started the server and asked for it."""
    _say(line)
    if path := os.environ.get("STEPMILL_SERVING_FAILURE"):
        with contextlib.suppress(OSError), Path(path).open("w", encoding="utf-8", errors="replace") as file:
            file.write(line)


def _work(service: Service, listener: socket.socket, *, is_quiet: bool) -> int:
    """Load the model and answer, until told to end. The socket accepts nobody before the model is there."""
    try:
        service.load()
    except SetupError as error:
        _tell_failure(f"The model cannot be served: {error}")
        return _SETUP_FAILED
    except BaseException as error:  # noqa: BLE001 - whatever the user's code raises
        _say(traceback.format_exc().rstrip())
        _tell_failure(f"The model cannot be loaded: {type(error).__name__}: {error}")
        return _SETUP_FAILED
    open_now: list[socket.socket] = []
    listener.setblocking(False)
    while True:
        select.select([listener], [], [])
        if open_now:
            time.sleep(_DEFERENCE_S * min(len(open_now), 10))
        try:
            connection, address = listener.accept()
        except (BlockingIOError, ConnectionError):
            continue
        connection.setblocking(True)
        open_now.append(connection)
        threading.Thread(
            target=_answer, args=(connection, address, service, open_now, is_quiet), daemon=True
        ).start()


def _answer(
    connection: socket.socket, address: Any, service: Service, open_now: list[socket.socket], is_quiet: bool
) -> None:
    try:
        with connection:
            Door(connection, address, service, is_quiet=is_quiet)
    except OSError:
        pass  # the client has gone
    finally:
        open_now.remove(connection)


class _Team:
    """Keeps so many processes at work; one that dies is replaced, unless it could not load the model."""

    def __init__(self, service: Service, listener: socket.socket, size: int, *, is_quiet: bool) -> None:
        self._service = service
        self._listener = listener
        self._size = size
        self._is_quiet = is_quiet
        self._members: dict[int, float] = {}

    def run(self) -> int:
        for _ in range(self._size):
            self._start()
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        while True:
            pid, status = os.wait()
            began = self._members.pop(pid, None)
            if began is None:
                continue
            code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
            if code == _SETUP_FAILED:
                self._kill()
                return code
            _say(f"A process of the model server has ended with {code}; it is started again.")
            time.sleep(max(0.0, _RESTART_S - (time.monotonic() - began)))
            self._start()

    def _start(self) -> None:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            code = _SETUP_FAILED
            try:
                code = _work(self._service, self._listener, is_quiet=self._is_quiet)
            finally:
                os._exit(code)
        self._members[pid] = time.monotonic()

    def _end(self, number: int, _frame: Any) -> None:
        self._kill()
        os._exit(0 if number == signal.SIGTERM else 128 + number)

    def _kill(self) -> None:
        for pid in self._members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
