"""Processes that run queries: started at the first one, kept warm, killed when a query must end.

Each runs one query at a time. What a query may use and reach is bounded twice: by DuckDB, and for the process
by the system (``confined``); and whoever asks bounds the time.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from stepmill.catalog.sql.dialect.compiling import Compiled
from stepmill.catalog.sql.faults import QueryError
from stepmill.catalog.sql.framing import ClosedError, Kind, read_frame, write_frame
from stepmill.catalog.sql.limits import Limits
from stepmill.catalog.sql.types import duckdb_type

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ResultColumn:
    """A column of a result: its name, and its type by DuckDB's name."""

    name: str
    type: str


class QueryStoppedError(Exception):
    """A query was ended from outside."""


class RunningQuery:
    """A query under way in a process. Iterate over ``pieces`` to get its result.

    Args:
        columns: Of the result.
    """

    def __init__(self, process: _Process, columns: tuple[ResultColumn, ...]) -> None:
        self.columns = columns
        self.rows = 0
        self._process = process

    def pieces(self) -> Iterator[bytes]:
        """Give the bytes of the result.

        Raises:
            EngineError: If it fails on the way.
            QueryStoppedError: If it was ended.
        """
        while True:
            kind, data = self._process.read()
            if kind is Kind.DATA:
                yield data
            elif kind is Kind.DONE:
                self.rows = int(msgspec.json.decode(data)["rows"])
                return
            elif kind is Kind.FAILED:
                raise EngineError(**msgspec.json.decode(data))


class EngineError(Exception):
    """DuckDB's own error.

    Args:
        type: Its class there.
        text: What it says.
    """

    def __init__(self, type: str, text: str) -> None:  # noqa: A002 - as it comes
        super().__init__(text)
        self.type = type
        self.text = text


class Processes:
    """A few processes, shared between threads.

    Args:
        folder: Where they put what does not fit into memory.
        files: The folder that the files of all tables are in.
        limits: Of each query.
    """

    def __init__(self, folder: Path, files: Path, limits: Limits) -> None:
        self._folder = folder
        self._files = files
        self._limits = limits
        self._has_told = False
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._all: set[_Process] = set()
        self._room = threading.BoundedSemaphore(limits.at_once)
        self._is_closed = False

    @contextmanager
    def running(
        self,
        compiled: Compiled,
        stop: Stop,
        *,
        output: str = "csv",
        names: Sequence[str] = (),
        column_types: Sequence[str] = (),
    ) -> Iterator[RunningQuery]:
        """Run a query while the ``with`` lasts; the process is given back at its end.

        Args:
            compiled: The query.
            stop: Ends it.
            output: ``csv`` or ``parquet``: what the bytes are.
            names: Of the columns, for Parquet; empty: the query's own.
            column_types: In which they are kept, for Parquet; empty: as they are.

        Raises:
            EngineError: If it cannot be begun.
            QueryStoppedError: If it was ended.
        """
        with self._room:
            process = self._take()
            clean = False
            try:
                stop.attach(process.kill)
                self._tell(process.expect_ready())
                process.write(
                    msgspec.json.encode(
                        {
                            "sql": compiled.sql,
                            "tables": _tables(compiled),
                            "output": output,
                            "names": list(names),
                            "column_types": list(column_types),
                        }
                    )
                )
                kind, data = process.read()
                if kind is Kind.FAILED:
                    clean = True
                    raise EngineError(**msgspec.json.decode(data))
                columns = tuple(ResultColumn(**one) for one in msgspec.json.decode(data))
                running = RunningQuery(process, columns)
                try:
                    yield running
                except EngineError:
                    clean = True
                    raise
                clean = process.is_at_end
            except ClosedError as error:
                raise stop.reason() from error
            finally:
                stop.detach()
                self._give(process, is_clean=clean)

    def close(self) -> None:
        """End all processes, and the queries in them."""
        with self._lock:
            self._is_closed = True
            processes, self._all = self._all, set()
            idle, self._idle = self._idle, []
        for process in processes:
            process.kill()
        for process in idle:
            process.discard()

    def _take(self) -> _Process:
        with self._lock:
            if self._is_closed:
                raise QueryStoppedError("closing")
            while self._idle:
                process = self._idle.pop()
                if process.is_alive:
                    return process
                # It ends with the thread that began it.
                self._all.discard(process)
                process.discard()
        process = _Process(self._folder, self._files, self._limits)
        with self._lock:
            self._all.add(process)
        return process

    def _tell(self, lacks: Sequence[str]) -> None:
        """Say once what there is not of a sandbox."""
        if lacks and not self._has_told:
            self._has_told = True
            _log.warning("Queries are not held by the whole sandbox: %s.", "; ".join(lacks))

    def _give(self, process: _Process, *, is_clean: bool) -> None:
        with self._lock:
            if is_clean and process.is_alive and not self._is_closed:
                self._idle.append(process)
                return
            self._all.discard(process)
        process.discard()


