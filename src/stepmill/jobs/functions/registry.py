"""The functions that are kept here: their newest code, and how it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from stepmill.core.arns import Arns
from stepmill.core.errors import ConflictError, NotFoundError, WrongStateError
from stepmill.core.json import JsonObject
from stepmill.jobs.functions.bodies import body_of, configuration_of, function_of, package_of
from stepmill.jobs.functions.code import check_handler, pack_code
from stepmill.jobs.functions.function import (
    DEFAULT_TIMEOUT,
    Configuration,
    Function,
    Package,
    check_configuration,
    check_name,
    parse_reference,
)
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri
from stepmill.storage.records import Record, RecordStore

FUNCTION_KIND = "function"


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
        check_name(name)
        configuration = Configuration(handler, timeout, memory_mb, environment or {})
        check_configuration(configuration)
        archive = pack_code(code)
        check_handler(archive, handler)
        uri, digest = self._keep(name, archive)
        body = body_of(configuration, uri, digest, Package(digest, len(archive)))
        if not self.has(name):
            try:
                return self._function(self._records.create(FUNCTION_KIND, name, body, number=1))
            except ConflictError:
                pass  # Someone else made it in between.
        return self._change(name, lambda _: body)

    def create(self, name: str, package: bytes, configuration: Configuration) -> Function:
        """Make a function. Whether its handler is in the code shows when it is called, as on Lambda.

        Args:
            name: Its name.
            package: A zip.
            configuration: How it is called.

        Raises:
            InvalidInputError: If one of them cannot be taken.
            ConflictError: If there is a function of that name.
        """
        check_name(name)
        check_configuration(configuration)
        if self.has(name):
            raise ConflictError(f"Function already exist: {name}", mend="Update it, or delete it first.")
        uri, digest = self._keep(name, pack_code(package))
        body = body_of(configuration, uri, digest, _described(package))
        return self._function(self._records.create(FUNCTION_KIND, name, body, number=1))

    def update_code(self, reference: str, package: bytes, revision: str = "") -> Function:
        """Give a function new code.

        Args:
            reference: Its name or ARN.
            package: A zip.
            revision: Only if the function's is still this one; empty: whatever it is.

        Raises:
            NotFoundError: If there is no such function.
            InvalidInputError: If the zip cannot be taken.
            WrongStateError: If its revision is another.
        """
        name = self.get(reference).name
        uri, digest = self._keep(name, pack_code(package))
        return self._change(
            name, lambda body: body_of(configuration_of(body), uri, digest, _described(package)), revision
        )

    def configure(
        self, reference: str, change: Callable[[Configuration], Configuration], revision: str = ""
    ) -> Function:
        """Change how a function is called.

        Args:
            reference: Its name or ARN.
            change: Makes the new configuration from the old; called while the store is locked.
            revision: As for ``update_code``.

        Raises:
            NotFoundError: If there is no such function.
            InvalidInputError: If the new configuration cannot be taken.
            WrongStateError: If its revision is another.
        """

        def changed(body: JsonObject) -> JsonObject:
            configuration = change(configuration_of(body))
            check_configuration(configuration)
            return body_of(
                configuration, S3Uri.parse(str(body["code"])), str(body["sha256"]), package_of(body)
            )

        return self._change(self.get(reference).name, changed, revision)

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

    def has(self, name: str) -> bool:
        """Say whether there is a function of that name."""
        return self._records.find(FUNCTION_KIND, name) is not None

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

    def _keep(self, name: str, archive: bytes) -> tuple[S3Uri, str]:
        """Store an archive at an address made of its content; return that, and its digest."""
        digest = sha256(archive).hexdigest()
        uri = self._code_prefix.joined(name, f"{digest}.zip")
        try:
            self._objects.head(uri)
        except NotFoundError:
            self._objects.create_bucket(uri.bucket, exist_ok=True)
            self._objects.put_bytes(uri, archive, content_type="application/zip")
        return uri, digest

    def _change(self, name: str, changed: Callable[[JsonObject], JsonObject], revision: str = "") -> Function:
        def change(record: Record) -> Record:
            if revision and self._function(record).revision != revision:
                raise WrongStateError(
                    "The RevisionId provided does not match the latest RevisionId.",
                    where=name,
                    mend="Get the function again and decide anew.",
                )
            body = changed(record.body)
            return record if record.body == body else replace(record, number=record.number + 1, body=body)

        return self._function(self._records.update(FUNCTION_KIND, name, change))

    def _function(self, record: Record) -> Function:
        return function_of(record, record.name, self._arns.function(record.name))


def _described(package: bytes) -> Package:
    return Package(sha256(package).hexdigest(), len(package))
