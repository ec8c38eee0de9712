"""Finds the code that serves a model, and runs its handlers.

Source: container contract, C5; sagemaker-inference-toolkit, transformer.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import subprocess
import sys
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from . import codecs, saved_models
from .defaults import defaults_of
from .errors import SetupError, status_of
from .packages import InstallError, install_requirements

DEFAULT_PROGRAM = "inference.py"
_LONGEST_MESSAGE = 64 * 1024
_LAST_LINES = 20


@dataclass(frozen=True)
class Setting:
    """What is served, as the variables of the container say.

    Args:
        base: What is ``/opt/ml`` elsewhere.
        model: Folder of the model.
        code: Folder of the user's code.
        program: File of it that has the handlers.
        is_named: Whether somebody named it, so that it must be there.
        family: Framework whose defaults stand in: ``sklearn``, ``xgboost``, ``pytorch``.
        module: Module of a built-in algorithm, its name or its file; empty: the user's code serves.
        accept: What stands in for a request's ``Accept`` of ``*/*``; empty: nothing does.
    """

    base: Path
    model: Path
    code: Path
    program: str
    is_named: bool
    family: str
    module: str
    accept: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Setting:
        """Read the variables."""
        base = Path(environment.get("SAGEMAKER_BASE_DIR") or "/opt/ml")
        model = base / "model"
        program = environment.get("SAGEMAKER_PROGRAM", "")
        module = environment.get("STEPMILL_SERVING_MODULE", "")
        submitted = environment.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
        # Archives in S3 were unpacked before the container was started.
        fetched = submitted.startswith("s3://")
        is_folder = submitted and not fetched and Path(submitted).is_dir()
        code = base / "code" if fetched else Path(submitted) if is_folder else model / "code"
        return cls(
            base=base,
            model=model,
            code=code,
            program=program or DEFAULT_PROGRAM,
            is_named=bool(program),
            family=environment.get("STEPMILL_SERVING_FAMILY", ""),
            module=module,
            # An algorithm knows best what it answers with.
            accept=environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or ("" if module else codecs.JSON),
        )


@dataclass(frozen=True)
class Answer:
    """What a request is answered with.

    Args:
        status: HTTP status.
        body: Its bytes.
        content_type: Of the body.
    """

    status: int
    body: bytes
    content_type: str


class Service:
    """Serves one model.

    Args:
        setting: What is served.
        say: Gets lines for the log.
    """

    def __init__(self, setting: Setting, say: Callable[[str], None]) -> None:
        self._setting = setting
        self._say = say
        self._model: Any = None
        self._handlers: dict[str, Any] = {}
        self.execution_parameters: Callable[[], Any] | None = None

    def prepare(self) -> None:
        """Install what the user's code asks for. Once, before any worker is started.

        Raises:
            SetupError: If that fails.
        """
        requirements = self._setting.code / "requirements.txt"
        # Of a transform job they may have been installed beforehand; its log says so.
        is_kept = bool(os.environ.get("STEPMILL_PACKAGES"))
        if not is_kept and not self._setting.module and requirements.is_file():
            home = self._setting.base / "packages"
            try:
                install_requirements(requirements, home, run=self._run_and_say, say=self._say)
            except InstallError as error:
                raise SetupError(str(error)) from error

    def _run_and_say(self, command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
        last: deque[str] = deque(maxlen=_LAST_LINES)
        with subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            for line in process.stdout or ():
                last.append(line)
                self._say(line.rstrip("\n"))
        return process.returncode, "".join(last)

    def load(self) -> None:
        """Import the code and load the model.

        Raises:
            SetupError: If there is none, or it is not as it must be.
            Exception: Whatever the user's code raises.
        """
        module = _algorithm(self._setting.module) if self._setting.module else self._user_module()
        defaults = defaults_of(self._setting.family)
        transform = getattr(module, "transform_fn", None)
        if transform is None and self._setting.family == "tensorflow":
            transform = saved_models.transform_of(module)
        given = [name for name in ("input_fn", "predict_fn", "output_fn") if getattr(module, name, None)]
        if transform is not None and given:
            raise SetupError(
                f"The inference code has a transform_fn and {given[0]}: it replaces that. Keep one."
            )
        self._handlers = {
            name: _fitted(getattr(module, name, None) or getattr(defaults, name), arguments)
            for name, arguments in (("model_fn", 1), ("input_fn", 2), ("predict_fn", 2), ("output_fn", 2))
        }
        self._handlers["transform_fn"] = _fitted(transform, 4) if transform is not None else None
        self.execution_parameters = getattr(module, "execution_parameters_fn", None)
        self._model = self._handlers["model_fn"](str(self._setting.model))

    def answer(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Answer a request; an error of a handler is an answer too."""
        if not self._setting.module:
            content_type = content_type or codecs.JSON
        if not accept or codecs.ANY in accept:
            accept = self._setting.accept or accept
        try:
            return _answer_of(self._transformed(body, content_type, accept), accept)
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises is what the client hears
            status = status_of(error)
            if status >= 500:
                self._say(traceback.format_exc().rstrip())
            text = f"{error}" or type(error).__name__
            return Answer(status, b"" if status == 204 else text[:_LONGEST_MESSAGE].encode(), "text/plain")

    def _transformed(self, body: bytes, content_type: str, accept: str) -> Any:
        handlers, setting = self._handlers, self._setting
        is_text = codecs.media_type(content_type) in codecs.TEXTS and not setting.module
        data: Any = body.decode("utf-8") if is_text else body
        if handlers["transform_fn"] is not None:
            return handlers["transform_fn"](self._model, data, content_type, accept)
        read = handlers["input_fn"](data, content_type)
        prediction = handlers["predict_fn"](read, self._model)
        return handlers["output_fn"](prediction, accept)

    def _user_module(self) -> ModuleType:
        setting = self._setting
        path = setting.code / setting.program
        if not path.is_file():
            # Archives that are not repacked keep the code beside the model.
            path = setting.model / setting.program
        if path.is_file():
            return _module_at(path)
        if not setting.is_named and setting.family in ("pytorch", "tensorflow"):
            # Their images serve models without any code.
            return ModuleType("inference")
        there = sorted(p.name for p in setting.code.iterdir()) if setting.code.is_dir() else []
        raise SetupError(
            f"There is no inference code: no {setting.program!r} in {setting.code}, which holds "
            f"{', '.join(there[:20]) or 'nothing'}. Pack it into the model archive as "
            f"code/{setting.program}, or name it by SAGEMAKER_PROGRAM and SAGEMAKER_SUBMIT_DIRECTORY, as "
            "entry_point and source_dir of the SDK's models do."
        )


