"""The server's side of the nurseries: starts them when they are needed, and hands them jobs."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from stepmill.compute.local.scripts import Imports
from stepmill.compute.supervision.layout import clear_away, lay_out, skeleton
from stepmill.compute.supervision.order import Order, SandboxPlan
from stepmill.compute.supervision.threads import NURSERY_ENVIRONMENT
from stepmill.core.errors import ComputeClosedError, ComputeError

# Stepmill's own package is not imported as such: its modules would come along.
_BOOT = (
    "import sys\n"
    "package = type(sys)('stepmill')\n"
    "package.__path__ = [sys.argv[1]]\n"
    "sys.modules['stepmill'] = package\n"
    "from stepmill.compute.supervision.nursery import main\n"
    "main()\n"
)
_MOST_NURSERIES = 5
_PROBE_SECONDS = 30.0


class _Nursery:
    """One process that forks supervisors."""

    def __init__(self, python: Path) -> None:
        ours, theirs = socket.socketpair()
        package = Path(__file__).resolve().parents[2]
        environment = {
            # Without a home there are no packages of the user's own, as in a job.
            "HOME": "/nonexistent",
            "LANG": "C.UTF-8",
            "PATH": os.environ.get("PATH", os.defpath),
            **NURSERY_ENVIRONMENT,
        }
        try:
            self._process = subprocess.Popen(
                [str(python), "-c", _BOOT, str(package)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise ComputeError(f"{python} does not run: {error}.", where=str(python)) from error
        finally:
            theirs.close()
        self._socket = ours
        self._lock = threading.Lock()

    def send(self, request: dict[str, object], bell: int) -> None:
        """Hand over a request.

        Raises:
            OSError: If the process has ended.
        """
        with self._lock:
            socket.send_fds(self._socket, [json.dumps(request).encode() + b"\n"], [bell])

    def close(self) -> None:
        """End it; what it forked goes on, and what it had not yet forked is started again elsewhere."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


class Nurseries:
    """The nurseries of this process, by interpreter and by the libraries that do not share one.

    A bare one, under the interpreter that runs this, forks all jobs that need nothing warm.
    """

    def __init__(self) -> None:
        self._all: dict[tuple[str, frozenset[str], bool], _Nursery] = {}
        self._lock = threading.Lock()
        self._is_closed = False

    def start_supervisor(self, order: Order, folder: Path, python: Path | None, imports: Imports) -> int:
        """Have a supervisor forked for a job's folder; return the reading end of its bell.

        Raises:
            ComputeError: If no nursery can be started.
            ComputeClosedError: If they were closed, before or meanwhile.
        """
        key = (str(python or sys.executable), imports.apart, bool(imports.modules))
        plan = order.plan
        # A sandbox that was made ahead shares the network.
        sandbox = order.namespaces and plan is not None and plan.network
        request = {
            "folder": str(folder),
            "modules": imports.modules,
            "sandbox": sandbox,
            "new_user": sandbox and plan is not None and plan.new_user,
        }
        return self._ask(key, request)

    def probe(self, plan: SandboxPlan) -> str:
        """Have a sandbox made and left again; return why that cannot be done here, empty if it can.

        Raises:
            ComputeClosedError: If they were closed meanwhile. A job must not go without for that.
        """
        # Whoever was killed in the middle has left one.
        clear_away(Path(plan.root))
        try:
            lay_out(plan.root, skeleton(plan))
            bell = self._ask((sys.executable, frozenset(), False), {"probe": asdict(plan)})
            answer = _read_all(bell)
        except OSError as error:
            return str(error)
        finally:
            clear_away(Path(plan.root))
        if not answer and self._is_closed:
            raise _closed()
        return "" if answer == b"ok" else answer.decode("utf-8", "replace") or "the attempt gave no answer"

    def close(self) -> None:
        """Let go of all of them; jobs go on."""
        with self._lock:
            self._is_closed = True
            nurseries = list(self._all.values())
            self._all.clear()
        for nursery in nurseries:
            nursery.close()

    def _ask(self, key: tuple[str, frozenset[str], bool], request: dict[str, object]) -> int:
        read, write = os.pipe()
        try:
            try:
                self._get(key).send(request, write)
            except OSError:  # it was killed; a new one takes its place
                self._forget(key)
                self._get(key).send(request, write)
        except BaseException as error:
            os.close(read)
            if isinstance(error, OSError):
                raise ComputeError(f"A process that starts jobs does not live: {error}.") from error
            raise
        finally:
            os.close(write)
        return read

    def _get(self, key: tuple[str, frozenset[str], bool]) -> _Nursery:
        with self._lock:
            if self._is_closed:
                raise _closed()
            nursery = self._all.pop(key, None) or _Nursery(Path(key[0]))
            self._all[key] = nursery  # last used, last in the dict
            superfluous = self._superfluous()
        for old in superfluous:
            old.close()
        return nursery

    def _superfluous(self) -> Sequence[_Nursery]:
        too_many = len(self._all) - _MOST_NURSERIES
        return [self._all.pop(key) for key in list(self._all)[:too_many]] if too_many > 0 else []

    def _forget(self, key: tuple[str, frozenset[str], bool]) -> None:
        with self._lock:
            nursery = self._all.pop(key, None)
        if nursery is not None:
            nursery.close()


def _closed() -> ComputeClosedError:
    return ComputeClosedError("The processes that start jobs are closed.")


def _read_all(fd: int) -> bytes:
    """Read until the end, or until it takes too long; close."""
    data = b""
    try:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        while poll.poll(_PROBE_SECONDS * 1000):
            piece = os.read(fd, 4096)
            if not piece:
                break
            data += piece
    finally:
        os.close(fd)
    return data
