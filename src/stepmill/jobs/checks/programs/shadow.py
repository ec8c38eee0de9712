"""The model that Clarify asks: served beside the program, for as long as it runs.

What starts and asks the servers of a model is that of transform jobs, and lies beside this package.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from .errors import CustomerError
from .explain_config import Predictor

# A request -> the answer.
Ask: TypeAlias = Callable[[bytes], bytes]

MODEL = "model.json"
_TIMEOUT_S = 60.0
_RETRIES = 3


@contextmanager
def served(base: Path) -> Iterator[Callable[[Predictor], Ask]]:
    """Serve the model while the block runs; whatever ends it ends the servers.

    They are started at once, before anything large is read: each is a fork of this process.

    Args:
        base: What is ``/opt/ml``.

    Yields:
        Waits until the model answers, and returns who asks it.

    Raises:
        CustomerError: If there is no model, or it does not start.
    """
    document = base / "toolkit" / MODEL
    if not document.is_file():
        raise CustomerError(
            "predictor.model_name: is missing: a model is asked, and none is named, neither here nor by the "
            "ModelName of a ClarifyCheck step."
        )
    containers: Any = importlib.import_module("stepmill_batch.containers")
    job_error: Any = importlib.import_module("stepmill_batch.errors").JobError
    running: list[Any] = []
    clients: list[Any] = []
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for number, item in enumerate(json.loads(document.read_text("utf-8"))["containers"]):
            container = containers.Container(base / item["base"], tuple(item["command"]), item["environment"])
            running.append(containers.start(container, dict(os.environ), number))
        yield lambda predictor: _asker(running, predictor, clients)
    except job_error as error:
        raise CustomerError(containers.first_reason(running) or str(error)) from error
    finally:
        for client in clients:
            client.close()
        containers.end_all(running)
        signal.signal(signal.SIGTERM, before)


def _asker(running: list[Any], predictor: Predictor, clients: list[Any]) -> Ask:
    modules = [importlib.import_module(f"stepmill_batch.{name}") for name in ("client", "requests", "errors")]
    client_module, requests_module, errors_module = modules[0], modules[1], modules[2]
    attributes = predictor.custom_attributes
    client = client_module.Client(
        tuple(one.port for one in running),
        content_type=predictor.content_type,
        accept=predictor.accept_type,
        timeout_s=_TIMEOUT_S,
        retries=_RETRIES,
        is_alive=lambda: all(one.is_alive() for one in running),
        headers={"X-Amzn-SageMaker-Custom-Attributes": attributes} if attributes else {},
    )
    clients.append(client)
    for one in running:
        client.wait_until_ready(one.port, one.startup_s)

    def ask(body: bytes) -> bytes:
        try:
            answer: bytes = client.invoke(requests_module.Request(body)).body
        except errors_module.ObjectError as error:
            raise CustomerError(f"The model refuses a request: {str(error)[:1500]}") from error
        return answer

    return ask
