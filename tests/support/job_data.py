"""Requests and stores for the tests of jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from stepmill.core.clock import SystemClock
from stepmill.core.statuses import JobStatus
from stepmill.jobs.records import JobState
from stepmill.storage.database import Database
from stepmill.storage.objects.folder import FolderStore
from stepmill.storage.objects.uri import S3Uri
from stepmill.storage.sql_records import SqlRecordStore

IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/stepmill-python:3"
_opened: list[Database] = []

ROLE = "arn:aws:iam::123456789012:role/R"
T0 = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class SteppingClock:
    """A clock that goes on by one second each time it is asked."""

    def __init__(self) -> None:
        self._now = T0

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


def open_store(folder: Path, *buckets: str) -> tuple[FolderStore, SqlRecordStore]:
    database = Database.open_sqlite(folder / "stepmill.db")
    _opened.append(database)
    store = FolderStore(database, folder / "objects", SystemClock())
    for bucket in buckets:
        store.create_bucket(bucket, exist_ok=True)
    return store, SqlRecordStore(database, SystemClock())


def close_stores() -> None:
    """Close all stores that were opened; the end of every test does it."""
    while _opened:
        _opened.pop().close()


def put(store: FolderStore, **objects: str | bytes) -> None:
    """Put objects into the bucket ``data``: ``put(store, **{"raw/a.csv": "1,2"})``."""
    for key, data in objects.items():
        store.put_bytes(S3Uri("data", key), data.encode() if isinstance(data, str) else data)


def processing_document(**changes: Any) -> dict[str, Any]:
    return {
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
        },
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/script.py"],
        },
        "RoleArn": ROLE,
        **changes,
    }


def processing_input(name: str, uri: str, path: str = "", **s3: Any) -> dict[str, Any]:
    local = path or f"/opt/ml/processing/input/{name}"
    return {"InputName": name, "S3Input": {"S3Uri": uri, "LocalPath": local, "S3DataType": "S3Prefix", **s3}}


def processing_output(name: str, uri: str, path: str = "", **s3: Any) -> dict[str, Any]:
    local = path or f"/opt/ml/processing/output/{name}"
    return {
        "OutputName": name,
        "S3Output": {"S3Uri": uri, "LocalPath": local, "S3UploadMode": "EndOfJob", **s3},
    }


def training_document(**changes: Any) -> dict[str, Any]:
    return {
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://data/models"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        **changes,
    }


def channel(name: str, uri: str, **changes: Any) -> dict[str, Any]:
    s3 = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": s3}, **changes}


def ended(state: JobState, **changes: Any) -> JobState:
    """Return how a job stands that has run for a minute and a half."""
    state = (
        state.entered("Starting", T0).entered("Training", T0).entered("Completed", T0 + timedelta(seconds=90))
    )
    changes = {
        "started_at": T0,
        "ended_at": T0 + timedelta(seconds=90),
        "status": JobStatus.COMPLETED,
        **changes,
    }
    return msgspec.structs.replace(state, **changes)