class Stop:
    """Ends one query: when it is told to, or when its time is over. Use it for one query only.

    Args:
        after: The query's time.
    """

    def __init__(self, after: timedelta) -> None:
        self._lock = threading.Lock()
        self._kill: Any = None
        self.was_told = False
        self.is_late = False
        self._timer = threading.Timer(after.total_seconds(), self._end_late)
        self._timer.daemon = True

    def attach(self, kill: Any) -> None:
        """Say what ends it. The time begins."""
        with self._lock:
            self._kill = kill
            if self.was_told:
                kill()
                return
        self._timer.start()

    def detach(self) -> None:
        """Say that it has ended: nothing is to be killed any more."""
        with self._lock:
            self._kill = None
        self._timer.cancel()

    def tell(self) -> None:
        """End it now."""
        with self._lock:
            self.was_told = True
            if self._kill is not None:
                self._kill()

    def reason(self) -> Exception:
        """Return the error that tells why the process is gone."""
        if self.was_told:
            return QueryStoppedError("told")
        if self.is_late:
            return QueryError("", "Query timeout")
        return QueryError(
            "",
            "Query exhausted resources at this scale factor",
            mend="Ask for less at once, or raise memory_limit_mb of [queries] in stepmill.toml.",
        )

    def _end_late(self) -> None:
        with self._lock:
            self.is_late = True
            if self._kill is not None:
                self._kill()


class _Process:
    """One process."""

    def __init__(self, folder: Path, files: Path, limits: Limits) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-m",
                "stepmill.catalog.sql.confined",
                str(os.getpid()),
                str(limits.memory_bytes),
                str(limits.threads),
                str(folder),
                str(files),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=_environment(),
            start_new_session=True,
        )
        self._in, self._out = cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)
        self.is_at_end = False

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def expect_ready(self) -> Sequence[str]:
        """Wait until it takes a request; return what there is not of a sandbox."""
        kind, lacks = self.read()
        if kind is not Kind.READY:
            raise ClosedError
        return msgspec.json.decode(lacks, type=list[str])

    def write(self, request: bytes) -> None:
        self.is_at_end = False
        try:
            write_frame(self._in.write, Kind.REQUEST, request)
            self._in.flush()
        except OSError as error:
            raise ClosedError from error

    def read(self) -> tuple[Kind, bytes]:
        try:
            kind, data = read_frame(self._out)
        except (OSError, ValueError) as error:
            raise ClosedError from error
        self.is_at_end = kind in (Kind.DONE, Kind.FAILED)
        return kind, data

    def kill(self) -> None:
        with suppress(OSError):
            self._process.kill()
        with suppress(OSError):
            self._in.close()
        self._process.wait()

    def discard(self) -> None:
        """End it, where nobody reads from it any more."""
        self.kill()
        self._out.close()


def _environment() -> dict[str, str]:
    """Nothing of this process's own: no credentials, no proxies."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }


def _tables(compiled: Compiled) -> list[dict[str, Any]]:
    return [
        {
            "alias": asked.alias,
            "columns": [(column.name, duckdb_type(column.type)) for column in asked.table.columns],
            "partitions": [(column.name, duckdb_type(column.type)) for column in asked.table.partitions],
            "format": str(asked.table.format),
            "options": dict(asked.table.options),
            "parts": [
                {
                    "files": [str(path) for path in part.files],
                    "values": list(part.values),
                    "is_packed": part.is_packed,
                }
                for part in asked.table.parts
            ],
        }
        for asked in compiled.asked
    ]
