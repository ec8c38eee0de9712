"""``env``, ``exec`` and ``keys`` as a user types them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stepmill.storage.server_file import RunningServer, running_server

LIMIT_S = 240.0
# What an SDK does: the address of STS is fixed, whatever the variables say.
WHO = (
    "import boto3; "
    "print(boto3.client('sts', endpoint_url='https://sts.us-west-2.amazonaws.com').get_caller_identity()['Arn'])"
)
ROLE = "arn:aws:sts::123456789012:assumed-role/StepmillExecutionRole/"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def variables(home: Path) -> dict[str, str]:
    # Nothing of the machine's own: it may have a proxy, too.
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home.parent),
        "LC_ALL": "C.UTF-8",
        "STEPMILL_HOME": str(home),
    }


def stepmill(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stepmill", *arguments],
        env={**variables(home), **more}, cwd=home.parent, capture_output=True, text=True, timeout=LIMIT_S,
    )  # fmt: skip


def server_of(home: Path) -> RunningServer | None:
    return running_server(home / "server.json")


def wait_until_there_is(home: Path, wanted: bool) -> RunningServer | None:
    deadline = time.monotonic() + LIMIT_S
    while (server_of(home) is not None) is not wanted:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return server_of(home)


def test_exec_brings_a_server_along_and_takes_it_away(home: Path) -> None:
    done = stepmill(home, "exec", "--", sys.executable, "-c", WHO)
    assert done.stdout == f"{ROLE}default\n", done.stderr
    assert done.returncode == 0
    assert server_of(home) is None


@pytest.mark.parametrize(
    ("program", "code"),
    [
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -TERM $$"], 128 + signal.SIGTERM),
        (["no-such-program"], 127),
        (["/"], 126),
    ],
)
def test_exec_ends_as_its_program_does(home: Path, program: list[str], code: int) -> None:
    done = stepmill(home, "exec", *program)
    assert done.returncode == code
    assert server_of(home) is None


def test_what_follows_the_program_is_the_programs(home: Path) -> None:
    done = stepmill(home, "exec", "echo", "--key", "x", "--help", "--", "a b")
    assert done.stdout == "--key x --help -- a b\n"


def test_a_key_that_is_not_there_starts_nothing(home: Path) -> None:
    done = stepmill(home, "exec", "--key", "nobody", "echo", "ran")
    assert (done.returncode, done.stdout) == (4, "")
    assert "There is no key 'nobody'" in done.stderr


def test_signals_reach_the_program(home: Path, tmp_path: Path) -> None:
    script = "trap 'echo caught; exit 9' TERM; touch started; while :; do sleep 0.05; done"
    running = subprocess.Popen(
        [sys.executable, "-m", "stepmill", "exec", "sh", "-c", script],
        env=variables(home), cwd=tmp_path, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + LIMIT_S
    while not (tmp_path / "started").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.terminate()
    said, _ = running.communicate(timeout=LIMIT_S)
    assert (said, running.returncode) == ("caught\n", 9)
    assert server_of(home) is None


def test_a_killed_exec_leaves_no_server_behind(home: Path, tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "stepmill", "exec", "sleep", "600"],
        env=variables(home), cwd=tmp_path, start_new_session=True,
    )  # fmt: skip
    server = wait_until_there_is(home, wanted=True)
    assert server is not None
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    wait_until_there_is(home, wanted=False)


def test_programs_side_by_side_share_a_server(home: Path, tmp_path: Path) -> None:
    script = f'touch $0; while [ ! -e go ]; do sleep 0.05; done; {sys.executable} -c "{WHO}"'
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "stepmill", "exec", "sh", "-c", script, f"started-{number}"],
            env=variables(home), cwd=tmp_path, stdout=subprocess.PIPE, text=True,
        )
        for number in range(3)
    ]  # fmt: skip
    deadline = time.monotonic() + LIMIT_S
    while len(list(tmp_path.glob("started-*"))) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (tmp_path / "go").touch()
    for running in started:
        said, _ = running.communicate(timeout=LIMIT_S)
        assert (said, running.returncode) == (f"{ROLE}default\n", 0)
    wait_until_there_is(home, wanted=False)


def test_env_without_a_server_says_what_to_do(home: Path) -> None:
    done = stepmill(home, "env")
    assert (done.returncode, done.stdout) == (4, "")
    assert "stepmill serve" in done.stderr


class TestBesideAServer:
    @pytest.fixture
    def served(self, home: Path, tmp_path: Path):
        process = subprocess.Popen(
            [sys.executable, "-m", "stepmill", "serve", "--port", "0"],
            env=variables(home), cwd=tmp_path, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready http://127.0.0.1:")
        yield process
        process.terminate()
        process.communicate(timeout=LIMIT_S)

    def test_env_points_a_shell_at_it(self, home: Path, served: object) -> None:
        script = f'eval "$({sys.executable} -m stepmill env)" && exec {sys.executable} -c "$0"'
        done = subprocess.run(
            ["sh", "-c", script, WHO],
            env={**variables(home), "AWS_SESSION_TOKEN": "stale"},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
        assert done.stdout == f"{ROLE}default\n", done.stderr
        told = json.loads(stepmill(home, "env", "--json").stdout)
        assert told["AWS_ENDPOINT_URL"] == server_of(home).url

    def test_exec_uses_it_and_leaves_it(self, home: Path, served: object) -> None:
        before = server_of(home)
        done = stepmill(home, "exec", sys.executable, "-c", WHO)
        assert done.stdout == f"{ROLE}default\n", done.stderr
        assert server_of(home) == before

    def test_keys_are_made_used_and_revoked(self, home: Path, served: object) -> None:
        made = json.loads(stepmill(home, "keys", "create", "ci", "--json").stdout)
        done = stepmill(home, "exec", "--key", "ci", sys.executable, "-c", WHO)
        assert done.stdout == f"{ROLE}ci\n", done.stderr
        listed = stepmill(home, "keys", "list")
        assert made["id"] in listed.stdout
        assert made["secret"] not in listed.stdout
        assert stepmill(home, "keys", "create", "ci").returncode == 5
        assert stepmill(home, "keys", "revoke", "ci").returncode == 0
        assert stepmill(home, "keys", "revoke", "ci").returncode == 4
        deadline = time.monotonic() + LIMIT_S
        told = json.loads(stepmill(home, "env", "--json").stdout)
        with_old = {"AWS_ACCESS_KEY_ID": made["id"], "AWS_SECRET_ACCESS_KEY": made["secret"]}
        while True:
            done = subprocess.run(
                [sys.executable, "-c", WHO],
                env={**variables(home), **told, **with_old},
                capture_output=True,
                text=True,
            )
            if "InvalidClientTokenId" in done.stderr:
                break
            assert time.monotonic() < deadline, done
