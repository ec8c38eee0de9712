"""Does a transform job: starts the model, sends it every object, writes what it answers.

Source: API reference, CreateTransformJob, TransformOutput; developer guide, "Batch transform for inference".
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import sys
import time
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

from .capture import Marks, write_manifests
from .client import Answer, Client
from .containers import Container, Running, end_all, first_reason, start
from .errors import JobError, ObjectError, PathError
from .paths import read_path
from .processing import CSV, Processing, media_type, stored_type
from .requests import Cutting, Request

SUFFIX = ".out"
_MB = 1024 * 1024
_DEFAULT_PAYLOAD_MB = 6
# API reference: MaxConcurrentTransforms * MaxPayloadInMB cannot be greater.
_MOST_MB = 100
_PROGRESS_PERIOD_S = 5.0
_MOST_TOLD = 20


class Result:
    """What comes of one object.

    Args:
        name: Of the object, below the input.
        address: Of the object, for people.
        partial: File that is written.
        final: Where it goes when it is whole.
    """

    def __init__(self, name: str, address: str, partial: Path, final: Path) -> None:
        self.name = name
        self.address = address
        self.failure: ObjectError | None = None
        self._partial = partial
        self._final = final
        partial.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = partial.open("wb")

    def write(self, data: bytes) -> None:
        """Append what was answered to a request."""
        if self.failure is None:
            self._file.write(data)

    def fail(self, error: ObjectError) -> None:
        """Note that the object cannot be transformed; the first reason counts."""
        self.failure = self.failure or error

    def close(self) -> None:
        """Keep what is whole, drop what is not."""
        self._file.close()
        if self.failure is None:
            self._final.parent.mkdir(parents=True, exist_ok=True)
            self._partial.replace(self._final)
        else:
            self._partial.unlink()


class Job:
    """One transform job.

    Args:
        base: What is ``/opt/ml`` elsewhere.
        config: What to do; written by Stepmill.
    """

    def __init__(self, base: Path, config: Mapping[str, Any]) -> None:
        self._base = base
        self._config = config
        self._running: list[Running] = []
        self._done: list[str] = []
        self._failed = 0
        self._started_s = time.time()
        capture = config.get("capture")
        self._marks = Marks(self._started_s) if capture and capture["mark"] else None
        self._reasons: list[str] = []
        self._told_at = time.monotonic()

    def run(self) -> int:
        """Do the job; return its exit code."""
        signal.signal(signal.SIGTERM, self._stop)
        began = time.monotonic()
        self._objects = sorted(_files(self._base / "input" / "data"))
        try:
            # Of several hosts one may have nothing to do.
            if self._objects:
                self._start()
                self._transform()
        except JobError as error:
            reason = first_reason(self._running) or str(error)
            self._reasons.insert(0, reason)
            self._say(reason)
        finally:
            end_all(self._running)
        took = time.monotonic() - began
        self._say(f"{len(self._done)} of {len(self._objects)} objects transformed in {took:.1f} s")
        self._capture()
        if not self._reasons:
            return 0
        more = f" ({len(self._reasons)} objects failed.)" if len(self._reasons) > 1 else ""
        (self._base / "output" / "failure").write_text(self._reasons[0] + more, "utf-8", "surrogateescape")
        return 1

    def _start(self) -> None:
        config = self._config
        settings = {
            "SAGEMAKER_BATCH": "true",
            **_given("SAGEMAKER_MAX_PAYLOAD_IN_MB", config["max_payload_mb"]),
            **_given("SAGEMAKER_BATCH_STRATEGY", _STRATEGIES.get(config["strategy"])),
            **_given("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", config["max_concurrent"]),
        }
        first = config["containers"][0]["environment"]
        for number, item in enumerate(config["containers"]):
            container = Container(self._base / item["base"], tuple(item["command"]), item["environment"])
            # The variables of the job are those of its first container.
            common = {name: value for name, value in os.environ.items() if number == 0 or name not in first}
            self._running.append(start(container, {**common, **settings}, number))
        self._client = Client(
            tuple(one.port for one in self._running),
            content_type=config["content_type"],
            accept=config["accept"],
            timeout_s=config["timeout_s"],
            retries=config["retries"],
            is_alive=lambda: all(one.is_alive() for one in self._running),
        )
        for one in self._running:
            self._client.wait_until_ready(one.port, one.startup_s)

    def _transform(self) -> None:
        said = self._client.execution_parameters(self._running[0].port) if self._asks() else {}
        self._at_once = self._config["max_concurrent"] or max(
            1, _whole(said.get("MaxConcurrentTransforms"), 1)
        )
        payload_mb = self._config["max_payload_mb"]
        if payload_mb is None:
            payload_mb = min(_whole(said.get("MaxPayloadInMB"), _DEFAULT_PAYLOAD_MB), _MOST_MB)
        strategy = self._config["strategy"] or _NAMES.get(str(said.get("BatchStrategy")), "MultiRecord")
        processing = _processing(self._config)
        self._cutting = Cutting(
            self._config["split"],
            is_single=strategy == "SingleRecord",
            limit_bytes=payload_mb * _MB,
            content_type=self._config["content_type"],
            processing=processing,
        )
        shown = next(key for key, name in _NAMES.items() if name == strategy)
        self._say(
            f"MaxConcurrentTransforms={self._at_once}, MaxPayloadInMB={payload_mb}, BatchStrategy={shown}"
        )
        with ThreadPoolExecutor(self._at_once) as senders:
            self._send_all(senders)

    def _asks(self) -> bool:
        config = self._config
        given = (config["max_payload_mb"] is not None, config["strategy"], config["max_concurrent"])
        return not all(given)

    def _send_all(self, senders: ThreadPoolExecutor) -> None:
        """Keep so many requests under way as are allowed; take the answers in the order of the records."""
        pending: deque[tuple[Result, Request | None, Future[Answer] | None]] = deque()
        try:
            for result, request in self._requests():
                future = senders.submit(self._client.invoke, request) if request is not None else None
                pending.append((result, request, future))
                # One more than are asked at a time waits ready, so that the model never does.
                while len(pending) > self._at_once + 1:
                    self._settle(*pending.popleft())
            while pending:
                self._settle(*pending.popleft())
        except BaseException:
            for result, _, waiting in pending:
                if waiting is not None:
                    waiting.cancel()
                result.fail(ObjectError("The job ended before it."))
            raise

    def _requests(self) -> Iterator[tuple[Result, Request | None]]:
        """Return the requests of all objects; after those of an object comes ``None``."""
        for number, name in enumerate(self._objects):
            result = self._result(number, name)
            try:
                for request in self._requests_of(name):
                    yield result, request
                    if result.failure is not None:
                        break
            except ObjectError as error:
                result.fail(error)
            except (OSError, EOFError, zlib.error) as error:
                result.fail(ObjectError(f"The object cannot be read: {error}"))
            yield result, None

    def _requests_of(self, name: str) -> Iterator[Request]:
        opened = partial(_opened, self._base / "input" / "data" / name, self._config["compression"])
        if self._cutting.limit_bytes == 0:
            yield Request(b"", stream=opened)
            return
        with opened() as source:
            yield from self._cutting.requests(source)

    def _result(self, number: int, name: str) -> Result:
        output = self._base / "output"
        name = self._config["beginning"] + name
        return Result(
            name,
            self._config["prefix"] + name,
            output / "unfinished" / str(number),
            output / "data" / f"{name}{SUFFIX}",
        )

    def _settle(self, result: Result, request: Request | None, future: Future[Answer] | None) -> None:
        if request is None or future is None:
            self._close(result)
            return
        try:
            result.write(self._assembled(request, future.result()))
        except ObjectError as error:
            where = f"{request.lines}: " if request.lines else ""
            result.fail(ObjectError(f"{where}{error}", is_ours=error.is_ours))

    def _assembled(self, request: Request, answer: Answer) -> bytes:
        processing, marks = self._cutting.processing, self._marks
        content_type = media_type(answer.content_type or self._config["accept"])
        if processing is not None:
            records = processing.stored(request.records, answer.body, content_type)
            if marks is not None:
                mark = marks.row if processing.gives_rows(content_type) else marks.value
                records = [mark(record) for record in records]
        elif marks is not None:
            records = marks.answer(answer.body, content_type, request.lines.at_most if request.lines else 1)
        else:
            needs_end = self._config["assemble"] == "Line" and not answer.body.endswith(b"\n")
            return answer.body + b"\n" if needs_end else answer.body
        return b"".join(record + b"\n" for record in records)

    def _close(self, result: Result) -> None:
        result.close()
        if result.failure is None:
            self._done.append(result.name)
        else:
            self._failed += 1
            self._reasons.append(f"{result.failure.blame}{result.address}: {result.failure}")
            if self._failed <= _MOST_TOLD:
                for line in str(result.failure).splitlines():
                    self._say(f"{result.address}: {line}")
        now = time.monotonic()
        if now - self._told_at >= _PROGRESS_PERIOD_S:
            self._told_at = now
            self._say(f"{len(self._done) + self._failed}/{len(self._objects)} objects")

    def _say(self, line: str) -> None:
        now = time.time()
        moment = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03}"
        sys.stdout.write(f"{moment}:[sagemaker logs]: {line}\n")
        sys.stdout.flush()

    def _capture(self) -> None:
        """Tell which objects are whole, if that is wanted."""
        if capture := self._config.get("capture"):
            # Once: the job may be stopped just now.
            names, self._done = sorted(self._done), []
            places = (capture["inputs"], capture["outputs"])
            write_manifests(self._base / "output" / "capture", self._started_s, *places, names, SUFFIX)

    def _stop(self, _number: int, _frame: Any) -> None:
        end_all(self._running)
        self._capture()
        os._exit(143)


_STRATEGIES = {"MultiRecord": "MULTI_RECORD", "SingleRecord": "SINGLE_RECORD"}
_NAMES = {shown: name for name, shown in _STRATEGIES.items()}


def _processing(config: Mapping[str, Any]) -> Processing | None:
    content_type = config["content_type"]
    stored = stored_type(content_type, config["accept"], join=config["join"])
    try:
        input_filter = read_path(config["input_filter"], content_type=content_type)
        output_filter = read_path(config["output_filter"], content_type=stored, name="OutputFilter")
    except PathError as error:
        raise JobError(str(error)) from error
    if input_filter.is_everything and output_filter.is_everything and not config["join"]:
        return None
    return Processing(input_filter, output_filter, join=config["join"], is_csv=content_type == CSV)


def _files(folder: Path) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        for name in names:
            yield Path(place, name).relative_to(folder).as_posix()


def _opened(path: Path, compression: str) -> IO[bytes]:
    if compression == "Gzip":
        opened: Any = gzip.open(path, "rb")  # noqa: SIM115 - the caller closes it
        return opened  # type: ignore[no-any-return]
    return path.open("rb", buffering=1024 * 1024)


def _whole(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else otherwise


def _given(name: str, value: Any) -> dict[str, str]:
    return {} if value in (None, 0, "") else {name: str(value)}


def run(base: Path) -> int:
    """Do the job of a folder; return its exit code.

    Args:
        base: What is ``/opt/ml`` elsewhere.
    """
    config = json.loads((base / "toolkit" / "transform.json").read_text("utf-8"))
    code = Job(base, config).run()
    with suppress(OSError):
        (base / "output" / "unfinished").rmdir()
    return code
