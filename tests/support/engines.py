"""Engines over a real database, and definitions of steps that cost nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from stepmill.core.arns import Arns
from stepmill.core.clock import Clock, SystemClock
from stepmill.core.json import write_json
from stepmill.core.tasks import TaskHandler
from stepmill.engine.engine import Engine
from stepmill.engine.starting import StartRequest
from stepmill.storage.database import Database
from stepmill.storage.sql_executions import SqlExecutionStore

ARNS = Arns("us-west-2", "123456789012")
FUNCTION = ARNS.function("f")

# A test that waits longer has failed; a busy machine needs seconds.
LIMIT = timedelta(seconds=60)


def lambda_step(name: str, *after: str, **keys: Any) -> dict[str, Any]:
    """A step whose work one handler does, and that any number of steps may follow."""
    return {"Name": name, "Type": "Lambda", "FunctionArn": FUNCTION, "DependsOn": list(after), **keys}


def definition(*steps: Mapping[str, Any], parameters: Sequence[Mapping[str, Any]] = ()) -> str:
    return write_json({"Version": "2020-12-01", "Parameters": list(parameters), "Steps": list(steps)})


def chain(*names: str) -> str:
    """One step after another."""
    return definition(*(lambda_step(name, *names[max(0, i - 1) : i]) for i, name in enumerate(names)))


def request(text: str, **options: Any) -> StartRequest:
    return StartRequest(pipeline="P", definition=text, **options)


class Home:
    """A folder in which any number of engines run, each as if in a process of its own."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self.folder = folder
        self.clock = clock or SystemClock()
        self.databases: list[Database] = []
        self._engines: list[Engine] = []

    def store(self) -> SqlExecutionStore:
        """The store alone, over a connection pool of its own."""
        self.databases.append(Database.open_sqlite(self.folder / "stepmill.db"))
        return SqlExecutionStore(self.databases[-1])

    def engine(self, handler: TaskHandler, **options: Any) -> Engine:
        """A new engine; ``close`` ends it."""
        handlers = {"lambda:invoke": handler, "callback": handler, "stepmill:readJson": handler}
        engine = Engine(
            self.store(),
            handlers,
            clock=self.clock,
            arns=ARNS,
            locks=self.folder / "engines",
            **options,
        )
        self._engines.append(engine)
        return engine

    def close(self) -> None:
        for engine in self._engines:
            engine.close()
        for database in self.databases:
            database.close()


@contextmanager
def open_home(folder: Path, clock: Clock | None = None) -> Iterator[Home]:
    home = Home(folder, clock)
    try:
        yield home
    finally:
        home.close()
