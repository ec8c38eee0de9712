"""Run a program against the server of a home; where there is none, one is started and ended with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from stepmill.cli.exit_codes import ExitCode
from stepmill.core.endpoint import Endpoint
from stepmill.core.errors import ComputeError, InvalidInputError
from stepmill.platform import HOME_VARIABLE, Platform
from stepmill.server.exec.authority import BUNDLE_VARIABLES, Authority, open_authority, trusted_bundle
from stepmill.server.exec.proxy import Proxy
from stepmill.server.usage import in_use, is_used_by_others
from stepmill.server.variables import STALE, endpoint_of, variables_of
from stepmill.storage.server_file import RunningServer, running_server

# A machine may be busy; a server that does not answer by then never will.
_STARTING_S = 120.0
_PAUSE_S = 0.02
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH)
_LOCAL = ("127.0.0.1", "localhost", "::1")
# The shell's own codes: not found, found but no program, ended by a signal.
_NOT_FOUND, _NO_PROGRAM, _BY_SIGNAL = 127, 126, 128


def run_program(platform: Platform, command: Sequence[str], key: str) -> int:
    """Run a program so that its calls to AWS arrive here, and return its exit code.

    Args:
        platform: Of the home. Only looked at: the server does the work.
        command: The program and its arguments.
        key: Name of the key that it signs with.

    Raises:
        NotFoundError: If there is no such key.
        ComputeError: If there is no server, and none can be started.
        StorageError: If the home cannot be written.
    """
    if not command:
        raise InvalidInputError("There is no program to run.", mend="stepmill exec -- python script.py")
    # Before anything is started: there may be no such key.
    endpoint_of(platform, "", key)
    with _server_of(platform) as server, TemporaryDirectory(prefix="stepmill-exec-") as folder:
        trust = _trust(open_authority(platform.layout.authority), Path(folder))
        upstream = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy") or ""
        # The server may show a certificate that only this user trusts.
        with Proxy(server.url, trust.authority, upstream, trust.bundle) as proxy:
            endpoint = endpoint_of(platform, server.url, key)
            return _run(command, _environment(endpoint, proxy.url, trust))


@dataclass(frozen=True)
class _Trust:
    """Whom a program is to trust.

    Args:
        authority: Of the home.
        own: File of its certificate alone.
        bundle: File of all that the program trusted before, and of its.
    """

    authority: Authority
    own: Path
    bundle: Path


def _trust(authority: Authority, folder: Path) -> _Trust:
    public = Path(str(files("botocore") / "cacert.pem"))
    trust = _Trust(authority, folder / "authority.pem", folder / "trusted.pem")
    trust.own.write_text(authority.pem)
    trust.bundle.write_text(trusted_bundle(authority, os.environ, public))
    return trust


def _environment(endpoint: Endpoint, proxy: str, trust: _Trust) -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if name not in STALE}
    direct = given.get("NO_PROXY") or given.get("no_proxy") or ""
    no_proxy = ",".join(dict.fromkeys([*_LOCAL, *(n.strip() for n in direct.split(",") if n.strip())]))
    return {
        **given,
        **variables_of(endpoint, given),
        **dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), proxy),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), no_proxy),
        **dict.fromkeys((*BUNDLE_VARIABLES, "PIP_CERT"), str(trust.bundle)),
        # Node trusts these beside its own.
        "NODE_EXTRA_CA_CERTS": str(trust.own),
        # No machine of AWS's is to be asked who this is.
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    try:
        program = subprocess.Popen(command, env=environment)
    except FileNotFoundError:
        sys.stderr.write(f"stepmill exec: {command[0]}: not found\n")
        return _NOT_FOUND
    except OSError as error:
        sys.stderr.write(f"stepmill exec: {command[0]}: {error.strerror}\n")
        return _NO_PROGRAM

    def hand_on(number: int, _frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            program.send_signal(number)

    before = {number: signal.signal(number, hand_on) for number in _SIGNALS}
    # Ctrl-C reaches the program by itself: it is in the same group of the terminal.
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = program.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else _BY_SIGNAL - code


@contextmanager
def _server_of(platform: Platform) -> Iterator[RunningServer]:
    """Give the server of the home; one that was started here ends when nobody uses it any more."""
    layout = platform.layout
    with in_use(layout.usage) as lock:
        started: subprocess.Popen[bytes] | None = None
        server = running_server(layout.server)
        if server is None:
            started = _start(platform)
            server = _when_it_answers(layout.server, started, layout.server_log)
        try:
            yield server
        finally:
            if started is not None and started.poll() is None and not is_used_by_others(lock):
                started.send_signal(signal.SIGTERM)
                started.wait()


def _start(platform: Platform) -> subprocess.Popen[bytes]:
    layout = platform.layout
    with layout.server_log.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "stepmill", "serve", "--port", "0", "--while-used"],
            env={**os.environ, HOME_VARIABLE: str(layout.home)},
            cwd=platform.settings.project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            # Ctrl-C in the terminal is for the program, not for its server.
            start_new_session=True,
        )


def _when_it_answers(file: Path, started: subprocess.Popen[bytes], log: Path) -> RunningServer:
    deadline = time.monotonic() + _STARTING_S
    while time.monotonic() < deadline:
        # Of two that start at once one is refused, and uses the other's.
        server = running_server(file)
        if server is not None:
            return server
        if started.poll() not in (None, ExitCode.WRONG_STATE):
            break
        time.sleep(_PAUSE_S)
    tail = log.read_text(errors="replace").strip()[-2000:]
    raise ComputeError("The server did not start.", where=str(log), mend=tail or "See `stepmill serve`.")
