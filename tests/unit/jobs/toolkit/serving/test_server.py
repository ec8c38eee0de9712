"""The model server, run as a container would run it: a process of its own, by a Python without Stepmill."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stepmill.jobs.toolkit import serve

TOOLKIT = Path(serve.__file__).parent
OLDEST = Path.home() / ".pyenv" / "versions" / "3.8.18" / "bin" / "python"
CODE = """
import os, time
def model_fn(model_dir): return 7
def transform_fn(model, body, content_type, accept):
    if body == "die": os._exit(9)
    if body == "slow": time.sleep(0.3)
    return f"{os.getpid()} {len(body)} {model}"
def execution_parameters_fn(): return {"MaxConcurrentTransforms": 3, "BatchStrategy": "SINGLE_RECORD"}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    def __init__(self, base: Path, code: str = CODE, python: str = sys.executable, **variables: str) -> None:
        (base / "model" / "code").mkdir(parents=True)
        (base / "model" / "code" / "inference.py").write_text(code)
        # As in a job: a copy, alone in its folder.
        shutil.copytree(TOOLKIT, base / "toolkit", ignore=shutil.ignore_patterns("__pycache__"))
        self.port = free_port()
        self.process = subprocess.Popen(
            [python, "-S", str(base / "toolkit" / "serve.py"), "serve"],
            env={
                "PATH": os.defpath,
                "SAGEMAKER_BASE_DIR": str(base),
                "SAGEMAKER_BIND_TO_PORT": str(self.port),
                "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
                **variables,
            },
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
        )

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ready(self) -> Server:
        for _ in range(3000):
            assert self.process.poll() is None, self.process.communicate()
            try:
                if self.get("/ping")[0] == 200:
                    return self
            except OSError:
                time.sleep(0.01)
        raise AssertionError("it never answered")

    def get(self, path: str) -> tuple[int, bytes]:
        with closing(self.connect()) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def post(self, body: bytes, path: str = "/invocations") -> tuple[int, bytes]:
        with closing(self.connect()) as connection:
            connection.request("POST", path, body, {"Content-Type": "text/csv"})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def end(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=60)[1]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "ml").ready()
    yield server
    server.end()


class TestDoors:
    def test_execution_parameters(self, server: Server) -> None:
        status, body = server.get("/execution-parameters")
        assert (status, body) == (200, b'{"MaxConcurrentTransforms": 3, "BatchStrategy": "SINGLE_RECORD"}')

    def test_many_requests_over_one_connection(self, server: Server) -> None:
        with closing(server.connect()) as connection:
            for size in (0, 1, 100_000):
                connection.request("POST", "/invocations", b"x" * size, {"Content-Type": "text/csv"})
                answer = connection.getresponse()
                assert (answer.status, answer.read().split()[1:]) == (200, [str(size).encode(), b"7"])

    def test_chunked_body(self, server: Server) -> None:
        chunks = (b"abc", b"defg" * 1000)
        with closing(server.connect()) as connection:
            connection.request(
                "POST", "/invocations", iter(chunks), {"Content-Type": "text/csv"}, encode_chunked=True
            )
            assert connection.getresponse().read().split()[1] == b"4003"

    @pytest.mark.parametrize("path", ["/other", "/"])
    def test_other_paths_are_404(self, server: Server, path: str) -> None:
        assert server.get(path)[0] == 404
        assert server.post(b"x", path)[0] == 404

    def test_hostile_length(self, server: Server) -> None:
        with closing(server.connect()) as connection:
            connection.putrequest("POST", "/invocations")
            connection.putheader("Content-Length", str(1 << 50))
            connection.endheaders()
            assert connection.getresponse().status == 413
        assert server.get("/ping")[0] == 200

    def test_requests_are_in_the_log(self, server: Server) -> None:
        server.post(b"1,2")
        assert '"POST /invocations HTTP/1.1" 200 3 bytes' in server.end()


class TestTeam:
    def test_processes_share_the_work_and_one_that_dies_is_replaced(self, tmp_path: Path) -> None:
        server = Server(tmp_path / "ml", SAGEMAKER_MODEL_SERVER_WORKERS="2").ready()
        found: list[bytes] = []

        def ask() -> None:
            found.append(server.post(b"slow")[1].split()[0])

        for _ in range(20):
            threads = [threading.Thread(target=ask) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if len(set(found)) == 2:
                break
        assert len(set(found)) == 2, "requests at the same time go to two processes"
        with pytest.raises((OSError, http.client.HTTPException)):
            server.post(b"die")
        assert server.process.stderr is not None
        assert any("has ended with 9; it is started again" in line for line in server.process.stderr)
        assert server.post(b"1")[0] == 200
        server.end()

    def test_log_is_quiet_in_a_batch_job(self, tmp_path: Path) -> None:
        server = Server(tmp_path / "ml", SAGEMAKER_BATCH="true").ready()
        server.post(b"1,2")
        assert server.end() == ""


class TestFailures:
    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_model_that_cannot_be_loaded_ends_the_server(self, tmp_path: Path, workers: str) -> None:
        code = "def model_fn(d): raise RuntimeError('weights are gone')"
        server = Server(tmp_path / "ml", code, SAGEMAKER_MODEL_SERVER_WORKERS=workers)
        _, log = server.process.communicate(timeout=60)
        assert server.process.returncode == 71
        assert "weights are gone" in log

    def test_requirements_that_cannot_be_had(self, tmp_path: Path) -> None:
        base = tmp_path / "ml"
        (base / "code").mkdir(parents=True)
        (base / "code" / "requirements.txt").write_text("/nowhere/at-all.whl\n")
        server = Server(base, SAGEMAKER_SUBMIT_DIRECTORY="s3://b/sourcedir.tar.gz")
        _, log = server.process.communicate(timeout=120)
        assert server.process.returncode == 71
        assert "pip install -r requirements.txt failed" in log

    @pytest.mark.skipif(not OLDEST.exists(), reason="no Python 3.8 here")
    def test_oldest_python(self, tmp_path: Path) -> None:
        server = Server(tmp_path / "ml", python=str(OLDEST)).ready()
        assert server.post(b"123")[1].endswith(b" 3 7")
        server.end()
