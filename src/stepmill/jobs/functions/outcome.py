"""What became of a call: from how its job ended, and what the function left behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from stepmill.compute.spec import Ending, JobEnded
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject
from stepmill.jobs.functions.answer import AnswerTooLargeError, read_answer
from stepmill.jobs.functions.function import Function


@dataclass(frozen=True)
class Answered:
    """The function returned."""

    result: Json


@dataclass(frozen=True)
class Raised:
    """The function raised: ``errorType``, ``errorMessage``, ``stackTrace``."""

    error: JsonObject


@dataclass(frozen=True)
class Broken:
    """The function ended without an answer that can be taken.

    Args:
        kind: Lambda's name for it: ``Runtime.ExitError``.
        message: In Lambda's words.
        has_log: Whether its log may say more.
    """

    kind: str
    message: str
    has_log: bool = True


@dataclass(frozen=True)
class NotCarriedOut:
    """The call could not be carried out, or nobody knows whether it was; the function is not to blame."""

    message: str


Outcome: TypeAlias = Answered | Raised | Broken | NotCarriedOut


def outcome_of(function: Function, folder: Path, ended: JobEnded) -> Outcome:
    """Return what became of a call.

    Args:
        function: Which was called.
        folder: Where the runner left its answer; the job could write to it.
        ended: How its job ended.

    Raises:
        OSError: If the answer cannot be read.
    """
    match ended.ending:
        case Ending.TIMED_OUT:
            return _timed_out(function)
        case Ending.OUT_OF_MEMORY:
            return Broken("Runtime.OutOfMemory", "Runtime exited with error: out of memory")
        case Ending.LOST | Ending.NOT_STARTED:
            return NotCarriedOut(ended.message)
        case Ending.STOPPED:
            return Broken("Runtime.Stopped", "The call was stopped")
    result, timeout = folder / "result.json", folder / "timeout"
    if result.exists():
        return _read(result)
    if timeout.is_file() and timeout.stat().st_size:
        return _timed_out(function)
    return Broken("Runtime.ExitError", f"Runtime exited with error: exit status {ended.exit_code}")


def _timed_out(function: Function) -> Outcome:
    seconds = function.timeout.total_seconds()
    return Broken("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")


def _read(result: Path) -> Outcome:
    try:
        answer = read_answer(result)
    except AnswerTooLargeError as error:
        return Broken("Function.ResponseSizeTooLarge", str(error), has_log=False)
    except InvalidInputError as error:
        return Broken("Runtime.InvalidAnswer", str(error), has_log=False)
    if "error" not in answer:
        return Answered(answer.get("result"))
    told = answer["error"]
    return Raised(told if isinstance(told, Mapping) else {})
