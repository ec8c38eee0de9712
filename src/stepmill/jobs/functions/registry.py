"""The functions that are kept here: their newest code, and how it is called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from stepmill.core.arns import Arns
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.core.json import Json, JsonObject
from stepmill.jobs.functions.code import check_handler, pack_code
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri
from stepmill.storage.records import Record, RecordStore

FUNCTION_KIND = "function"
LATEST = "$LATEST"

# Lambda's own limit is 15 minutes, SageMaker's for a step 10; a day keeps a mistake from lasting a year.
LONGEST_TIMEOUT = timedelta(days=1)
DEFAULT_TIMEOUT = timedelta(minutes=10)

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REFERENCE = re.compile(
    r"(?:arn:[a-z0-9-]+:lambda:[a-z0-9-]*:[0-9]*:function:|(?:[0-9]{12}:)?function:)?"
    r"(?P<name>[A-Za-z0-9_-]{1,64})(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]{1,128}))?"
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Function:
    """A function.

    Args:
        name: Up to 64 letters, digits, hyphens and underscores.
        arn: Its ARN.
        handler: ``module.function``.
        code: Where its archive lies.
        code_sha256: Digest of the archive; equal code has equal ones.
        version: 1 when it was put first, and one more with each change of code or configuration.
        timeout: After which a call fails.
        memory_mb: The most that it may use; 0 for no limit.
        environment: Its variables.
    """

    name: str
    arn: str
    handler: str
    code: S3Uri
    code_sha256: str
    version: int = 1
    timeout: timedelta = DEFAULT_TIMEOUT
    memory_mb: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)


class FunctionRegistry:
    """Keeps functions. Safe to share between threads and processes.

    Args:
        records: Where they are kept.
        objects: Where their code is kept.
        code_prefix: Below which address.
        arns: Builds their ARNs.
    """

    def __init__(self, records: RecordStore, objects: ObjectStore, code_prefix: S3Uri, arns: Arns) -> None:
        self._records = records
        self._objects = objects
        self._code_prefix = code_prefix
        self._arns = arns

    def put(
        self,
        name: str,
        code: Path | bytes,
        handler: str,
        *,
        timeout: timedelta = DEFAULT_TIMEOUT,
        memory_mb: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> Function:
        """Make a function, or give it new code; what is unchanged changes nothing.

        Args:
            name: Its name.
            code: A folder, a ``.py`` file, a zip, or the bytes of one.
            handler: ``module.function``.
            timeout: After which a call fails.
            memory_mb: The most that it may use; 0 for no limit.
            environment: Its variables.

        Raises:
            InvalidInputError: If one of them cannot be taken.
            NotFoundError: If there is no such code.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInputError(
                f"{name[:100]!r} cannot be the name of a function.",
                mend="Use up to 64 letters, digits, hyphens and underscores.",
            )
        _check(timeout, memory_mb, environment or {})
        archive = pack_code(code)
        check_handler(archive, handler)
        digest = sha256(archive).hexdigest()
        uri = self._code_prefix.joined(name, f"{digest}.zip")
        self._store(uri, archive)
        body: JsonObject = {
            "handler": handler,
            "code": str(uri),
            "sha256": digest,
            "timeout_seconds": timeout.total_seconds(),
            "memory_mb": memory_mb,
            "environment": dict(environment or {}),
        }
        return self._function(self._put(name, body))

    def get(self, reference: str) -> Function:
        """Return a function by its name or ARN; a version or alias behind it is passed over.

        Raises:
            NotFoundError: If there is none; tells how to add it.
        """
        name, _ = parse_reference(reference)
        record = self._records.find(FUNCTION_KIND, name)
        if record is None:
            raise NotFoundError(
                f"There is no function {name!r} here.",
                where=reference,
                mend=f"Add it with `stepmill functions put {name} --code PATH --handler module.function`, "
                f"or in stepmill.toml:\n    [functions.{name}]\n"
                '    code = "path/to/code"\n    handler = "module.function"',
            )
        return self._function(record)

    def list(self) -> list[Function]:
        """Return all functions, by name."""
        found: list[Function] = []
        after: str | None = None
        while True:
            page = self._records.list(FUNCTION_KIND, sort_by="name", after=after)
            found += [self._function(record) for record in page.records]
            if page.next_token is None:
                return found
            after = page.next_token

    def delete(self, reference: str) -> None:
        """Remove a function; a call that is under way goes on.

        Raises:
            NotFoundError: If there is none.
        """
        name = self.get(reference).name
        self._records.delete(FUNCTION_KIND, name)
        folder = self._code_prefix.joined(name)
        self._objects.delete([info.uri for info in self._objects.all(S3Uri(folder.bucket, f"{folder.key}/"))])

    def _store(self, uri: S3Uri, archive: bytes) -> None:
        try:
            self._objects.head(uri)
        except NotFoundError:
            self._objects.create_bucket(uri.bucket, exist_ok=True)
            self._objects.put_bytes(uri, archive, content_type="application/zip")

    def _put(self, name: str, body: JsonObject) -> Record:
        def change(record: Record) -> Record:
            return record if record.body == body else replace(record, number=record.number + 1, body=body)

        if self._records.find(FUNCTION_KIND, name) is None:
            try:
                return self._records.create(FUNCTION_KIND, name, body, number=1)
            except ConflictError:
                pass  # Someone else made it in between.
        return self._records.update(FUNCTION_KIND, name, change)

    def _function(self, record: Record) -> Function:
        body = record.body
        variables = body["environment"]
        return Function(
            name=record.name,
            arn=self._arns.function(record.name),
            handler=str(body["handler"]),
            code=S3Uri.parse(str(body["code"])),
            code_sha256=str(body["sha256"]),
            version=record.number,
            timeout=timedelta(seconds=float(str(body["timeout_seconds"]))),
            memory_mb=int(str(body["memory_mb"])),
            environment={key: str(value) for key, value in variables.items()}
            if isinstance(variables, Mapping)
            else {},
        )


def parse_reference(reference: Json) -> tuple[str, str]:
    """Return name and qualifier (a version or alias; may be empty) of a function's name or ARN.

    Raises:
        InvalidInputError: If it is neither.

    Example:
        >>> parse_reference("arn:aws:lambda:us-west-2:123456789012:function:score:prod")
        ('score', 'prod')
    """
    match = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    if match is None:
        raise InvalidInputError(
            f"{str(reference)[:200]!r} names no function.",
            where="FunctionArn",
            mend="Give a function's name or its ARN.",
        )
    return match["name"], match["qualifier"] or ""


def _check(timeout: timedelta, memory_mb: int, environment: Mapping[str, str]) -> None:
    if not timedelta(0) < timeout <= LONGEST_TIMEOUT:
        raise InvalidInputError(
            f"A timeout of {timeout.total_seconds():g} s is not possible.",
            where="timeout",
            mend=f"Use more than 0 and at most {LONGEST_TIMEOUT.total_seconds():g} seconds.",
        )
    if memory_mb < 0:
        raise InvalidInputError(
            f"{memory_mb} MB of memory are not possible.", where="memory", mend="Use 0 for no limit."
        )
    for name, value in environment.items():
        if not _VARIABLE.fullmatch(name) or "\0" in value:
            raise InvalidInputError(
                f"{name[:80]!r} cannot be a variable.",
                where="environment",
                mend="Use letters, digits and underscores; values without null characters.",
            )
