"""A process that runs executions and kills itself at a chosen commit. Started as a program.

It reads one run per line from its standard input, as JSON (see ``Run``), does each in a child that
it forks, so that what takes long to import is imported once, and answers each with a line: the
child's exit code, negative for a signal.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import msgspec

from stepmill.core.tasks import (
    Report,
    Task,
    TaskFailed,
    TaskHandler,
    TaskStarted,
    TaskStopped,
    TaskSucceeded,
)
from stepmill.engine.engine import Engine
from stepmill.engine.machines.control import MachineControl
from stepmill.engine.machines.iterations import RESOURCE, IterationHandler
from stepmill.engine.machines.language import MachinePlans, StatesLanguage
from stepmill.engine.machines.reading import MachineExecutionReader
from stepmill.language.states.checking import read as read_machine
from stepmill.storage.database import Database
from stepmill.storage.executions import STATES
from stepmill.storage.sql_executions import SqlExecutionStore
from support.engines import ARNS, LIMIT, request
from support.machine_homes import ARNS as STATES_ARNS
from support.machine_homes import start_of
from support.stating import SEND


class Run(msgspec.Struct):
    """What a child is to do.

    Args:
        home: Folder of the database, the locks and the effects.
        action: ``start``, ``stop`` (start first, stop once a step is held), ``retry``, ``resume``, or
            ``machine``: start a state machine.
        definition: Text of the document to start.
        when: Whether the child dies just ``before`` or just ``after`` a commit; empty: not at all.
        commit: Number of that commit, from 1.
    """

    home: str
    action: str
    definition: str = ""
    when: str = ""
    commit: int = 0


class FastClock:
    """The machine's clock, twenty times as fast, the same in all processes."""

    _START = 1_767_225_600.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=20 * (time.time() - self._START))


class EffectHandler:
    """Leaves one file per task: what it did, once whatever happens. A second time would raise.

    Steps are told what to do by their names: ``Faulty...`` fails its first attempt with an error
    that is retried, ``Held...`` waits to be stopped, ``Failing...`` fails as long as the file
    ``failing`` is there.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._effects = home / "effects"
        self._effects.mkdir(exist_ok=True)
        self._reports: dict[str, Report] = {}

    def start(self, task: Task, report: Report) -> None:
        self._reports[task.id] = report
        report(TaskStarted(task.id, {"Lambda": {"Arn": "arn"}}))
        attempt = int(task.id.rsplit("/", 1)[1])
        if task.step.startswith("Faulty") and attempt == 1:
            report(TaskFailed(task.id, "Step.SERVICE_FAULT", "Busy."))
        elif task.step.startswith("Failing") and (self._home / "failing").exists():
            report(TaskFailed(task.id, "AlgorithmError", "No luck."))
        elif task.step.startswith("Held"):
            (self._home / "held").touch()
            if self._effect(task, "stopped").exists():
                report(TaskStopped(task.id))
        else:
            effect = self._effect(task, "done")
            if not effect.exists():  # the work of this task id was not done before
                effect.touch(exist_ok=False)
            report(TaskSucceeded(task.id, {"OutputParameters": {"verdict": "good"}}))

    def stop(self, task: Task) -> None:
        self._effect(task, "stopped").touch()
        self._reports[task.id](TaskStopped(task.id))

    def _effect(self, task: Task, kind: str) -> Path:
        return self._effects / f"{task.id.replace('/', '=')}={kind}"


def open_engine(home: Path) -> tuple[Engine, Database]:
    database = Database.open_sqlite(home / "stepmill.db")
    store, handler = SqlExecutionStore(database), EffectHandler(home)
    plans = MachinePlans(store.definition, read_machine)
    iterations = IterationHandler(store, plans, lambda: engine, clock=FastClock(), arns=STATES_ARNS)
    handlers: dict[str, TaskHandler] = {SEND: handler, RESOURCE: iterations}
    try:
        engine = Engine(
            store,
            {"lambda:invoke": handler},
            clock=FastClock(),
            arns=ARNS,
            locks=home / "engines",
            others=[(StatesLanguage(plans), handlers)],
        )
    except BaseException:
        database.close()
        raise
    return engine, database


def control_of(engine: Engine, home: Path) -> MachineControl:
    """What can be asked of the executions of machines that an engine drives."""
    store = engine._store
    plans = MachinePlans(store.definition, read_machine)
    reader = MachineExecutionReader(store, home / "engines")
    return MachineControl(store, reader, plans, engine, clock=FastClock(), arns=STATES_ARNS)


class Processes:
    """The other side: has runs done in children. Use in ``with``."""

    def __enter__(self) -> Self:
        tests = str(Path(__file__).parents[1])
        self._server = subprocess.Popen(
            [sys.executable, "-m", "support.durable"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": tests},
            start_new_session=True,
        )
        return self

    def __exit__(self, *_error: object) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._server.pid, signal.SIGKILL)  # a test that failed may have left a child
        self._server.wait()
        self._server.stdout.close()

    def run(self, home: Path, action: str, **options: Any) -> bool:
        """Have a run done in a process of its own; return whether it was killed on its way."""
        self.begin(home, action, **options)
        return self.end()

    def begin(self, home: Path, action: str, **options: Any) -> None:
        """Have a run done while the caller does something else."""
        assert self._server.stdin is not None
        self._server.stdin.write(msgspec.json.encode(Run(str(home), action, **options)) + b"\n")
        self._server.stdin.flush()

    def end(self) -> bool:
        """Wait for the end of the run that was begun; return whether it was killed."""
        assert self._server.stdout is not None
        code = int(self._server.stdout.readline())
        assert code in (0, -signal.SIGKILL), f"A run ended with {code}."
        return code != 0


def _die_at_commit(database: Database, when: str, number: int) -> None:
    """Have this process killed just before or just after that commit to the database."""
    dialect = database.engine.dialect
    commit: Callable[[Any], None] = dialect.do_commit
    seen = 0

    def do_commit(connection: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == number and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        commit(connection)
        if seen == number and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    dialect.do_commit = do_commit  # type: ignore[method-assign]


def _do(run: Run) -> None:
    home = Path(run.home)
    (home / "pid").write_text(str(os.getpid()))
    engine, database = open_engine(home)
    if run.when:
        _die_at_commit(database, run.when, run.commit)
    match run.action:
        case "start":
            engine.wait(engine.start(request(run.definition)), LIMIT)
        case "stop":
            execution = engine.start(request(run.definition))
            wait_for_file(home / "held")
            engine.stop(execution)
            engine.wait(execution, LIMIT)
        case "retry":
            execution = engine.executions.find().executions[0].id
            engine.retry(execution)
            engine.wait(execution, LIMIT)
        case "machine":
            control = control_of(engine, home)
            control.wait(control.start(start_of(run.definition)).id, LIMIT)
        case "resume":
            control = control_of(engine, home)
            for execution in engine.resume():
                if engine._store.get(execution).language == STATES:
                    control.wait(execution, LIMIT)
                else:
                    engine.wait(execution, LIMIT)
    engine.close()
    database.close()


def wait_for_file(path: Path) -> None:
    """Wait until another process has made that file."""
    deadline = time.monotonic() + LIMIT.total_seconds()
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.005)


def _serve() -> None:
    for line in sys.stdin.buffer:
        run = msgspec.json.decode(line, type=Run)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                _do(run)
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    _serve()
