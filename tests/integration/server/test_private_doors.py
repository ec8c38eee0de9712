"""Jobs of a plain `stepmill run` call AWS: this installation answers them, though nobody started a server."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from stepmill.core.errors import NotFoundError
from stepmill.storage.objects.uri import S3Uri
from support.cli import Cli, definition, eventually, processing, statuses

BUCKET = "s3://sagemaker-us-west-2-123456789012"
# Says how it reaches AWS, waits until a file is in the bucket, and calls.
WAITS = """
import json, os, time
import boto3
from botocore.config import Config
s3 = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}))
bucket = "sagemaker-us-west-2-123456789012"
# As the SDK does it: at a fixed address, whatever the variables say.
me = boto3.client("sts", endpoint_url="https://sts.us-west-2.amazonaws.com").get_caller_identity()["Arn"]
told = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
s3.put_object(Bucket=bucket, Key="told.json", Body=json.dumps({**told, "me": me}))
while True:
    try:
        s3.head_object(Bucket=bucket, Key="go")
        break
    except Exception as error:
        print(type(error).__name__)
        time.sleep(0.1)
s3.put_object(Bucket=bucket, Key="done", Body=b"yes")
"""

SPY = """
import atexit, os, sys
atexit.register(lambda: open(os.environ["SPY"], "a").write("uvicorn " * ("uvicorn" in sys.modules)))
"""


def read(cli: Cli, key: str) -> Any:
    with cli.platform() as platform:
        try:
            return platform.objects.read_bytes(S3Uri.parse(f"{BUCKET}/{key}"))
        except NotFoundError:
            return None


def put(cli: Cli, key: str) -> None:
    with cli.platform() as platform:
        platform.objects.put_bytes(S3Uri.parse(f"{BUCKET}/{key}"), b"x")


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Have another program at a port, which lets everybody go that calls."""

    def listen() -> socket.socket | None:
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            return None

    listener = eventually(listen, "the free port")

    def turn_away() -> None:
        with suppress(OSError):
            while True:
                listener.accept()[0].close()

    threading.Thread(target=turn_away, daemon=True).start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def client(told: dict[str, str], service: str = "s3", *, token: bool = True) -> Any:
    return boto3.client(
        service,
        endpoint_url=told["AWS_ENDPOINT_URL"],
        region_name="us-west-2",
        aws_access_key_id=told["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=told["AWS_SESSION_TOKEN"] if token else None,
    )


def test_a_job_calls_and_finds_its_door_again_after_the_command_was_killed(cli: Cli) -> None:
    cli.write("waits.py", WAITS)
    cli.write("p.json", definition(processing("Wait", "waits.py")))
    running = cli.start("run", "p.json")
    told = json.loads(running.until_there_is(lambda: read(cli, "told.json"), "what the job was told"))
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", told["AWS_ENDPOINT_URL"])
    assert re.fullmatch(r"arn:aws:sts::123456789012:assumed-role/R/pipelines-\w+-Wait-\w+", told["me"])
    assert told["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    # Whoever has but a part of the key has none, and the door is for nobody else's.
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        client(told, token=False).list_buckets()
    with cli.platform() as platform:
        other = platform.keys.create("another")
    stranger = {**told, "AWS_ACCESS_KEY_ID": other.id, "AWS_SECRET_ACCESS_KEY": other.secret}
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        client(stranger, token=False).list_buckets()
    assert client(told).list_buckets()["Buckets"]
    running.kill()
    (execution,) = cli.executions()
    resumed = cli.start("resume", execution.id)
    # The job has gone on, and asks again and again; nobody has told it another address.
    put(cli, "go")
    resumed.end().ok()
    assert read(cli, "done") == b"yes"
    assert statuses(cli.show()) == {"Wait": "Succeeded"}


def test_a_job_whose_port_is_taken_is_told_so_in_its_record(cli: Cli) -> None:
    cli.write("waits.py", WAITS.replace("while True:", "for _ in range(20):"))
    cli.write("p.json", definition(processing("Wait", "waits.py")))
    running = cli.start("run", "p.json")
    told = json.loads(running.until_there_is(lambda: read(cli, "told.json"), "what the job was told"))
    port = int(told["AWS_ENDPOINT_URL"].rpartition(":")[2])
    running.kill()

    with taken(port):
        (execution,) = cli.executions()
        ended = cli("resume", execution.id)
    assert ended.code == 1, "nobody answers it, so its last call fails"
    notes = cli("show", "--json").ok().out
    assert f"{told['AWS_ENDPOINT_URL']}, where nobody can answer now" in notes


def test_a_job_without_network_is_told_nothing(cli: Cli) -> None:
    names = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    cli.write("alone.py", f"import os\nassert not {set(names)} & set(os.environ)\n")
    request = {"NetworkConfig": {"EnableNetworkIsolation": True}}
    cli.write("p.json", definition(processing("Alone", "alone.py", request=request)))
    cli("run", "p.json").ok()


def test_what_is_loaded_for_the_door_is_loaded_when_somebody_calls(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "spy").mkdir()
    spy = "import atexit, os, sys\n"
    spy += (
        "atexit.register(lambda: open(os.environ['SPY'], 'a').write('uvicorn ' * ('uvicorn' in sys.modules)))"
    )
    (tmp_path / "spy" / "sitecustomize.py").write_text(spy)
    seen = tmp_path / "seen"
    variables = {"SPY": str(seen), "PYTHONPATH": str(tmp_path / "spy")}
    cli.write("quiet.py", "print('nothing to ask')\n")
    cli.write("asks.py", "import boto3; boto3.client('s3').list_buckets()\n")
    for script, loaded in (("quiet.py", False), ("asks.py", True)):
        seen.write_text("")
        cli.write("p.json", definition(processing("One", script)))
        cli("run", "p.json", **variables).ok()
        assert ("uvicorn" in seen.read_text()) is loaded
