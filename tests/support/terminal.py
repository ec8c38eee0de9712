"""A terminal without a person before it: a pseudo-terminal, and what a program drew on it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

_LIMIT_S = 120.0
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[()][0-9A-B]|\r")


class Terminal:
    """Runs a program on a pseudo-terminal. Use in ``with``."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: dict[str, str],
        *,
        columns: int,
        rows: int = 24,
    ) -> None:
        self._main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, "TERM": "xterm-256color"},
            stdin=side,
            stdout=side,
            stderr=side,
            preexec_fn=self._take_terminal,
        )
        os.close(side)
        self.drawn = ""

    @staticmethod
    def _take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(_LIMIT_S)
        os.close(self._main)

    @property
    def text(self) -> str:
        """Everything that was drawn, one frame after another, without colours and movements."""
        return _CONTROL.sub("", self.drawn)

    def type(self, keys: bytes) -> None:
        """Press keys: Ctrl-C is ``b"\\x03"``."""
        os.write(self._main, keys)

    def until(self, text: str) -> None:
        """Read until that has been drawn."""
        deadline = time.monotonic() + _LIMIT_S
        while text not in self.text:
            assert time.monotonic() < deadline, f"{text!r} never came:\n{self.text}"
            assert self._read(), f"it ended without {text!r}:\n{self.text}"

    def end(self) -> int:
        """Read to the end; return the exit code."""
        while self._read():
            pass
        return self.process.wait(_LIMIT_S)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._main], [], [], _LIMIT_S)
        assert ready, f"nothing was drawn for long:\n{self.text}"
        try:
            data = os.read(self._main, 65536)
        except OSError:  # Linux's way to say that nobody has the other side any more
            return False
        self.drawn += data.decode("utf-8", "replace")
        return bool(data)
