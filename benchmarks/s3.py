"""S3 in one stream of 1 GB each way, beside ``cp`` of the file and beside moto's server; pages of many keys.

What counts is the server's CPU time (its own and the kernel's for it): the disk and the client are the same
for all. The client signs the body's SHA-256 and sends a CRC32, as boto3 does over plain HTTP; a presigned
request sends neither.
"""

from __future__ import annotations

import argparse
import http.client
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.config

from benchmarks.support import environment, rounds
from benchmarks.wire import moto, stepmill
from stepmill.core.settings import Settings
from stepmill.platform import Platform
from stepmill.storage.objects.uri import S3Uri

MEGABYTES = 1024
ROUNDS = 3
KEYS = 20_000
PAGES = 40
BUCKET = "bench-bucket"
_MIB = 1024 * 1024
_TICKS = os.sysconf("SC_CLK_TCK")

Server = tuple[str, str, str, int]


def client_of(server: Server) -> Any:
    url, key, secret, _ = server
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-west-2",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=botocore.config.Config(read_timeout=600, retries={"total_max_attempts": 1}),
    )


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def peak_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024


def cost(pid: int, work: Callable[[], object]) -> Callable[[], tuple[float, float]]:
    """Return what measures some work: seconds by the clock, and of a server's CPU."""

    def measure() -> tuple[float, float]:
        before, begin = cpu_s(pid), time.perf_counter()
        work()
        return time.perf_counter() - begin, cpu_s(pid) - before

    return measure


def transfers(server: Server, file: Path) -> dict[str, Callable[[], None]]:
    """Return the ways to bring a file to a server and back."""
    client = client_of(server)
    named = {"Bucket": BUCKET, "Key": "one"}

    def put() -> None:
        with file.open("rb") as body:
            client.put_object(**named, Body=body)

    def put_presigned() -> None:
        parts = urlsplit(client.generate_presigned_url("put_object", named))
        connection = http.client.HTTPConnection(parts.netloc, timeout=600, blocksize=_MIB)
        with file.open("rb") as body:
            length = {"Content-Length": str(file.stat().st_size)}
            connection.request("PUT", f"{parts.path}?{parts.query}", body, length)
        assert connection.getresponse().status == 200
        connection.close()

    def get() -> None:
        body = client.get_object(**named)["Body"]
        while body.read(_MIB):
            pass

    return {"put": put, "put presigned": put_presigned, "get": get}


def copy(file: Path) -> Callable[[], tuple[float, float]]:
    """Return what measures ``cp`` of a file down to the disk."""

    def measure() -> tuple[float, float]:
        before, begin = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        target = file.with_name("copy")
        shutil.copyfile(file, target)
        with target.open("rb") as copied:
            os.fsync(copied.fileno())
        seconds = time.perf_counter() - begin
        after = resource.getrusage(resource.RUSAGE_SELF)
        target.unlink()
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return seconds, used

    return measure


def show(name: str, size_bytes: int, measured: list[tuple[float, float]], beside: float) -> None:
    clock = statistics.median(seconds for seconds, _ in measured)
    used = statistics.median(seconds for _, seconds in measured)
    megabytes = size_bytes / 1e6
    print(
        f"{name}: {clock:.2f} s, {megabytes / clock:.0f} MB/s by the clock; {used:.2f} CPU-s, "
        f"{megabytes / max(used, 1 / _TICKS):.0f} MB per CPU-s, {used / beside:.1f} times cp"
        # To write the file costs the kernel the same, whoever asks for it.
        + (f"; without cp's {megabytes / (used - beside):.0f} MB per CPU-s" if used > beside else ""),
        flush=True,
    )


def show_streams(folder: Path, size_bytes: int, count: int) -> None:
    file = folder / "file"
    with file.open("wb") as made:
        block = os.urandom(_MIB)
        for _ in range(size_bytes // _MIB):
            made.write(block)
    with stepmill(folder) as server:
        client_of(server).create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
        )
        ways = transfers(server, file)
        found = rounds(count, copy(file), *(cost(server[3], work) for work in ways.values()))
        beside = statistics.median(used for _, used in found[0])
        show("cp", size_bytes, found[0], beside)
        for name, measured in zip(ways, found[1:], strict=True):
            show(f"stepmill {name} (mark: >= 300 MB/s)", size_bytes, measured, beside)
        print(f"stepmill's peak of memory: {peak_mb(server[3]):.0f} MB")
    with moto() as server:
        client_of(server).create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
        )
        for name, work in transfers(server, file).items():
            show(f"moto {name}", size_bytes, [cost(server[3], work)()], beside)
        print(f"moto's peak of memory: {peak_mb(server[3]):.0f} MB")


def fill(folder: Path) -> None:
    """Put many keys into a home: a flat folder, and as many folders of one."""
    (folder / "x").write_bytes(b"x")
    with Platform(Settings(home=folder / "home", project=folder), remark=print) as platform:
        objects = platform.objects
        objects.create_bucket(BUCKET)
        objects.put_file(S3Uri(BUCKET, "seed"), folder / "x")
        objects.link(S3Uri(BUCKET, "seed"), folder / "link")
        keys = [f"flat/{number:06}.csv" for number in range(KEYS)]
        keys += [f"folders/{number:06}/part.csv" for number in range(KEYS)]
        objects.put_files([(S3Uri(BUCKET, key), folder / "link") for key in keys])


def show_pages(folder: Path) -> None:
    fill(folder)
    with stepmill(folder) as server:
        client = client_of(server)
        for name, asked in {
            "1,000 keys in the middle": {"Prefix": "flat/", "StartAfter": "flat/010000.csv"},
            "1,000 folders in the middle": {
                "Prefix": "folders/",
                "Delimiter": "/",
                "StartAfter": "folders/010000/",
            },
            f"2 folders of {KEYS}": {"Delimiter": "/"},
        }.items():
            url = client.generate_presigned_url("list_objects_v2", {"Bucket": BUCKET, **asked})
            parts = urlsplit(url)
            connection = http.client.HTTPConnection(parts.netloc, timeout=60)
            times = []
            for _ in range(PAGES):
                begin = time.perf_counter()
                connection.request("GET", f"{parts.path}?{parts.query}")
                answer = connection.getresponse()
                answer.read()
                times.append((time.perf_counter() - begin) * 1000)
                assert answer.status == 200
            connection.close()
            print(
                f"a page of {name}: {statistics.median(times):.1f} ms "
                f"({min(times):.1f} to {max(times):.1f}); mark: < 50 ms",
                flush=True,
            )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=MEGABYTES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    print(environment())
    # Not where temporary files lie in memory.
    with tempfile.TemporaryDirectory(prefix="stepmill-bench-", dir="/var/tmp") as name:
        for part in ("streams", "pages"):
            (Path(name) / part).mkdir()
        show_streams(Path(name) / "streams", given.megabytes * _MIB, given.rounds)
        show_pages(Path(name) / "pages")


if __name__ == "__main__":
    main()
