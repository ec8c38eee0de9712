"""The exit codes of ``stepmill``. ``docs/reference/exit-codes.md`` lists them for users; a test compares."""

from __future__ import annotations

from enum import IntEnum

from stepmill.core.errors import (
    ConflictError,
    DefinitionError,
    InvalidInputError,
    NotFoundError,
    StepmillError,
    StorageError,
    UnsupportedError,
    WrongStateError,
)


class ExitCode(IntEnum):
    """What the shell is told."""

    OK = 0
    FAILED = 1  # the execution ended other than Succeeded; `lint` found errors
    USAGE = 2  # the command line is wrong (click's code)
    REFUSED = 3  # a definition, a parameter or a setting cannot be taken; nothing was started
    NOT_FOUND = 4  # no such pipeline, execution, step, model
    WRONG_STATE = 5  # not possible as things are: already stopped, name taken
    UNSUPPORTED = 6  # known, but not offered here
    SYSTEM = 7  # the store, the disk or the machine failed
    INTERRUPTED = 130  # Ctrl-C (128 + SIGINT)


def exit_code_of(error: StepmillError) -> ExitCode:
    """Return the exit code that stands for an error."""
    match error:
        case DefinitionError() | InvalidInputError():
            return ExitCode.REFUSED
        case NotFoundError():
            return ExitCode.NOT_FOUND
        case WrongStateError() | ConflictError():
            return ExitCode.WRONG_STATE
        case UnsupportedError():
            return ExitCode.UNSUPPORTED
        case StorageError():
            return ExitCode.SYSTEM
    return ExitCode.SYSTEM
