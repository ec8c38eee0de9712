"""The program of a transform job, run as in a job: a process of its own, by a Python without Stepmill."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stepmill.jobs.toolkit import transform

TOOLKIT = Path(transform.__file__).parent
OLDEST = Path.home() / ".pyenv" / "versions" / "3.8.18" / "bin" / "python"
DOUBLES = """
import os
def model_fn(model_dir): return 2
def transform_fn(model, body, content_type, accept):
    text = body if isinstance(body, str) else body.decode()
    if "bad" in text: raise ValueError("no number: bad")
    if "die" in text: os._exit(9)
    return "".join(f"{float(line) * model:g}\\n" for line in text.splitlines()), "text/csv"
"""
PROGRAM = """#!/usr/bin/env python3
import http.server, json, os, sys
assert sys.argv[1:] == ["serve"], sys.argv
tries = []
class Door(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        said = {"MaxConcurrentTransforms": 2, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1}
        known = self.path in ("/ping", "/execution-parameters")
        self.answer(200 if known else 404, json.dumps(said).encode())
    def do_POST(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        tries.append(body)
        if tries.count(body) < 3 and body == b"again":
            return self.answer(503, b"not yet")
        shown = {name: os.environ.get(name) for name in ("SAGEMAKER_BATCH", "SAGEMAKER_BATCH_STRATEGY")}
        told = f"{len(body)} bytes, {tries.count(body)} tries, {json.dumps(shown)}"
        self.answer(200, told.encode())
    def log_message(self, *_): ...
address = ("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
http.server.ThreadingHTTPServer(address, Door).serve_forever()
"""


class Job:
    """A job's folder, and the program run in it."""

    def __init__(self, base: Path, code: str = DOUBLES) -> None:
        self.base = base
        for folder in ("input/data", "output/data", "model/code"):
            (base / folder).mkdir(parents=True)
        (base / "model" / "code" / "inference.py").write_text(code)
        # As in a job: a copy, alone in its folder.
        shutil.copytree(TOOLKIT, base / "toolkit", ignore=shutil.ignore_patterns("__pycache__"))
        self.config: dict[str, Any] = {
            "containers": [{"base": ".", "command": ["toolkit"], "environment": {}}],
            "prefix": "s3://bucket/in/",
            "beginning": "",
            "content_type": "text/csv",
            "accept": "text/csv",
            "compression": "None",
            "split": "Line",
            "assemble": "Line",
            "strategy": None,
            "max_payload_mb": None,
            "max_concurrent": None,
            "timeout_s": 60,
            "retries": 0,
            "input_filter": "",
            "output_filter": "",
            "join": False,
        }

    def put(self, name: str, content: str | bytes) -> None:
        path = self.base / "input" / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def start(self, python: str = sys.executable, **changes: Any) -> subprocess.Popen[str]:
        (self.base / "toolkit" / "transform.json").write_text(json.dumps({**self.config, **changes}))
        return subprocess.Popen(
            [python, "-S", str(self.base / "toolkit" / "transform.py")],
            env={"PATH": os.environ["PATH"], "SAGEMAKER_BASE_DIR": str(self.base)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
        )

    def run(self, python: str = sys.executable, **changes: Any) -> tuple[int, str]:
        process = self.start(python, **changes)
        log, _ = process.communicate(timeout=120)
        return process.returncode, log

    @property
    def outputs(self) -> dict[str, str]:
        folder = self.base / "output" / "data"
        files = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_text() for path in files}

    @property
    def failure(self) -> str:
        return (self.base / "output" / "failure").read_text()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path / "ml")


def test_objects_in_their_order(job: Job) -> None:
    job.put("b/2.csv", "3\n4")
    job.put("a.csv", "1\n2\n")
    job.put("empty.csv", "")
    code, log = job.run(max_concurrent=3)
    assert code == 0, log
    assert job.outputs == {"a.csv.out": "2\n4\n", "b/2.csv.out": "6\n8\n", "empty.csv.out": ""}
    assert "MaxConcurrentTransforms=3, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD" in log
    assert "3 of 3 objects transformed" in log
    assert not (job.base / "output" / "failure").exists()


def test_many_small_requests_keep_the_order_of_the_records(job: Job) -> None:
    job.put("many.csv", "".join(f"{number}\n" for number in range(500)))
    code, log = job.run(strategy="SingleRecord", max_concurrent=4)
    assert code == 0, log
    assert job.outputs["many.csv.out"] == "".join(f"{number * 2}\n" for number in range(500))


def test_without_assembling_answers_are_put_together_as_they_are(tmp_path: Path) -> None:
    job = Job(tmp_path, "def model_fn(d): ...\ndef transform_fn(m, b, c, a): return '<' + b + '>'")
    job.put("a.csv", "1\n2\n")
    assert job.run(strategy="SingleRecord", assemble="None")[0] == 0
    assert job.outputs == {"a.csv.out": "<1><2>"}


def test_object_that_fails_leaves_the_others(job: Job) -> None:
    job.put("good.csv", "1\n")
    job.put("wrong.csv", "1\n2\nbad\n4\n")
    job.put("worse.csv", "bad\n")
    code, log = job.run(strategy="SingleRecord")
    assert code == 1
    assert job.outputs == {"good.csv.out": "2\n"}
    assert job.failure == (
        "s3://bucket/in/worse.csv: line 1: Bad HTTP status received from algorithm: 500: no number: bad "
        "(2 objects failed.)"
    )
    assert "s3://bucket/in/wrong.csv: line 3: Bad HTTP status" in log
    assert not list((job.base / "output").glob("unfinished/*"))


def test_what_is_packed_is_unpacked_as_it_is_read(job: Job) -> None:
    job.put("a.csv.gz", gzip.compress(b"1\n"))
    job.put("b.csv.gz", gzip.compress(b"1\n2\n" * 1000)[:-9])
    job.put("c.csv.gz", b"not packed")
    code, log = job.run(compression="Gzip")
    assert code == 1
    assert job.outputs == {"a.csv.gz.out": "2\n"}
    assert log.count("The object cannot be read") == 2


def test_server_that_dies_ends_the_job(job: Job) -> None:
    job.put("a.csv", "1\n")
    job.put("b.csv", "die\n")
    job.put("c.csv", "1\n")
    code, _ = job.run()
    assert code == 1
    assert job.failure.startswith("The model server has ended with exit code 9.")
    assert job.outputs == {"a.csv.out": "2\n"}


def test_model_that_cannot_be_loaded(tmp_path: Path) -> None:
    job = Job(tmp_path, "def model_fn(d): raise OSError('weights are gone')")
    job.put("a.csv", "1\n")
    assert job.run()[0] == 1
    assert "with exit code 71. The model cannot be loaded: OSError: weights are gone" in job.failure


class TestOwnProgram:
    @pytest.fixture
    def own(self, job: Job) -> Job:
        program = job.base / "serve-it"
        program.write_text(PROGRAM)
        program.chmod(0o755)
        command = {"base": ".", "command": [str(program), "serve"], "environment": {}}
        job.config["containers"] = [command]
        return job

    def test_it_says_how_it_wants_to_be_asked(self, own: Job) -> None:
        own.put("a", "1\n22\n")
        code, log = own.run()
        assert code == 0, log
        assert "MaxConcurrentTransforms=2, MaxPayloadInMB=1, BatchStrategy=SINGLE_RECORD" in log
        assert [line.partition(",")[0] for line in own.outputs["a.out"].splitlines()] == [
            "1 bytes",
            "2 bytes",
        ]
        assert '"SAGEMAKER_BATCH": "true"' in own.outputs["a.out"]

    def test_what_the_request_says_comes_first(self, own: Job) -> None:
        own.put("a", "1\n22\n")
        code, log = own.run(strategy="MultiRecord", max_concurrent=1, max_payload_mb=3)
        assert code == 0, log
        assert "MaxConcurrentTransforms=1, MaxPayloadInMB=3, BatchStrategy=MULTI_RECORD" in log
        assert '"SAGEMAKER_BATCH_STRATEGY": "MULTI_RECORD"' in own.outputs["a.out"]

    def test_invocation_that_fails_is_tried_again(self, own: Job) -> None:
        own.put("a", "again")
        assert own.run(retries=2)[0] == 0
        assert own.outputs["a.out"].startswith("5 bytes, 3 tries")

    def test_object_is_streamed(self, own: Job) -> None:
        own.put("a", "x" * 2_000_000)
        code, log = own.run(max_payload_mb=0, split="None")
        assert code == 0, log
        assert own.outputs["a.out"].startswith("2000000 bytes")

    def test_program_that_is_not_there(self, own: Job) -> None:
        own.config["containers"][0]["command"] = ["serve-nobody", "serve"]
        own.put("a", "1")
        assert own.run()[0] == 1
        assert "The container cannot be started: serve-nobody: No such file" in own.failure


def test_stop_ends_the_server_too(tmp_path: Path) -> None:
    code = (
        "import os, time\ndef model_fn(d): ...\n"
        "def transform_fn(m, b, c, a):\n    print('pid', os.getpid(), flush=True)\n    time.sleep(600)"
    )
    job = Job(tmp_path, code)
    job.put("a", "1")
    process = job.start()
    assert process.stdout is not None
    line = next(line for line in process.stdout if line.startswith("pid "))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
    with pytest.raises(ProcessLookupError):
        os.kill(int(line.split()[1]), 0)
    assert job.outputs == {}


@pytest.mark.skipif(not OLDEST.exists(), reason="no Python 3.8 here")
def test_oldest_python(job: Job) -> None:
    job.put("a.csv", "x,1\ny,2\n")
    code, log = job.run(str(OLDEST), input_filter="$[1]", join=True, output_filter="$[0,-1]")
    assert code == 0, log
    assert job.outputs == {"a.csv.out": "x,2\ny,4\n"}
