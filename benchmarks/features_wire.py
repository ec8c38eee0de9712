"""PutRecord from 8 clients, each record on the disk when it is answered, and GetRecord, on the wire.

Every record has an identifier or an event time of its own, so all of them go to both stores. At the end each
acknowledged record is counted in the files of the offline store. The clients send requests that were signed
before, so that they are not what is measured. Beside them: how long a commit on this disk takes alone.
"""

from __future__ import annotations

import os
import random
import sqlite3
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import boto3
import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks.support import environment, seconds_asked
from benchmarks.wire import CLIENTS, show, stepmill
from benchmarks.wire_clients import Load, Outcome, send_load

SECONDS = 15.0
IDENTIFIERS = 5_000
# More than are sent in that time: then none is sent twice.
REQUESTS = 60_000
FEATURES = 20
GROUP = "bench"
_COMMITS = 200


def sign(url: str, key: str, secret: str, method: str, path: str, body: bytes = b"") -> str:
    """Return a request as the bytes that a client would send, as text of latin-1."""
    request = AWSRequest(method, f"{url}{path}", {"content-type": "application/json"}, body)
    SigV4Auth(Credentials(key, secret), "sagemaker", "us-west-2").add_auth(request)
    headers = {
        "host": urlsplit(url).netloc,
        "content-length": str(len(body)),
        **dict(request.headers.items()),
    }
    head = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*head, "", ""]) + body.decode("latin-1")


def put_requests(url: str, key: str, secret: str, count: int) -> list[str]:
    """Return so many PutRecords, each newer than those before."""
    chance = random.Random(7)
    found = []
    for number in range(count):
        record = {"id": str(number % IDENTIFIERS), "at": str(1_767_225_600 + number / 100)}
        record |= {f"f{place}": str(chance.random()) for place in range(FEATURES)}
        values = [{"FeatureName": name, "ValueAsString": value} for name, value in record.items()]
        body = msgspec.json.encode({"Record": values})
        found.append(sign(url, key, secret, "PUT", f"/FeatureGroup/{GROUP}", body))
    return found


def get_requests(url: str, key: str, secret: str) -> list[str]:
    """Return a GetRecord for each identifier, in no order."""
    numbers = list(range(IDENTIFIERS))
    random.Random(7).shuffle(numbers)
    return [
        sign(
            url,
            key,
            secret,
            "GET",
            f"/FeatureGroup/{GROUP}?{urlencode({'RecordIdentifierValueAsString': n})}",
        )
        for n in numbers
    ]


def make_group(url: str, key: str, secret: str) -> str:
    """Make the group; return where its files go."""
    settings = {
        "endpoint_url": url, "region_name": "us-west-2",
        "aws_access_key_id": key, "aws_secret_access_key": secret,
    }  # fmt: skip
    boto3.client("s3", **settings).create_bucket(
        Bucket="bench-features", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    client = boto3.client("sagemaker", **settings)
    client.create_feature_group(
        FeatureGroupName=GROUP,
        RecordIdentifierFeatureName="id",
        EventTimeFeatureName="at",
        FeatureDefinitions=[
            {"FeatureName": "id", "FeatureType": "String"},
            *(
                {"FeatureName": name, "FeatureType": "Fractional"}
                for name in ["at", *(f"f{n}" for n in range(FEATURES))]
            ),
        ],
        OnlineStoreConfig={"EnableOnlineStore": True},
        OfflineStoreConfig={"S3StorageConfig": {"S3Uri": "s3://bench-features/store"}},
    )
    described = client.describe_feature_group(FeatureGroupName=GROUP)
    return str(described["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"])


def count_offline(folder: Path) -> int:
    """Return how many records the offline store of the group has, once nothing waits any more."""
    from stepmill.platform import Platform, load_settings  # the server has ended

    home = folder / "home"
    with Platform(load_settings(folder, {"STEPMILL_HOME": str(home)}), remark=print) as platform:
        group = platform.features.groups.get(GROUP)
        platform.features.flushing.settle(group)
        import pyarrow.parquet as pq

        return sum(pq.read_metadata(file.path).num_rows for file in platform.features.files.list(group))


def commit_ms(folder: Path) -> float:
    """Return the milliseconds of a commit of one small row, on the disk, by SQLite alone."""
    with sqlite3.connect(folder / "alone.db", isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY, body BLOB)")
        begin_s = time.perf_counter()
        for number in range(_COMMITS):
            connection.execute("INSERT INTO numbers VALUES (?, ?)", (number, os.urandom(500)))
        return 1000 * (time.perf_counter() - begin_s) / _COMMITS


def send(url: str, requests: list[str], seconds: float) -> Outcome:
    """Send requests from all clients, each its own ones."""
    return send_load(Load(url, requests, CLIENTS, seconds, CLIENTS))


def main() -> None:
    """Print the figures."""
    seconds = seconds_asked(__doc__, SECONDS)
    print(environment())
    with tempfile.TemporaryDirectory(prefix="stepmill-bench-") as name:
        folder = Path(name)
        print(f"a commit by SQLite alone: {commit_ms(folder):.2f} ms")
        with stepmill(folder) as (url, key, secret, _pid):
            make_group(url, key, secret)
            puts = put_requests(url, key, secret, REQUESTS)
            written = send(url, puts, seconds)
            show(f"PutRecord, {FEATURES} features, both stores, durable", written, seconds)
            read = send(url, get_requests(url, key, secret), seconds)
            show("GetRecord", read, seconds)
        sent, found = len(written.latencies_s) - written.errors, count_offline(folder)
        print(f"acknowledged: {sent}, in the offline store: {found}")
        assert sent == found


if __name__ == "__main__":
    main()
