"""Runs a Python script in this forked process as ``python script.py arguments...`` would.

What a started interpreter does before and after the script is done here by hand: the standard streams,
``sys.argv``, ``sys.path``, ``__main__``, the exit code. The order at the end is the
interpreter's own (``Py_FinalizeEx``): wait for threads, exit handlers, then drop what the script holds,
so that files it left open are flushed and finalizers run. Only the modules that were loaded before the
fork are not torn down one by one: that would cost more than the whole start.
"""

from __future__ import annotations

import atexit
import builtins
import gc
import importlib
import io
import os
import signal
import sys
import threading
import time
import types
from collections.abc import Mapping, Sequence
from importlib.machinery import SourceFileLoader
from typing import Any, NoReturn

_STUB_PREFIX = "stepmill"


def run_script(argv: Sequence[str], environment: Mapping[str, str], directory: str) -> NoReturn:
    """Run ``argv[1]`` under the interpreter ``argv[0]`` that this process is, and end the process.

    File descriptors 0, 1 and 2 are the script's already. Warnings, hash seed and interpreter flags are
    those of the nursery: jobs that set variables for them are not run here.
    """
    interpreter, script, *_ = argv
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    _renew_streams(unbuffered=bool(environment.get("PYTHONUNBUFFERED")))
    sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
    sys.argv = list(argv[1:])
    sys.orig_argv = list(argv)
    sys.executable = interpreter
    _set_search_path(script, environment.get("PYTHONPATH", ""))
    _forget_ourselves()
    _renew_chance()
    before = set(sys.modules)
    gc.enable()
    # No variable here may hold the module: it must be free to go when the script has ended.
    _end(_execute(_make_main(script)), before)


def _renew_streams(*, unbuffered: bool) -> None:
    """Give the standard streams buffers of their own, as for a pipe."""
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        stream = _stream(fd, name, unbuffered=unbuffered)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _stream(fd: int, name: str, *, unbuffered: bool) -> io.TextIOWrapper:
    """Open a standard stream as the interpreter does (``create_stdio`` in pylifecycle.c)."""
    mode = "w" if fd else "r"
    binary: Any = open(fd, f"{mode}b", buffering=0 if unbuffered and fd else -1, closefd=False)  # noqa: SIM115
    (binary if unbuffered and fd else binary.raw).name = f"<{name}>"
    stream = io.TextIOWrapper(
        binary,
        encoding="utf-8",
        # The nursery was started under the same locale as a job, which decides this.
        errors=getattr(sys, name).errors,
        newline="\n" if fd else None,
        line_buffering=fd == 2 and not unbuffered,
        write_through=unbuffered,
    )
    stream.__dict__["mode"] = mode
    return stream


def _set_search_path(script: str, python_path: str) -> None:
    entries = [_absolute(entry) if entry else os.getcwd() for entry in python_path.split(os.pathsep)]
    extra = entries if python_path else []
    folder = os.path.dirname(os.path.realpath(script))
    sys.path[:] = [folder, *extra, *(entry for entry in sys.path if entry and entry not in extra)]
    importlib.invalidate_caches()


def _absolute(path: str) -> str:
    """Make a path absolute exactly as the interpreter does: in the folder ``/`` that gives ``//x``."""
    return path if path.startswith("/") else f"{os.getcwd()}/{path}"


def _forget_ourselves() -> None:
    """Remove the bare package that this code was loaded under; a job may want the real one."""
    for name in list(sys.modules):
        if name == _STUB_PREFIX or name.startswith(_STUB_PREFIX + "."):
            del sys.modules[name]


def _renew_chance() -> None:
    """Give the generators that were seeded before the fork seeds of their own.

    ``random`` does it by itself after a fork. numpy's global generator, and the key with which
    processes of ``multiprocessing`` know one another, do not.
    """
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    process = sys.modules.get("multiprocessing.process")
    if process is not None:
        process.current_process().authkey = os.urandom(32)


def _make_main(script: str) -> types.ModuleType:
    main = types.ModuleType("__main__")
    path = _absolute(script)
    main.__dict__.update(
        __builtins__=builtins,
        __file__=path,
        __cached__=None,
        __annotations__={},
        __loader__=SourceFileLoader("__main__", path),
        __spec__=None,
    )
    sys.modules["__main__"] = main
    return main


def _execute(main: types.ModuleType) -> int:
    """Run the code; return the exit code, after telling of an error as the interpreter does."""
    path = main.__dict__["__file__"]
    try:
        with io.open_code(path) as file:
            source = file.read()
    except OSError as error:
        name = f"{sys.executable}: can't open file {path!r}"
        print(f"{name}: [Errno {error.errno}] {error.strerror}", file=sys.stderr)  # noqa: T201
        return 2
    try:
        code = compile(source, path, "exec", dont_inherit=True)
        exec(code, main.__dict__)  # noqa: S102
    except SystemExit as end:
        return _exit_code(end.code)
    except BaseException as error:  # noqa: BLE001
        caught = error
    else:
        return 0
    # Not within the handler: an error in the script's own hook would get this one as its context.
    return _tell(caught)


def _exit_code(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    _flush(sys.stdout)
    print(code, file=sys.stderr)  # noqa: T201
    return 1


def _tell(error: BaseException) -> int:
    """Print a traceback that begins at the script: its first entry is the call in this module."""
    traceback = error.__traceback__
    shown = traceback.tb_next if traceback is not None else None
    error.__traceback__ = shown
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, shown
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    _flush(sys.stdout)
    try:
        sys.excepthook(type(error), error, shown)
    except BaseException as second:  # noqa: BLE001
        print("Error in sys.excepthook:", file=sys.stderr)  # noqa: T201
        where = second.__traceback__.tb_next if second.__traceback__ is not None else None
        sys.__excepthook__(type(second), second.with_traceback(where), where)
        print("\nOriginal exception was:", file=sys.stderr)  # noqa: T201
        sys.__excepthook__(type(error), error, shown)
    if isinstance(error, KeyboardInterrupt):
        _flush(sys.stderr)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    return 1


def _end(code: int, before: set[str]) -> NoReturn:
    _call_hidden(threading, "_shutdown")
    _call_hidden(atexit, "_run_exitfuncs")
    _flush(sys.stdout)
    _flush(sys.stderr)
    _drop_what_the_script_holds(before)
    flushed = _flush(sys.stdout)
    _flush(sys.stderr)
    # 120: what the interpreter says when the last output could not be written.
    os._exit(code if flushed else 120)


def _call_hidden(module: types.ModuleType, name: str) -> None:
    """Call what the interpreter itself calls by this name when it ends."""
    function = getattr(module, name, None)
    if function is not None:
        function()


def _drop_what_the_script_holds(before: set[str]) -> None:
    """Let go of ``__main__`` and of the modules that came after the fork, and collect what they held."""
    for name in ("last_exc", "last_value", "last_traceback", "last_type"):
        if hasattr(sys, name):
            setattr(sys, name, None)
    for name in list(sys.modules):
        if name == "__main__" or name not in before:
            del sys.modules[name]
    gc.collect()
    for thing in gc.get_objects():
        if isinstance(thing, io.IOBase) and thing is not sys.stdout:
            _flush(thing)


def _flush(stream: Any) -> bool:
    try:
        if stream is not None and not stream.closed:
            stream.flush()
    except Exception:  # noqa: BLE001
        return False
    return True
