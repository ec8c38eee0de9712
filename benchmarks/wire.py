"""Describe and list calls from 8 clients, beside moto's server in the same run; the server's start and size.

Both servers hold the same things: pipelines, model packages and their groups, and the same calls go to both.
The clients send requests that were signed before, so that they are not what is measured.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3

from benchmarks.support import environment, seconds_asked
from benchmarks.wire_clients import Load, Outcome, send_load, signed_requests

CLIENTS = 8
SECONDS = 30.0
STARTS = 5
THINGS = 20
_STEP = '{"Name":"Stop","Type":"Fail","Arguments":{"ErrorMessage":"no"}}'
_DEFINITION = f'{{"Version":"2020-12-01","Metadata":{{}},"Parameters":[],"Steps":[{_STEP}]}}'
_ROLE = "arn:aws:iam::123456789012:role/R"


def installed(**more: str) -> dict[str, str]:
    """Return the variables of a program that is installed: its modules were compiled when they came."""
    return {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        **more,
    }


@contextmanager
def stepmill(folder: Path) -> Iterator[tuple[str, str, str, int]]:
    """Give the address, the key, its secret and the process id of a server of a new home."""
    variables = installed(STEPMILL_HOME=str(folder / "home"))
    command = [sys.executable, "-m", "stepmill"]
    server = subprocess.Popen(
        [*command, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True, cwd=folder, env=variables
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().split()[1]
        said = subprocess.run(
            [*command, "env"], capture_output=True, text=True, cwd=folder, env=variables, check=True
        )
        exports = dict(
            line.removeprefix("export ").split("=", 1) for line in said.stdout.splitlines() if "=" in line
        )
        values = {name: value.strip("'\"") for name, value in exports.items()}
        yield url, values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"], server.pid
    finally:
        server.terminate()
        server.wait(60)


@contextmanager
def moto() -> Iterator[tuple[str, str, str, int]]:
    """Give the same of moto's server."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline_s = time.monotonic() + 60
        while time.monotonic() < deadline_s:
            try:
                urllib.request.urlopen(f"{url}/moto-api/", timeout=5).close()
                break
            except OSError:
                time.sleep(0.05)
        yield url, "test", "test", server.pid
    finally:
        server.terminate()
        server.wait(60)


def fill(url: str, key: str, secret: str) -> None:
    """Make the things that are asked for."""
    client = boto3.client(
        "sagemaker",
        endpoint_url=url,
        region_name="us-west-2",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )
    for number in range(THINGS):
        client.create_pipeline(
            PipelineName=f"pipeline-{number}",
            PipelineDefinition=_DEFINITION,
            RoleArn=_ROLE,
            ClientRequestToken=f"{number:032}",
        )
        client.create_model_package_group(ModelPackageGroupName=f"group-{number}")


def calls() -> list[tuple[str, str, dict]]:  # type: ignore[type-arg]
    """Return what is asked, in turn."""
    return [
        ("sagemaker", "describe_pipeline", {"PipelineName": "pipeline-3"}),
        ("sagemaker", "list_pipelines", {"MaxResults": 10}),
        ("sagemaker", "describe_model_package_group", {"ModelPackageGroupName": "group-5"}),
        ("sagemaker", "list_model_package_groups", {"MaxResults": 10}),
    ]


def measure(server: tuple[str, str, str, int], seconds: float) -> Outcome:
    """Send the load to a server."""
    url, key, secret, _ = server
    return send_load(Load(url, signed_requests(url, key, secret, calls()), CLIENTS, seconds))


def show(name: str, outcome: Outcome, seconds: float) -> float:
    """Print what came of it; return the requests per second."""
    rate = len(outcome.latencies_s) / seconds
    print(
        f"{name}: {rate:.0f} requests/s, p50 {outcome.percentile_ms(0.5):.2f} ms, "
        f"p99 {outcome.percentile_ms(0.99):.2f} ms, {outcome.errors} errors",
        flush=True,
    )
    return rate


def start_s(folder: Path) -> float:
    """Return the seconds from the command to the first answer, in a new home."""
    begin_s = time.perf_counter()
    with stepmill_bare(folder) as url:
        urllib.request.urlopen(f"{url}/_stepmill/health", timeout=60).close()
        return time.perf_counter() - begin_s


@contextmanager
def stepmill_bare(folder: Path) -> Iterator[str]:
    """Give the address of a server of a new home, as soon as it says that it is ready."""
    server = subprocess.Popen(
        [sys.executable, "-m", "stepmill", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=installed(STEPMILL_HOME=str(folder)),
    )
    try:
        assert server.stdout is not None
        yield server.stdout.readline().split()[1]
    finally:
        server.terminate()
        server.wait(60)


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def main() -> None:
    """Print the figures."""
    seconds = seconds_asked(__doc__, SECONDS)
    print(environment())
    with tempfile.TemporaryDirectory(prefix="stepmill-bench-") as name:
        folder = Path(name)
        start_s(folder / "first")
        starts = sorted(start_s(folder / f"home-{number}") for number in range(STARTS))
        print(
            f"start to first answer: {starts[STARTS // 2]:.2f} s "
            f"({starts[0]:.2f} to {starts[-1]:.2f}); mark: < 1.5"
        )
        with stepmill(folder) as ours, moto() as theirs:
            print(f"idle: {resident_mb(ours[3]):.0f} MB (moto {resident_mb(theirs[3]):.0f} MB); mark: < 150")
            for server in (ours, theirs):
                fill(*server[:3])
                measure(server, min(2.0, seconds))
            our_rate = show("stepmill", measure(ours, seconds), seconds)
            their_rate = show("moto", measure(theirs, seconds), seconds)
            print(f"ratio {our_rate / their_rate:.1f}; mark: >= 3, no error")
            print(f"after the load: {resident_mb(ours[3]):.0f} MB")


if __name__ == "__main__":
    main()
