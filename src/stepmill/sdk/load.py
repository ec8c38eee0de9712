"""Load the pipeline that a Python file makes."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from stepmill.core.errors import InvalidInputError, NotFoundError, StepmillError
from stepmill.sdk.names import nearest
from stepmill.sdk.pipeline import Pipeline

# Modules that the software of an image brings, and the extra that installs it.
_EXTRAS = {
    "joblib": "sklearn",
    "numpy": "sklearn",
    "pandas": "sklearn",
    "scipy": "sklearn",
    "sklearn": "sklearn",
    "tensorflow": "tensorflow",
    "torch": "pytorch",
    "xgboost": "xgboost",
}


def load_pipeline(path: Path, name: str | None = None) -> Pipeline:
    """Run a Python file and return the pipeline that it makes.

    The pipeline is a variable of the file, or what its function ``pipeline()`` returns. While the file
    runs, modules beside it can be imported.

    Args:
        path: Of the file.
        name: Of the pipeline, or of its variable; needed only if the file makes more than one.

    Raises:
        NotFoundError: If there is no such file, or no such pipeline in it.
        InvalidInputError: If the file fails, or makes several pipelines and no name is given.
    """
    with load_module(path) as module:
        file = path.absolute()
        return _choose(_pipelines(module, file), file, name)


@contextmanager
def load_module(path: Path) -> Iterator[ModuleType]:
    """Run a Python file, and keep the modules beside it importable while its module is in use.

    Raises:
        NotFoundError: If there is no such file.
        InvalidInputError: If it fails; says where in it.
    """
    file = path.absolute()
    if not file.is_file():
        raise NotFoundError(f"There is no file {str(path)!r}.", mend="Give the file that makes the pipeline.")
    with _imports_from(file.parent):
        yield _run(file)


@contextmanager
def _imports_from(folder: Path) -> Iterator[None]:
    """Let modules of a folder be imported, and forget them afterwards: the next file may have others."""
    sys.path.insert(0, str(folder))
    known = set(sys.modules)
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))
        for name in set(sys.modules) - known:
            origin = getattr(sys.modules[name], "__file__", None)
            if origin and Path(origin).is_relative_to(folder) and "site-packages" not in Path(origin).parts:
                del sys.modules[name]


def _run(file: Path) -> ModuleType:
    name = f"stepmill_pipeline_{sha256(str(file).encode()).hexdigest()[:12]}"
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise InvalidInputError("This is no Python file.", where=str(file), mend="Give a .py file.")
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses, pickle and their like look a class's module up
    with _friendly(file):
        spec.loader.exec_module(module)
    return module


@contextmanager
def _friendly(file: Path) -> Iterator[None]:
    """Say of what the user's code raises where in it that was."""
    try:
        yield
    except StepmillError as error:
        where = ", ".join(filter(None, [_line(file, error), error.where]))
        raise InvalidInputError(error.what, where=where, mend=error.mend) from error
    except SyntaxError as error:
        raise InvalidInputError(
            f"This is not valid Python: {error.msg}.",
            where=f"{error.filename}:{error.lineno}",
            mend="Correct it.",
        ) from error
    except (Exception, SystemExit) as error:
        said = "".join(traceback.format_exception_only(error)).strip()
        raise InvalidInputError(
            f"The file raised {said}",
            where=_line(file, error),
            mend=_mend(error),
        ) from error


def _mend(error: BaseException) -> str:
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return "It is run to learn what the pipeline is."
    module = error.name.partition(".")[0]
    if module in _EXTRAS:
        return f"Install it: pip install 'stepmill[{_EXTRAS[module]}]'."
    return f"Install {module!r} where stepmill is installed: the file is run to learn what the pipeline is."


def _line(file: Path, error: BaseException) -> str:
    """Return the innermost line of the file, or else of what it calls, that the error passed."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename) == file]
    return f"{file}:{own[-1].lineno}" if own else str(file)


def _pipelines(module: ModuleType, file: Path) -> dict[str, Pipeline]:
    """Return the pipelines of a module by the first variable that holds each."""
    found: dict[str, Pipeline] = {}
    for name, value in vars(module).items():
        if isinstance(value, Pipeline) and not any(value is each for each in found.values()):
            found[name] = value
    make = vars(module).get("pipeline")
    if not found and callable(make):
        with _friendly(file):
            made = make()
        if isinstance(made, Pipeline):
            found["pipeline"] = made
    return found


def _choose(found: dict[str, Pipeline], file: Path, name: str | None) -> Pipeline:
    if not found:
        raise NotFoundError(
            "The file makes no pipeline.",
            where=str(file),
            mend="Assign one: pipeline = Pipeline('Name', [...]).",
        )
    if name is None:
        if len(found) > 1:
            names = ", ".join(each.name for each in found.values())
            raise InvalidInputError(
                f"The file makes {len(found)} pipelines: {names}.",
                where=str(file),
                mend="Name the one that is meant: --pipeline on the command line.",
            )
        return next(iter(found.values()))
    for variable, pipeline in found.items():
        if name in (variable, pipeline.name):
            return pipeline
    raise NotFoundError(
        f"The file makes no pipeline {name!r}.",
        where=str(file),
        mend=nearest(name, [each.name for each in found.values()]),
    )