def _algorithm(module: str) -> ModuleType:
    return _module_at(Path(module)) if module.endswith(".py") else importlib.import_module(module)


def _module_at(path: Path) -> ModuleType:
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    # Where several modules work together they look for one another by name.
    name = path.stem.replace("-", "_")
    spec = importlib.util.spec_from_file_location(name, str(path))
    if spec is None or spec.loader is None:
        raise SetupError(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Context:
    """What a handler with one more parameter gets: where the model is, and on what it runs."""

    def __init__(self) -> None:
        self.system_properties = {"model_dir": os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml") + "/model"}
        self.manifest: dict[str, Any] = {}


def _fitted(function: Callable[..., Any], arguments: int) -> Callable[..., Any]:
    """Return a handler as it is called; one that takes one more argument gets the context."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return function
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if sum(parameter.kind in places for parameter in parameters) != arguments + 1:
        return function
    context = Context()
    return lambda *given: function(*given, context)


def _answer_of(result: Any, accept: str) -> Answer:
    content_type = accept
    if isinstance(result, Answer):
        return result
    if isinstance(result, tuple) and len(result) == 2:
        result, content_type = result[0], str(result[1])
    response = getattr(result, "response", None)
    if response is not None and not isinstance(result, (str, bytes)):
        # worker.Response of the older images' toolkit, a response of Flask's.
        content_type = getattr(result, "mimetype", None) or content_type
        result = b"".join(part.encode() if isinstance(part, str) else part for part in _parts(response))
    if isinstance(result, str):
        return Answer(200, result.encode("utf-8"), content_type)
    if isinstance(result, (bytes, bytearray, memoryview)):
        return Answer(200, bytes(result), content_type)
    body, content_type = codecs.encode(result, accept)
    return Answer(200, body, content_type)


def _parts(response: Any) -> Any:
    return [response] if isinstance(response, (str, bytes)) else response
