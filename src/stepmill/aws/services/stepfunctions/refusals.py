"""The codes that Step Functions gives the errors of the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from stepmill.aws.errors import ApiError
from stepmill.catalog.state_machine_records import InvalidNameError
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, StepmillError

NO_MACHINE = "StateMachineDoesNotExist"
NO_RESOURCE = "ResourceNotFound"
CONFLICT = "ConflictException"
VALIDATION = "ValidationException"


@contextmanager
def told(*, missing: str = NO_MACHINE, conflict: str = CONFLICT, invalid: str = VALIDATION) -> Iterator[None]:
    """Tell what the catalog refuses under the codes of an operation.

    Raises:
        ApiError: In place of the catalog's error.
    """
    codes: tuple[tuple[type[StepmillError], str], ...] = (
        (InvalidNameError, "InvalidName"),
        (NotFoundError, missing),
        (ConflictError, conflict),
        (InvalidInputError, invalid),
    )
    try:
        yield
    except ApiError:
        raise
    except (NotFoundError, ConflictError, InvalidInputError) as error:
        code = next(code for kind, code in codes if isinstance(error, kind))
        raise ApiError(code, error.what) from error
