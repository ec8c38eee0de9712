"""Runs of the whole platform in processes of their own, killed where a test says; what is left is counted.

Run as a module it is a server: it reads runs from standard input as JSON (see ``Run``), does each in a
child that it forks, and answers each with a line: the child's exit code, negative for a signal, and how
many commits the child made. What a child imported on its way is there for those that come after it.
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
from collections import Counter
from pathlib import Path
from typing import Any, Self

import msgspec
import sqlalchemy as sa

from stepmill.platform import Platform, StartOptions, load_settings
from stepmill.storage.layout import HomeLayout
from stepmill.storage.server_file import RunningServer, ServerFile, running_server
from support.cli import PYTHON_IMAGE, ROLE, definition, eventually, processing

LIMIT_S = 120.0


class Run(msgspec.Struct):
    """What a child is to do.

    Args:
        project: Folder in which it is done; the home is ``.stepmill`` in it.
        definition: Text of the document to start; empty: resume what waits.
        serves: Whether it is the server of the home instead, until the file ``end`` is in the project.
        when: Whether the child dies just ``before`` or just ``after`` a commit; empty: not at all.
        commit: Number of that commit, from 1.
    """

    project: str
    definition: str = ""
    when: str = ""
    commit: int = 0
    serves: bool = False


class Ended(msgspec.Struct):
    """How a child ended."""

    code: int
    commits: int

    @property
    def was_killed(self) -> bool:
        return self.code == -signal.SIGKILL


class Runs:
    """The other side: has runs done in children. Use in ``with``."""

    def __enter__(self) -> Self:
        tests = str(Path(__file__).parents[1])
        self._server = subprocess.Popen(
            [sys.executable, "-m", "support.platform_runs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": tests},
        )
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.communicate(timeout=LIMIT_S)

    def run(self, project: Path, text: str = "", when: str = "", commit: int = 0) -> Ended:
        """Have a run done in a process of its own, until its end or its death."""
        self._begin(Run(str(project), text, when, commit))
        return self.end()

    def serve(self, project: Path, when: str = "", commit: int = 0) -> None:
        """Let a process be the server of a home; return once it can be found. ``end`` waits for its end."""
        self._begin(Run(str(project), "", when, commit, serves=True))
        home = HomeLayout(load_settings(project, {}).home)
        eventually(lambda: running_server(home.server), "the server")

    def _begin(self, run: Run) -> None:
        assert self._server.stdin is not None
        self._server.stdin.write(msgspec.json.encode(run) + b"\n")
        self._server.stdin.flush()

    def end(self) -> Ended:
        """Wait for the end or the death of the process that was begun."""
        assert self._server.stdout is not None
        ended = msgspec.json.decode(self._server.stdout.readline(), type=Ended)
        assert ended.code in (0, -signal.SIGKILL), f"A run ended with {ended.code}."
        return ended


class Counters:
    """Counts what jobs do in the world outside: each connects and says a name. Use in ``with``."""

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self._socket.getsockname()[1]
        self._said: list[str] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        # A blocked accept does not notice that its socket is closed.
        with socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT_S) as last:
            last.sendall(b"end")
        self._thread.join(LIMIT_S)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                text = b""
                while piece := connection.recv(1000):
                    text += piece
                if text == b"end":
                    return
                self._said.append(text.decode())
                connection.sendall(b"heard")

    def of(self, project: Path) -> Counter[str]:
        """Return how often each name was said in a project."""
        said = [line.split(" ", 1) for line in self._said]
        return Counter(name for project_name, name in said if project_name == project.name)


_TELL = """
import socket
def tell(text):
    with socket.create_connection(("127.0.0.1", PORT), timeout=60) as connection:
        connection.sendall(("PROJECT " + text).encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b"heard"
"""

_PREPARE = """
import json, pathlib
tell("prepare")
pathlib.Path("/opt/ml/processing/output/data/numbers").write_text("1 2 3")
pathlib.Path("/opt/ml/processing/output/report/report.json").write_text(json.dumps({"count": 3}))
"""

_TRAIN = """
import pathlib
tell("train")
numbers = pathlib.Path("/opt/ml/input/data/data/numbers").read_text().split()
print("rmse=0.5;")
pathlib.Path("/opt/ml/model/model.txt").write_text(str(sum(map(int, numbers))))
"""


def small_pipeline(project: Path, port: int) -> str:
    """Write the scripts of Prepare -> Train -> Gate -> Register into a project; return the definition."""
    project.mkdir(parents=True, exist_ok=True)
    tell = _TELL.replace("PORT", str(port)).replace("PROJECT", project.name)
    (project / "prepare.py").write_text(tell + _PREPARE)
    (project / "source").mkdir(exist_ok=True)
    (project / "source" / "train.py").write_text(tell + _TRAIN)
    cached = {"CacheConfig": {"Enabled": True, "ExpireAfter": "30d"}}
    prepare = processing("Prepare", "prepare.py", outputs={"data": None, "report": None}, **cached)
    prepare["PropertyFiles"] = [
        {"PropertyFileName": "Report", "OutputName": "report", "FilePath": "report.json"}
    ]
    count = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Prepare.PropertyFiles.Report"}, "Path": "count"}}
    gate = {
        "Name": "Gate",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [
                {"Type": "Equals", "LeftValue": count, "RightValue": 3},
                {
                    "Type": "LessThan",
                    "LeftValue": {"Get": "Steps.Train.FinalMetricDataList['rmse'].Value"},
                    "RightValue": 1,
                },
            ],
            "IfSteps": [registering()],
            "ElseSteps": [],
        },
    }
    data = {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['data'].S3Output.S3Uri"}
    document = definition(prepare, training("Train", {"data": data}, **cached), gate)
    return msgspec.json.encode(document).decode()


def training(name: str, channels: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """Return a Training step that runs ``source/train.py``, and measures ``rmse``."""
    inputs = {"code": "source", **channels}
    return {
        "Name": name,
        "Type": "Training",
        "Arguments": {
            "AlgorithmSpecification": {
                "TrainingImage": PYTHON_IMAGE,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/train.py"],
                "MetricDefinitions": [{"Name": "rmse", "Regex": "rmse=([0-9.]+);"}],
            },
            "InputDataConfig": [
                {
                    "ChannelName": channel,
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": uri,
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                }
                for channel, uri in inputs.items()
            ],
            "OutputDataConfig": {"S3OutputPath": "s3://models/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            "RoleArn": ROLE,
        },
        **keys,
    }


def registering(step: str = "Train") -> dict[str, Any]:
    """Return a step that registers the model of a Training step in the group ``small``."""
    return {
        "Name": "Register",
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": "small",
            "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {
                "Containers": [
                    {
                        "Image": PYTHON_IMAGE,
                        "ModelDataUrl": {"Get": f"Steps.{step}.ModelArtifacts.S3ModelArtifacts"},
                    }
                ],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        },
    }


def open_platform(project: Path) -> Platform:
    """Open the home of a project in this process."""
    return Platform(load_settings(project, {}))


def count_commits(platform: Platform, when: str, number: int) -> list[int]:
    """Have this process killed just before or after that commit of the platform; count them in a list."""
    dialect = platform._database.engine.dialect
    commit = dialect.do_commit
    seen = [0]
    lock = threading.Lock()

    def do_commit(connection: Any) -> None:
        with lock:
            seen[0] += 1
            is_it = seen[0] == number
        if is_it and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        commit(connection)
        if is_it and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    dialect.do_commit = do_commit  # type: ignore[method-assign]
    return seen


def count_rows(platform: Platform, table: str) -> int:
    """Return how many rows a table of the home's database has."""
    with platform._database.engine.connect() as connection:
        return int(connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())


def _serve_home(run: Run) -> int:
    project = Path(run.project)
    settings = load_settings(project, {})
    with Platform(settings, serves=True) as platform:
        file = ServerFile.acquire(platform.layout.server)
        engine = platform.own_engine
        seen = count_commits(platform, run.when, run.commit)
        file.announce(RunningServer("http://127.0.0.1:1", os.getpid(), engine.id, str(settings.project)))
        while not (project / "end").exists():
            time.sleep(0.01)
        file.release()
        return seen[0]


def _do(run: Run) -> int:
    if run.serves:
        return _serve_home(run)
    with open_platform(Path(run.project)) as platform:
        seen = count_commits(platform, run.when, run.commit)
        if run.definition:
            version = platform.deploy("small", run.definition)
            executions = [platform.start(version, StartOptions({}))]
        else:
            executions = platform.engine.resume()
        for execution in executions:
            platform.engine.wait(execution)
        return seen[0]


def _serve() -> None:
    for line in sys.stdin.buffer:
        run = msgspec.json.decode(line, type=Run)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                commits = _do(run)
                names = [name for name in sys.modules if name.startswith("stepmill.")]
                os.write(write, msgspec.json.encode((commits, names)))
                code = 0
            finally:
                os._exit(code)
        os.close(write)
        with os.fdopen(read) as pipe:
            _, status = os.waitpid(child, 0)
            # Not read to the end: a job's supervisor may hold the other side.
            told = os.read(pipe.fileno(), 65_536) if status == 0 else b""
        commits, imported = msgspec.json.decode(told or b"[0, []]", type=tuple[int, list[str]])
        for name in imported:
            importlib.import_module(name)
        answer = Ended(os.waitstatus_to_exitcode(status), commits)
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve()
