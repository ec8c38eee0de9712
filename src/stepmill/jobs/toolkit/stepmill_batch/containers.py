"""Starts the model servers of a job and ends them.

Source: developer guide, "How SageMaker AI runs your image": ``serve``, SIGTERM, 30 seconds, SIGKILL.
"""

from __future__ import annotations

import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import JobError

_GRACE_S = 30.0
_STARTUP_S = 600.0
_LONGEST_REASON = 2000
TOOLKIT = "toolkit"


@dataclass(frozen=True)
class Container:
    """A container of the model.

    Args:
        base: What it has for ``/opt/ml``.
        command: Program and arguments; ``toolkit`` alone: the server of the framework images.
        environment: Its variables, beside those of the job.
    """

    base: Path
    command: tuple[str, ...]
    environment: Mapping[str, str]


class Running:
    """A container that runs.

    Args:
        container: What runs.
        port: Where it answers.
        pid: Of its process.
        failure: File into which it writes why it cannot serve.
    """

    def __init__(self, container: Container, port: int, pid: int, failure: Path) -> None:
        self.container = container
        self.port = port
        self.pid = pid
        self._failure = failure
        self._status: int | None = None
        self._lock = threading.Lock()

    @property
    def startup_s(self) -> float:
        """How long it may take until it answers."""
        wanted = self.container.environment.get("SAGEMAKER_STARTUP_TIMEOUT", "")
        return float(wanted) if wanted.isdigit() else _STARTUP_S

    def is_alive(self) -> bool:
        """Return whether its process still runs."""
        with self._lock:
            if self._status is None:
                try:
                    pid, status = os.waitpid(self.pid, os.WNOHANG)
                except ChildProcessError:
                    pid, status = self.pid, 0
                if pid:
                    self._status = status
            return self._status is None

    def reason(self) -> str:
        """Return why it has ended, as far as it told; empty if it has not."""
        if self.is_alive() or self._status is None:
            return ""
        try:
            said = self._failure.read_text("utf-8", "replace")[:_LONGEST_REASON].strip()
        except OSError:
            said = ""
        if os.WIFSIGNALED(self._status):
            how = f"by {signal.Signals(os.WTERMSIG(self._status)).name}"
        else:
            how = f"with exit code {os.WEXITSTATUS(self._status)}"
        return f"The model server has ended {how}. {said}".strip()

    def end(self) -> None:
        """Send SIGTERM."""
        if self.is_alive():
            os.kill(self.pid, signal.SIGTERM)


def start(container: Container, common: Mapping[str, str], number: int) -> Running:
    """Start a container; whether it is ready is asked by ``/ping``.

    Args:
        container: What to start.
        common: Variables of every container of the job.
        number: Its place in the pipeline, from zero.

    Raises:
        JobError: If its program cannot be started.
    """
    failure = container.base / f"serving-failure-{number}"
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    port = int(listener.getsockname()[1])
    environment = {
        **common,
        **container.environment,
        "SAGEMAKER_BASE_DIR": str(container.base),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "STEPMILL_SERVING_FAILURE": str(failure),
    }
    if container.command == (TOOLKIT,):
        pid = _forked(environment, listener)
    else:
        listener.close()
        pid = _started(container.command, environment)
    return Running(container, port, pid, failure)


def first_reason(running: Sequence[Running]) -> str:
    """Return why the first of those that have ended has, as far as it told; empty if none has."""
    return next((text for one in running if (text := one.reason())), "")


def end_all(running: Sequence[Running]) -> None:
    """End containers: all are told at once, and those killed that do not heed."""
    for one in running:
        one.end()
    until = time.monotonic() + _GRACE_S
    while time.monotonic() < until and any(one.is_alive() for one in running):
        time.sleep(0.01)
    for one in running:
        if one.is_alive():
            os.kill(one.pid, signal.SIGKILL)


def _forked(environment: Mapping[str, str], listener: socket.socket) -> int:
    """Serve in a fork of this process: what a warm parent has imported is there already."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        listener.close()
        return pid
    code = 70
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(environment)
        server: Any = importlib.import_module("stepmill_serving.server")
        code = server.serve(os.environ, listener)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _started(command: Sequence[str], environment: Mapping[str, str]) -> int:
    program = [sys.executable if command[0] in ("python", "python3") else command[0], *command[1:]]
    try:
        process = subprocess.Popen(program, env=dict(environment))
    except OSError as error:
        raise JobError(
            f"The container cannot be started: {command[0]}: {error.strerror}. An image that serves a model "
            "runs with the argument serve: give it a program of that name on its PATH, or name its entry "
            "point in stepmill.toml."
        ) from error
    # ``Running`` waits for it by its id: nobody else is to take its status, or to ask for it.
    process.returncode = 0
    return process.pid
