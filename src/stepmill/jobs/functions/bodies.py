"""Functions as records: what is written down of one, and how it is read again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import NAMESPACE_OID, uuid5

from stepmill.core.json import Json, JsonObject
from stepmill.jobs.functions.function import Configuration, Function, Package
from stepmill.storage.objects.uri import S3Uri
from stepmill.storage.records import Record


def body_of(configuration: Configuration, code: S3Uri, code_sha256: str, package: Package) -> JsonObject:
    """Return what is written down of a function."""
    return {
        "handler": configuration.handler,
        "code": str(code),
        "sha256": code_sha256,
        "timeout_seconds": configuration.timeout.total_seconds(),
        "memory_mb": configuration.memory_mb,
        "environment": dict(configuration.environment),
        "runtime": configuration.runtime,
        "description": configuration.description,
        "role": configuration.role,
        "others": configuration.others,
        "package_sha256": package.sha256,
        "package_bytes": package.size_bytes,
    }


def function_of(record: Record, name: str, arn: str, published: str = "") -> Function:
    """Read a function from its record, or from that of a published version."""
    body = record.body
    return Function(
        name=name,
        arn=arn,
        configuration=configuration_of(body),
        code=S3Uri.parse(str(body["code"])),
        code_sha256=str(body["sha256"]),
        package=package_of(body),
        version=record.number,
        revision=str(uuid5(NAMESPACE_OID, f"{arn}/{record.created_at.isoformat()}/{record.revision}")),
        modified_at=record.modified_at,
        published=published,
    )


def configuration_of(body: JsonObject) -> Configuration:
    """Read how a function is called."""
    return Configuration(
        handler=str(body["handler"]),
        timeout=timedelta(seconds=float(str(body["timeout_seconds"]))),
        memory_mb=int(str(body["memory_mb"])),
        environment={key: str(value) for key, value in _object(body.get("environment")).items()},
        runtime=str(body.get("runtime", "")),
        description=str(body.get("description", "")),
        role=str(body.get("role", "")),
        others=_object(body.get("others")),
    )


def package_of(body: JsonObject) -> Package:
    """Read what the code of a function came in; of older records only the digest of the code is known."""
    return Package(str(body.get("package_sha256", body["sha256"])), int(str(body.get("package_bytes", 0))))


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
