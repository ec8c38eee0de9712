"""``stepmill serve`` as a process: its first word, its home, its signals, its end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import botocore.config
import botocore.exceptions
import pytest

from stepmill.cli.exit_codes import ExitCode
from stepmill.storage.layout import HomeLayout
from stepmill.storage.server_file import RunningServer, running_server
from support import wire_process
from support.cli import Cli, Running, definition, eventually, open_door, waiting_step
from support.wire import KEY_ID, SECRET

LIMIT_S = 60.0
READY = re.compile(r"ready (http://127\.0\.0\.1:(\d+))\n")


def serve(cli: Cli, *arguments: str) -> tuple[Running, str]:
    """Start a server; return it and its address, once it answers."""
    running = cli.start("serve", "--port", "0", *arguments)
    running.until("ready")
    match = READY.fullmatch(eventually(lambda: running.out if "\n" in running.out else None, "a line"))
    assert match, running.out
    return running, match[1]


def health(url: str) -> object:
    with urllib.request.urlopen(f"{url}/_stepmill/health", timeout=LIMIT_S) as reply:
        return json.load(reply)


def end(running: Running, number: signal.Signals = signal.SIGTERM) -> int:
    running.process.send_signal(number)
    return running.process.wait(LIMIT_S)


def recorded(cli: Cli) -> RunningServer | None:
    return running_server(HomeLayout(cli.home).server)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_that_it_is_ready_answers_and_ends(cli: Cli, number: signal.Signals) -> None:
    running, url = serve(cli)
    assert health(url) == {"status": "ok"}
    found = recorded(cli)
    assert found is not None
    assert (found.url, found.pid) == (url, running.process.pid)
    assert re.fullmatch("[0-9a-f]{16}", found.engine)
    assert end(running, number) == ExitCode.OK
    assert running.err == ""
    assert recorded(cli) is None
    assert not list(HomeLayout(cli.home).engines.glob("*.lock"))


def test_a_second_server_of_a_home_is_refused(cli: Cli) -> None:
    running, url = serve(cli)
    second = cli("serve", "--port", "0")
    assert second.code == ExitCode.WRONG_STATE
    assert f"A server has this home already: {url}" in second.err
    assert "ready" not in second.out
    assert health(url) == {"status": "ok"}
    assert end(running) == ExitCode.OK


def test_a_port_that_is_taken_is_told(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = cli("serve", "--port", str(port))
    assert refused.code == ExitCode.WRONG_STATE
    assert f"Port {port} is taken" in refused.err
    assert "--port 0" in refused.err
    running, _ = serve(cli)
    assert end(running) == ExitCode.OK, "whoever was refused left the home free"


def test_beyond_this_machine_plain_http_needs_to_be_asked_for(cli: Cli) -> None:
    refused = cli("serve", "--port", "0", "--host", "0.0.0.0")
    assert refused.code == ExitCode.REFUSED
    assert "--tls-cert" in refused.err
    running, url = serve(cli, "--host", "0.0.0.0", "--insecure")
    assert health(url) == {"status": "ok"}
    assert end(running) == ExitCode.OK


def test_an_address_of_another_machine_is_told(cli: Cli) -> None:
    refused = cli("serve", "--port", "0", "--host", "192.0.2.1", "--insecure")
    assert refused.code == ExitCode.REFUSED
    assert "Nothing can listen there" in refused.err


def test_half_a_certificate_is_refused(cli: Cli) -> None:
    assert cli("serve", "--tls-cert", "c.pem").code == ExitCode.REFUSED
    (cli.folder / "c.pem").write_text("no certificate")
    refused = cli("serve", "--port", "0", "--tls-cert", "c.pem", "--tls-key", "c.pem")
    assert refused.code == ExitCode.REFUSED
    assert "cannot be used" in refused.err
    running, _ = serve(cli)
    assert end(running) == ExitCode.OK


def test_requests_are_logged_if_asked_for(cli: Cli) -> None:
    running, url = serve(cli, "--log-requests")
    health(url)
    assert end(running) == ExitCode.OK
    assert re.search(r"INFO GET /_stepmill/health\s+200 [\d.]+ ms", running.err)


def test_a_name_that_is_allowed_is_answered(cli: Cli) -> None:
    running, url = serve(cli, "--allow-host", "stepmill.lan", "--allow-host", "other.lan:99")
    answers = {}
    for host in ("stepmill.lan", "stepmill.lan:1", "other.lan:99", "other.lan:98"):
        asked = urllib.request.Request(f"{url}/_stepmill/health", headers={"Host": host})
        try:
            with urllib.request.urlopen(asked, timeout=LIMIT_S) as reply:
                answers[host] = reply.status
        except urllib.error.HTTPError as error:
            with error:
                answers[host] = error.code
    assert answers == {"stepmill.lan": 200, "stepmill.lan:1": 200, "other.lan:99": 200, "other.lan:98": 403}
    assert end(running) == ExitCode.OK


# ---- what is under way -------------------------------------------------------------------------------


def waiting_job(cli: Cli) -> None:
    cli.write("wait.json", definition(waiting_step(cli)))


def test_what_a_killed_server_drove_is_resumed_by_the_next(cli: Cli) -> None:
    waiting_job(cli)
    run = cli.start("run", "wait.json")
    run.until("Wait: started")
    run.kill()
    first, _ = serve(cli)
    owner = recorded(cli)
    assert owner is not None
    first.kill()
    assert recorded(cli) is None
    second, url = serve(cli)
    assert health(url) == {"status": "ok"}
    assert cli.executions()[0].status == "Executing"
    open_door(cli)
    eventually(lambda: cli.executions()[0].status == "Succeeded", "the end of the execution")
    assert end(second) == ExitCode.OK


def test_a_drained_server_leaves_jobs_running(cli: Cli) -> None:
    waiting_job(cli)
    run = cli.start("run", "wait.json")
    run.until("Wait: started")
    run.kill()
    first, _ = serve(cli)
    assert end(first) == ExitCode.OK
    assert cli.executions()[0].status == "Executing"
    open_door(cli)
    cli("resume").ok()
    assert cli.executions()[0].status == "Succeeded"


# ---- draining ------------------------------------------------------------------------------------------


def held_request(url: str, answers: list[str]) -> threading.Thread:
    client = boto3.client(
        "sagemaker",
        endpoint_url=url,
        region_name="us-west-2",
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
        config=botocore.config.Config(retries={"total_max_attempts": 1}),
    )

    def wait() -> None:
        waiter = client.get_waiter("training_job_completed_or_stopped")
        try:
            waiter.wait(TrainingJobName="j", WaiterConfig={"MaxAttempts": 1, "Delay": 1})
        except botocore.exceptions.WaiterError as error:
            answers.append(error.last_response["TrainingJobStatus"])

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def until_held(url: str, thread: threading.Thread) -> None:
    # There is nothing to see from outside; a request that is not held would have been answered long since.
    time.sleep(1.5)
    assert thread.is_alive()
    assert health(url) == {"status": "ok"}


def test_a_held_request_is_answered_when_the_server_drains(tmp_path: Path) -> None:
    process, url = wire_process.start(tmp_path / "home")
    answers: list[str] = []
    with process:
        thread = held_request(url, answers)
        until_held(url, thread)
        process.send_signal(signal.SIGTERM)
        thread.join(LIMIT_S)
        assert answers == ["InProgress"]
        assert process.wait(LIMIT_S) == 0


def test_a_second_signal_ends_the_server_at_once(tmp_path: Path) -> None:
    process, url = wire_process.start(tmp_path / "home")
    with process, socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as slow:
        # A request that is not finished keeps a server that drains.
        host = url.removeprefix("http://")
        slow.sendall(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n\r\n1".encode())
        assert health(url) == {"status": "ok"}
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == -signal.SIGTERM


def test_the_command_line_does_not_load_the_server_before_it_is_asked_to() -> None:
    code = (
        "import sys; import stepmill.server.main, stepmill.cli.app\n"
        "stepmill.cli.app.command_line(stepmill.server.main.COMMANDS)\n"
        "heavy = {'uvicorn', 'uvloop', 'asyncio', 'botocore', 'sqlalchemy', 'cryptography'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.strip() == "[]"
