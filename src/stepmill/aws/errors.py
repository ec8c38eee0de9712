"""AWS's error codes in one table: what an error of Stepmill's is called on the wire.

A handler that knows better raises ``ApiError`` with the code that the operation's documentation names;
any other error of the tree is looked up here by service and class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepmill.catalog.permissions.documents import MalformedDocumentError
from stepmill.core.errors import (
    ConflictError,
    DefinitionError,
    InvalidInputError,
    NotFoundError,
    StepmillError,
    StorageError,
    StorageFullError,
    UnsupportedError,
    WrongStateError,
)
from stepmill.core.findings import Severity
from stepmill.events.buses import TooManyTargetsError
from stepmill.events.rules import EventPatternError
from stepmill.storage.objects.info import BucketNotFoundError
from stepmill.storage.objects.uploads import UploadNotFoundError

_MOST_FINDINGS = 20


class ApiError(StepmillError):
    """An error whose code on the wire is known.

    Args:
        code: ``ValidationException``, ``NoSuchKey``.
        what: One sentence: the message on the wire. SDKs match some texts; see the services.
        status: The HTTP status.
        where: The place; may be empty.
        mend: What to do about it; may be empty.
        members: Further members of a modelled error.
    """

    def __init__(
        self,
        code: str,
        what: str,
        *,
        status: int = 400,
        where: str = "",
        mend: str = "",
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(what, where=where, mend=mend)
        self.code = code
        self.status = status
        self.members = dict(members or {})


@dataclass(frozen=True, slots=True)
class Code:
    """How an error is told: its code and HTTP status."""

    code: str
    status: int = 400


# Class of the error -> code; the first line whose class fits holds. This holds for all services.
_COMMON: tuple[tuple[type[StepmillError], Code], ...] = (
    (DefinitionError, Code("ValidationException")),
    (InvalidInputError, Code("ValidationException")),
    (UnsupportedError, Code("UnsupportedOperation")),
    (StorageFullError, Code("ResourceLimitExceeded")),
    (StepmillError, Code("InternalFailure", 500)),
)
_OF_SERVICE: Mapping[str, tuple[tuple[type[StepmillError], Code], ...]] = {
    "sagemaker": (
        (NotFoundError, Code("ResourceNotFound")),
        (ConflictError, Code("ResourceInUse")),
        (WrongStateError, Code("ValidationException")),
    ),
    "sagemaker-featurestore-runtime": (
        (NotFoundError, Code("ResourceNotFound", 404)),
        (ConflictError, Code("ConflictException", 409)),
        (StorageFullError, Code("ServiceUnavailable", 503)),
        (StorageError, Code("InternalFailure", 500)),
        (InvalidInputError, Code("ValidationError")),
        (WrongStateError, Code("ValidationError")),
        (UnsupportedError, Code("ValidationError")),
    ),
    "lambda": (
        (NotFoundError, Code("ResourceNotFoundException", 404)),
        (ConflictError, Code("ResourceConflictException", 409)),
        (WrongStateError, Code("PreconditionFailedException", 412)),
        (InvalidInputError, Code("InvalidParameterValueException")),
    ),
    "sqs": (
        (NotFoundError, Code("QueueDoesNotExist")),
        (ConflictError, Code("QueueNameExists")),
        (WrongStateError, Code("MessageNotInflight")),
        (InvalidInputError, Code("InvalidParameterValue")),
    ),
    "sns": (
        (NotFoundError, Code("NotFound", 404)),
        (InvalidInputError, Code("InvalidParameter")),
        (UnsupportedError, Code("InvalidParameter")),
    ),
    "dynamodb": (
        (NotFoundError, Code("ResourceNotFoundException")),
        (ConflictError, Code("ResourceInUseException")),
        (WrongStateError, Code("ConditionalCheckFailedException")),
        (InvalidInputError, Code("ValidationException")),
    ),
    "athena": (
        (InvalidInputError, Code("InvalidRequestException")),
        (NotFoundError, Code("InvalidRequestException")),
        (ConflictError, Code("InvalidRequestException")),
        (WrongStateError, Code("InvalidRequestException")),
        (UnsupportedError, Code("InvalidRequestException")),
        (StorageError, Code("InternalServerException", 500)),
    ),
    "glue": (
        (NotFoundError, Code("EntityNotFoundException")),
        (ConflictError, Code("AlreadyExistsException")),
        (WrongStateError, Code("InvalidInputException")),
        (InvalidInputError, Code("InvalidInputException")),
        (StorageError, Code("InternalServiceException", 500)),
    ),
    "batch": ((StorageError, Code("ServerException", 500)), (StepmillError, Code("ClientException"))),
    "events": (
        (TooManyTargetsError, Code("LimitExceededException")),
        (EventPatternError, Code("InvalidEventPatternException")),
        (NotFoundError, Code("ResourceNotFoundException")),
        (ConflictError, Code("ResourceAlreadyExistsException")),
        (WrongStateError, Code("ValidationException")),
        (UnsupportedError, Code("ValidationException")),
    ),
    "logs": (
        (NotFoundError, Code("ResourceNotFoundException")),
        (InvalidInputError, Code("InvalidParameterException")),
    ),
    "iam": (
        (NotFoundError, Code("NoSuchEntity", 404)),
        (ConflictError, Code("EntityAlreadyExists", 409)),
        (WrongStateError, Code("DeleteConflict", 409)),
        (MalformedDocumentError, Code("MalformedPolicyDocument")),
        (InvalidInputError, Code("ValidationError")),
    ),
    "s3": (
        (BucketNotFoundError, Code("NoSuchBucket", 404)),
        (UploadNotFoundError, Code("NoSuchUpload", 404)),
        (NotFoundError, Code("NoSuchKey", 404)),
        (ConflictError, Code("PreconditionFailed", 412)),
        (InvalidInputError, Code("InvalidArgument")),
        (WrongStateError, Code("BucketNotEmpty", 409)),
        (UnsupportedError, Code("NotImplemented", 501)),
    ),
    "stepfunctions": (
        (NotFoundError, Code("ResourceNotFound")),
        (ConflictError, Code("ConflictException")),
        (WrongStateError, Code("ValidationException")),
    ),
    "sts": ((InvalidInputError, Code("ValidationError")),),
}


def code_of(service: str, error: StepmillError) -> Code:
    """Return how an error of a service is told.

    Example:
        >>> code_of("sagemaker", NotFoundError("There is no such job."))
        Code(code='ResourceNotFound', status=400)
    """
    if isinstance(error, ApiError):
        return Code(error.code, error.status)
    for kind, code in (*_OF_SERVICE.get(service, ()), *_COMMON):
        if isinstance(error, kind):
            return code
    return Code("InternalFailure", 500)


def text_of(error: StepmillError) -> str:
    """Return what is said of an error: what is wrong, where, and how to mend it; of a definition, all of it.

    Example:
        >>> text_of(NotFoundError("There is no such job.", mend="List them."))
        'There is no such job. List them.'
    """
    if not isinstance(error, DefinitionError):
        return str(error)
    found = [finding for finding in error.findings if finding.severity is Severity.ERROR]
    lines = [str(StepmillError(f.message, where=f.path, mend=f.mend)) for f in found[:_MOST_FINDINGS]]
    if len(found) > _MOST_FINDINGS:
        lines.append(f"... and {len(found) - _MOST_FINDINGS} more: `stepmill lint` shows all.")
    return "\n".join(lines) or str(error)
