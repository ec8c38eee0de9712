"""What a function is: its code, how it is called, and the names it goes by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject
from stepmill.storage.objects.uri import S3Uri

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
class Configuration:
    """How a function is called.

    Args:
        handler: ``module.function``.
        timeout: After which a call fails.
        memory_mb: The most that it may use; 0 for no limit.
        environment: Its variables.
        runtime: The one that was asked for, ``python3.12``; it runs under Stepmill's own interpreter.
        description: For humans.
        role: ARN of the role that it was given.
        others: Members of the request that change nothing here and are given back as they came.
    """

    handler: str
    timeout: timedelta = DEFAULT_TIMEOUT
    memory_mb: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    runtime: str = ""
    description: str = ""
    role: str = ""
    others: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class Package:
    """The zip that a function's code came in.

    Args:
        sha256: Hexadecimal digest.
        size_bytes: Its size.
    """

    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Function:
    """A function, or a version of one.

    Args:
        name: Up to 64 letters, digits, hyphens and underscores.
        arn: Its ARN, of a published version with its number.
        configuration: How it is called.
        code: Where its archive lies.
        code_sha256: Digest of the archive; equal code has equal ones.
        package: What the code came in; ``CodeSha256`` on the wire is its digest.
        version: 1 when it was put first, and one more with each change of code or configuration.
        published: Number of the published version; empty for the one that changes.
        revision: Another one after each change.
        modified_at: Of its last change. Aware, UTC.
    """

    name: str
    arn: str
    configuration: Configuration
    code: S3Uri
    code_sha256: str
    package: Package
    version: int
    revision: str
    modified_at: datetime
    published: str = ""

    @property
    def handler(self) -> str:
        """``module.function``."""
        return self.configuration.handler

    @property
    def timeout(self) -> timedelta:
        """After which a call fails."""
        return self.configuration.timeout

    @property
    def memory_mb(self) -> int:
        """The most that it may use; 0 for no limit."""
        return self.configuration.memory_mb

    @property
    def environment(self) -> Mapping[str, str]:
        """Its variables."""
        return self.configuration.environment

    @property
    def qualifier(self) -> str:
        """``$LATEST``, or the number of a published version."""
        return self.published or LATEST


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


def check_name(name: str) -> None:
    """Check that a function can be called so.

    Raises:
        InvalidInputError: If it cannot.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"{name[:100]!r} cannot be the name of a function.",
            mend="Use up to 64 letters, digits, hyphens and underscores.",
        )


def check_configuration(configuration: Configuration) -> None:
    """Check what holds for every function, whoever makes it.

    Raises:
        InvalidInputError: If its timeout, memory or variables cannot be taken.
    """
    timeout = configuration.timeout
    if not timedelta(0) < timeout <= LONGEST_TIMEOUT:
        raise InvalidInputError(
            f"A timeout of {timeout.total_seconds():g} s is not possible.",
            where="timeout",
            mend=f"Use more than 0 and at most {LONGEST_TIMEOUT.total_seconds():g} seconds.",
        )
    if configuration.memory_mb < 0:
        raise InvalidInputError(
            f"{configuration.memory_mb} MB of memory are not possible.",
            where="memory",
            mend="Use 0 for no limit.",
        )
    for name, value in configuration.environment.items():
        if not _VARIABLE.fullmatch(name) or "\0" in value:
            raise InvalidInputError(
                f"{name[:80]!r} cannot be a variable.",
                where="environment",
                mend="Use letters, digits and underscores; values without null characters.",
            )
