"""Calls one Lambda function. Runs inside the job, by whatever Python the job has.

Stands alone: it is copied into the job's folder, imports the standard library only, and finds
beside itself ``call.json``: what to call. The function's code lies where ``LAMBDA_TASK_ROOT`` says.
It leaves ``result.json``: ``{"result": ...}``, or ``{"error": {errorType, errorMessage, stackTrace}}``;
where the function took too long, nothing but ``timeout``: what it was doing.

Source: AWS Lambda developer guide, "Using the Lambda context object to retrieve Python function
information" and "Lambda function errors in Python".
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import math
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any


class Context:
    """What a function learns of its call, as Lambda's context object."""

    def __init__(self, call: dict[str, Any]) -> None:
        self.function_name: str = call["function_name"]
        self.function_version: str = call["function_version"]
        self.invoked_function_arn: str = call["function_arn"]
        self.memory_limit_in_mb: str = call["memory_limit_in_mb"]
        self.aws_request_id: str = call["request_id"]
        self.log_group_name: str = call["log_group"]
        self.log_stream_name: str = call["log_stream"]
        self.identity = None
        self.client_context = _client_context(call["client_context"])
        self._deadline = time.monotonic() + call["timeout_seconds"]

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the call is ended."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def log(self, message: object) -> None:
        """Write to the log."""
        sys.stdout.write(f"{message}\n")


def _client_context(given: Any) -> Any:
    """Return what the caller said about itself, as attributes: ``custom``, ``env``, ``client``."""
    if not isinstance(given, dict):
        return None
    client = given.get("client")
    return SimpleNamespace(
        custom=given.get("custom"),
        env=given.get("env"),
        client=SimpleNamespace(**client) if isinstance(client, dict) else None,
    )


class CallError(Exception):
    """The function could not be called, or its result not be taken.

    Args:
        kind: Lambda's name for it.
        message: What is wrong.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def main(base: Path) -> int:
    """Call the function and write down what became of it; return the exit code."""
    call = json.loads((base / "call.json").read_text(encoding="utf-8"))
    code = os.environ["LAMBDA_TASK_ROOT"]
    sys.path.insert(0, code)
    os.chdir(code)
    request, began = call["request_id"], time.monotonic()
    _say(f"START RequestId: {request} Version: {call['function_version']}")
    try:
        text, ended = _call(call, base), 0
    # A function may raise anything, SystemExit too.
    except BaseException as error:  # noqa: BLE001
        text, ended = json.dumps({"error": _described(error)}), 1
    _say(f"END RequestId: {request}")
    _say(_report(call, (time.monotonic() - began) * 1000))
    _write(base, text)
    return ended


def _say(line: str) -> None:
    """Write a line of Lambda's own to the log, after all that the function has printed."""
    sys.stderr.flush()
    sys.stdout.flush()
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _report(call: dict[str, Any], milliseconds: float) -> str:
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kilobytes on Linux, bytes on macOS.
    used_mb = largest // (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return (
        f"REPORT RequestId: {call['request_id']}\tDuration: {milliseconds:.2f} ms\t"
        f"Billed Duration: {math.ceil(milliseconds)} ms\tMemory Size: {call['memory_limit_in_mb']} MB\t"
        f"Max Memory Used: {used_mb} MB\t"
    )


def _call(call: dict[str, Any], base: Path) -> str:
    function = _function(call["handler"])
    with (base / "timeout").open("w", encoding="utf-8") as file:
        # As on Lambda, time runs from here: what the module does when it is imported is not counted. A thread
        # of the interpreter's own ends the process, whatever the function is doing, and tells where it was.
        faulthandler.dump_traceback_later(call["timeout_seconds"], exit=True, file=file)
        result = function(call["event"], Context(call))
        faulthandler.cancel_dump_traceback_later()
    try:
        return json.dumps({"result": _as_json(result)}, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise CallError("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def _as_json(result: Any) -> Any:
    """Return what a result stands for: Lambda passes bytes on as they are, and whoever called reads them."""
    if not isinstance(result, bytes):
        return result
    try:
        return json.loads(result)
    except ValueError:
        return result.decode("utf-8", "replace")


def _function(handler: str) -> Callable[[Any, Context], Any]:
    path, _, name = handler.rpartition(".")
    if not path or not name:
        raise CallError("Runtime.MalformedHandlerName", f"Bad handler '{handler}': it is no module.function")
    try:
        module = importlib.import_module(path.replace("/", "."))
    except ImportError as error:
        raise CallError("Runtime.ImportModuleError", f"Unable to import module '{path}': {error}") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise CallError("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{path}'")
    return function  # type: ignore[no-any-return]


def _described(error: BaseException) -> dict[str, Any]:
    """Describe an error as Lambda does; frames of this file are left out."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    kind = error.kind if isinstance(error, CallError) else type(error).__name__
    sys.stderr.write("".join(traceback.format_exception(type(error), error, error.__traceback__)))
    # As tuples they are shown without marks below the line, as Lambda's runtime shows them.
    shown = [(frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in frames]
    return {"errorMessage": str(error), "errorType": kind, "stackTrace": traceback.format_list(shown)}


def _write(base: Path, text: str) -> None:
    """Write the result whole or not at all."""
    unfinished = base / "result.json.new"
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(base / "result.json")


if __name__ == "__main__":
    ended = main(Path(__file__).absolute().parent)
    sys.stdout.flush()
    sys.stderr.flush()
    # Lambda does not wait for threads that the function left behind, and neither does this.
    os._exit(ended)
