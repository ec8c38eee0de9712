"""The command line as users have it: processes of their own, in a folder and a home of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from stepmill.cli.steps import execution_document
from stepmill.engine.summaries import ExecutionSummary
from stepmill.platform import Platform, load_settings

T = TypeVar("T")

# Until then everything must have happened, however busy the machine is.
LIMIT_S = 120.0

PYTHON_IMAGE = "stepmill-python:3"
ROLE = "arn:aws:iam::123456789012:role/R"


@dataclass(frozen=True)
class Answer:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        """The JSON documents on standard output, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    def ok(self) -> Answer:
        """Hold that it went well."""
        assert self.code == 0, f"exit code {self.code}\n{self.out}\n{self.err}"
        return self


def eventually(look: Callable[[], T | None], what: str, limit_s: float = LIMIT_S) -> T:
    """Look until there is something, and return it."""
    deadline = time.monotonic() + limit_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} never came"
        time.sleep(0.02)
    return found


class Running:
    """A command that was started and is not waited for."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self.process = process
        self._out = out
        self._err = err

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def until(self, text: str) -> None:
        """Wait until it has written that."""
        self.until_there_is(lambda: text in self.out + self.err, repr(text))

    def until_there_is(self, look: Callable[[], T | None], what: str) -> T:
        """Look, while it runs, until there is something, and return it."""

        def look_while_running() -> T | None:
            has_ended = self.process.poll() is not None
            found = look()
            assert found or not has_ended, f"it ended without {what}:\n{self.out}\n{self.err}"
            return found

        return eventually(look_while_running, what)

    def interrupt(self) -> None:
        """Do what Ctrl-C does: SIGINT to the process group of the terminal's foreground job."""
        os.killpg(self.process.pid, signal.SIGINT)

    def kill(self) -> None:
        """Kill -9, this process alone."""
        self.process.kill()
        self.process.wait(LIMIT_S)

    def end(self) -> Answer:
        """Wait for its end."""
        code = self.process.wait(LIMIT_S)
        return Answer(code, self.out, self.err)


@dataclass
class Cli:
    """Runs ``python -m stepmill`` in a folder.

    Args:
        folder: Where commands are started.
        home: Their STEPMILL_HOME.
    """

    folder: Path
    home: Path
    _started: list[Running] = field(default_factory=list)

    def __call__(self, *arguments: str | Path, **environment: str) -> Answer:
        """Run a command to its end."""
        done = subprocess.run(
            self._command(arguments),
            cwd=self.folder,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *arguments: str | Path, **environment: str) -> Running:
        """Start a command, in a process group of its own as a shell would."""
        number = len(self._started)
        out, err = self.folder / f".out-{number}", self.folder / f".err-{number}"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                self._command(arguments),
                cwd=self.folder,
                env=self.environment(**environment),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        self._started.append(Running(process, out, err))
        return self._started[-1]

    def environment(self, **more: str) -> dict[str, str]:
        """Return the variables of a command."""
        plain = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        return {**plain, "STEPMILL_HOME": str(self.home), "PYTHONWARNINGS": "error", **more}

    def write(self, name: str, text: str | dict[str, Any]) -> Path:
        """Write a file into the folder; a document becomes JSON."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        return path

    def platform(self) -> Platform:
        """Open the home in this process, to look into it."""
        return Platform(load_settings(self.folder, {"STEPMILL_HOME": str(self.home)}))

    def executions(self) -> list[ExecutionSummary]:
        """Return all executions, newest first."""
        with self.platform() as platform:
            return list(platform.executions.find().executions)

    def show(self, execution: str = "") -> Any:
        """Return what ``show --json`` says of an execution, the newest by default."""
        with self.platform() as platform:
            found = execution_document(platform, platform.find_execution(execution).id)
        return msgspec.json.decode(msgspec.json.encode(found, enc_hook=str))

    def close(self) -> None:
        """Kill what still runs, and stop the jobs that a killed command left behind."""
        was_killed = False
        for running in self._started:
            if running.process.poll() is None:
                running.kill()
            was_killed |= (running.process.returncode or 0) < 0
        if was_killed:
            for execution in self.executions():
                if not execution.status.is_final:
                    self("stop", execution.id)

    @staticmethod
    def _command(arguments: tuple[str | Path, ...]) -> list[str]:
        return [sys.executable, "-m", "stepmill", *map(str, arguments)]


def statuses(document: Any) -> dict[str, str]:
    """Return step -> status of what ``show --json`` says."""
    return {step["StepName"]: step["StepStatus"] for step in document["steps"]}


def definition(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a definition with these steps."""
    return {"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": list(steps), **more}


def processing(
    name: str,
    code: str,
    *,
    arguments: list[Any] | None = None,
    inputs: dict[str, str] | None = None,
    outputs: dict[str, str | None] | None = None,
    image: str = PYTHON_IMAGE,
    request: dict[str, Any] | None = None,
    **keys: Any,
) -> dict[str, Any]:
    """Return a Processing step that runs one script.

    Args:
        name: The step's.
        code: Path of the script: on this machine, or an address.
        arguments: Of the script.
        inputs: Name -> address or path.
        outputs: Name -> where to; ``None``: where the platform likes.
        image: It runs in.
        request: More of CreateProcessingJob's request.
        keys: More keys of the step.
    """
    folder = "/opt/ml/processing"
    sources = {"code": code, **(inputs or {})}
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.t3.medium", "InstanceCount": 1, "VolumeSizeInGB": 1}
            },
            "AppSpecification": {
                "ImageUri": image,
                "ContainerEntrypoint": ["python3", f"{folder}/input/code/{Path(code).name}"],
                **({"ContainerArguments": arguments} if arguments else {}),
            },
            "RoleArn": ROLE,
            "ProcessingInputs": [
                {
                    "InputName": key,
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"{folder}/input/{key}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
                for key, uri in sources.items()
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": key,
                        "S3Output": {
                            "S3Uri": uri or f"s3://outputs/{name}/{key}",
                            "LocalPath": f"{folder}/output/{key}",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                    for key, uri in (outputs or {}).items()
                ]
            },
            **(request or {}),
        },
        **keys,
    }


_WAIT = """
import pathlib, signal, sys, time

def leave(number, frame):
    print("asked to end", flush=True)
    sys.exit(3)

signal.signal(signal.SIGTERM, leave)
print("waiting", flush=True)
door = pathlib.Path("/opt/ml/processing/input/door")
while not (door / sys.argv[1]).exists():
    time.sleep(0.01)
print("done")
pathlib.Path("/opt/ml/processing/output/result/done").write_text(sys.argv[1])
"""


def waiting_step(cli: Cli, door: str = "go", name: str = "Wait", **keys: Any) -> dict[str, Any]:
    """Return a step that waits until a door is opened; SIGTERM ends it."""
    (cli.folder / "door").mkdir(exist_ok=True)
    cli.write("wait.py", _WAIT)
    return processing(
        name, "wait.py", inputs={"door": "door"}, outputs={"result": None}, arguments=[door], **keys
    )


def open_door(cli: Cli, door: str = "go") -> None:
    """Let the step that waits there go on."""
    (cli.folder / "door" / door).touch()
