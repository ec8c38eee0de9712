"""A script that is forked warm does and says exactly what it does and says when it is started cold."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from stepmill.compute.local.compute import LocalCompute
from stepmill.compute.logs import read_log
from stepmill.compute.spec import JobEnded, JobSpec, Mount
from stepmill.core.settings import Isolation
from stepmill.testing.contracts.compute import Recorder, wait_until

_SCRIPTS: Mapping[str, str] = {
    "nothing": "",
    "exit with a number": "import sys; sys.exit(7)",
    "exit with a large number": "import sys; sys.exit(256 + 3)",
    "exit with a negative number": "import sys; sys.exit(-1)",
    "exit with a text": "import sys; print('before'); sys.exit('gone wrong')",
    "exit with nothing": "raise SystemExit",
    "exit from a function": "import os\ndef f(): exit(4)\nf()",
    "os._exit": "import os; print('lost?', flush=True); os._exit(9)",
    "an error": "def f(x):\n    return 1 / x\n\nprint('start')\nf(0)",
    "an error with a cause": (
        "try:\n    {}['a']\nexcept KeyError as error:\n    raise ValueError('worse') from error"
    ),
    "an error with a note": "e = ValueError('x'); e.add_note('look here'); raise e",
    "an error group": "raise ExceptionGroup('many', [ValueError(1), TypeError(2)])",
    "a syntax error": "print('never')\ndef (:\n",
    "bad indentation": "if True:\nprint(1)\n",
    "an unknown module": "import no_such_module_anywhere",
    "endless recursion": "def f(): f()\ntry:\n    f()\nexcept RecursionError:\n    print('deep')",
    "keyboard interrupt": "raise KeyboardInterrupt",
    "ended by SIGTERM": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "ended by SIGKILL": "import os; os.kill(os.getpid(), 9)",
    "ended by abort": "import os; os.abort()",
    "names": "print(__name__, __file__, __doc__, __spec__, __package__, __cached__, __annotations__)",
    "docstring": '"""A script."""\nprint(__doc__)',
    "all globals": "print(sorted(globals()))",
    "main module": (
        "import sys, __main__\nx = 1\nprint(__main__.x, sys.modules['__main__'] is __main__, __main__.__loader__.name)"
    ),
    "arguments": "import sys; print(sys.argv, sys.orig_argv[1:])",
    "search path": "import sys; print(sys.path[0]); print([p for p in sys.path if 'src' not in p])",
    "interpreter": "import sys; print(sys.executable, sys.prefix, sys.base_prefix, sys.flags.utf8_mode)",
    "flags": "import sys; print(sys.flags)",
    "module beside it": "import helper; print(helper.VALUE, helper.__file__)",
    "package beside it": "from package.inner import VALUE; print(VALUE)",
    "working directory": "import os; print(os.getcwd(), sorted(os.listdir('opt/ml')))",
    "umask": "import os; m = os.umask(0); print(oct(m))",
    "variables": "import os; print(sorted((k, v) for k, v in os.environ.items() if k not in ('_', 'SHLVL', 'PWD')))",
    "variables of a child": "import subprocess; print(subprocess.run(['env'], capture_output=True).stdout.count(b'MINE=1'))",
    "ids": "import os; print(os.getuid(), os.getgid(), os.geteuid(), len(os.getgroups()) < 99)",
    "process tree": "import os; print(os.getpid() < 10)",
    "descriptors": "import os; print(sorted(int(n) for n in os.listdir('/proc/self/fd'))[:4])",
    "capabilities": "print([l for l in open('/proc/self/status') if l.startswith(('CapEff', 'CapPrm', 'CapInh', 'NoNew'))])",
    "capabilities of a child": (
        "import subprocess\nout = subprocess.run(['cat', '/proc/self/status'], capture_output=True, text=True).stdout\n"
        "print([l for l in out.splitlines() if l.startswith(('CapEff', 'CapPrm'))])"
    ),
    "mounts cannot be made": (
        "import subprocess\nprint(subprocess.run(['mount', '-t', 'tmpfs', 'x', '/tmp'], capture_output=True).returncode != 0)"
    ),
    "host name": "import socket; print(bool(socket.gethostname()))",
    "streams": (
        "import sys\nfor s in (sys.stdin, sys.stdout, sys.stderr):\n"
        "    print(s.name, s.mode, s.encoding, s.errors, s.line_buffering, s.isatty(), s.fileno(), s.newlines,"
        " s.write_through, type(s.buffer).__name__)"
    ),
    "original streams": "import sys; print(sys.__stdout__ is sys.stdout, sys.__stderr__ is sys.stderr)",
    "order of streams": "import sys\nprint('a'); sys.stdout.flush(); print('b', file=sys.stderr); print('c')",
    "unflushed output": "import sys; sys.stdout.write('no newline')",
    "not encodable": "import sys; print('\\udc80', file=sys.stderr)",
    "signals": (
        "import signal\nfor n in ('SIGINT', 'SIGTERM', 'SIGPIPE', 'SIGCHLD', 'SIGUSR1', 'SIGHUP'):\n"
        "    h = signal.getsignal(getattr(signal, n))\n    print(n, getattr(h, '__name__', h))\n"
        "print(signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.set_wakeup_fd(-1))"
    ),
    "exit handlers": "import atexit; atexit.register(print, 'handler'); print('body')",
    "exit handler that fails": "import atexit\n@atexit.register\ndef f(): raise ValueError('in handler')\n",
    "threads are waited for": (
        "import threading, time\ndef f():\n    time.sleep(0.1)\n    print('thread')\n"
        "threading.Thread(target=f).start()\nprint('main')"
    ),
    "an error in a thread": "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='w')\nt.start(); t.join()",
    "main thread": "import threading; print(threading.current_thread().name, threading.active_count())",
    "finalizers": "class A:\n    def __del__(self): print('finalized')\na = A()\nb = [a]; b.append(b)",
    "a file left open": (
        "f = open('/tmp/x', 'w'); f.write('kept')\n"
        "import atexit, subprocess\nimport os\n"
        "class Last:\n    def __del__(self, s=os.stat): print('size', s('/tmp/x').st_size in (0, 4))\nl = Last()"
    ),
    "fork": "import os\npid = os.fork()\nif pid == 0:\n    print('child', flush=True); os._exit(3)\nprint(os.waitpid(pid, 0)[1] >> 8)",
    "fork that ends as a script does": (
        "import os, sys\npid = os.fork()\nif pid == 0:\n    print('child'); sys.exit(5)\n"
        "print('parent', os.waitpid(pid, 0)[1] >> 8)"
    ),
    "subprocess": "import subprocess, sys; print(subprocess.run([sys.executable, '-c', 'print(6 * 7)'], capture_output=True))",
    "python on the path": "import subprocess; print(subprocess.run('python3 -c \"import sys; print(sys.prefix)\"', shell=True).returncode)",
    "multiprocessing by fork": (
        "import multiprocessing as m\ndef f(x): return x * x\nif __name__ == '__main__':\n"
        "    with m.get_context('fork').Pool(2) as p: print(p.map(f, range(5)))"
    ),
    "multiprocessing by spawn": (
        "import multiprocessing as m\ndef f(x): return x * x\nif __name__ == '__main__':\n"
        "    with m.get_context('spawn').Pool(2) as p: print(p.map(f, range(5)))"
    ),
    "multiprocessing by forkserver": (
        "import multiprocessing as m\ndef f(x): return x * x\nif __name__ == '__main__':\n"
        "    with m.get_context('forkserver').Pool(2) as p: print(p.map(f, range(5)))"
    ),
    "process pool": (
        "from concurrent.futures import ProcessPoolExecutor\ndef f(x): return x + 1\nif __name__ == '__main__':\n"
        "    with ProcessPoolExecutor(2) as p: print(list(p.map(f, range(5))))"
    ),
    "shared memory": (
        "from multiprocessing import shared_memory\ns = shared_memory.SharedMemory(create=True, size=10)\n"
        "s.buf[0] = 7; print(s.buf[0]); s.close(); s.unlink()"
    ),
    "asyncio": "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 3\nprint(asyncio.run(f()))",
    "pickle of its own class": "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A)",
    "logging": "import logging; logging.basicConfig(); logging.warning('w'); logging.info('i')",
    "warnings": "import warnings; warnings.warn('old', DeprecationWarning); warnings.warn('user')",
    "time zone": "import time, os; print(time.tzname, time.localtime(0).tm_hour)",
    "locale": "import locale; print(locale.getlocale(), locale.getpreferredencoding())",
    "terminal": "import os, sys; print(os.isatty(1)); os.open('/dev/null', 0)\ntry:\n    os.open('/dev/tty', 0)\nexcept OSError as e:\n    print(e.errno)",
    "pseudo-terminal": "import os; a, b = os.openpty(); os.write(a, b'x'); print(os.isatty(b))",
    "garbage collector": "import gc; print(gc.isenabled(), gc.get_threshold())",
    "excepthook": "import sys\nsys.excepthook = lambda *a: print('hook', a[0].__name__)\n1 / 0",
    "excepthook that fails": "import sys\ndef hook(*a): raise TypeError('again')\nsys.excepthook = hook\n1 / 0",
    "stdout closed": "import sys; print('x'); sys.stdout.close()",
    "import of stepmill": "import stepmill.core.errors as e; print(e.__name__, hasattr(e, 'StepmillError'))",
    "future of annotations does not leak": "def f(x: undefined_name = 1): pass\n",
    "temporary files": "import tempfile; print(tempfile.gettempdir()); open(tempfile.mktemp(), 'w')",
    "home": "import os; p = os.path.expanduser('~'); print(p, os.listdir(p)); open(p + '/.config', 'w')",
    "files of /": "import os; print(sorted(os.listdir('/')))",
    "user name": "import getpass, pwd, os; print(pwd.getpwuid(os.getuid()).pw_name)",
}  # fmt: skip


@pytest.fixture(scope="module")
def compute() -> Iterator[LocalCompute]:
    compute = LocalCompute()
    yield compute
    compute.close()


def _clean(log: str) -> str:
    """Blot out what differs between any two runs."""
    log = re.sub(r"0x[0-9a-f]{6,}", "0x", log)
    return re.sub(r"pid=\d+|<Thread\(.*?\)>|Thread-\d+", "", log)


@pytest.fixture
def both(compute: LocalCompute, tmp_path: Path) -> Callable[..., list[tuple[JobEnded, str]]]:
    """Return a function that runs a script warm and cold, and gives how each ended and its log."""
    code = tmp_path / "code"
    (code / "package").mkdir(parents=True)
    (code / "package" / "__init__.py").write_text("")
    (code / "package" / "inner.py").write_text("VALUE = 'inner'")
    (code / "helper.py").write_text("VALUE = 'helper'")

    def run(script: str, isolation: Isolation, **environment: str) -> list[tuple[JobEnded, str]]:
        (code / "main.py").write_bytes(script.encode())
        found = []
        folder = tmp_path / "job"
        for warm in (True, False):
            spec = JobSpec(
                job_id="job",
                folder=folder,
                command=("python3", "opt/ml/code/main.py", "-x", "two words"),
                environment={"MINE": "1", **environment},
                python=Path(sys.executable),
                mounts=(Mount(code, "/opt/ml/code", read_only=True),),
                warm=warm,
                isolation=isolation,
                timeout=timedelta(seconds=100),
            )
            recorder = Recorder()
            compute.run(spec, recorder)
            ended = recorder.ended()
            assert recorder.running().warm is warm
            found.append((ended, _clean(read_log(folder))))
            wait_until(lambda: not (folder / "root").exists())  # its supervisor throws it away
            folder.rename(tmp_path / f"was-{warm}")
        return found

    return run


@pytest.mark.parametrize("name", _SCRIPTS)
def test_in_a_sandbox(name: str, both: Callable[..., list[tuple[JobEnded, str]]]) -> None:
    warm, cold = both(_SCRIPTS[name], Isolation.AUTO)
    assert warm[1] == cold[1]
    assert (warm[0].ending, warm[0].exit_code) == (cold[0].ending, cold[0].exit_code)


@pytest.mark.parametrize("variable", ["PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "TZ", "OMP_NUM_THREADS"])
@pytest.mark.parametrize("name", ["streams", "order of streams", "time zone", "variables", "not encodable"])
def test_with_a_variable(name: str, variable: str, both: Callable[..., list[tuple[JobEnded, str]]]) -> None:
    value = {"TZ": "America/New_York"}.get(variable, "1")
    warm, cold = both(_SCRIPTS[name], Isolation.AUTO, **{variable: value})
    assert warm[1] == cold[1]


def test_with_a_search_path(both: Callable[..., list[tuple[JobEnded, str]]]) -> None:
    warm, cold = both("import sys; print(sys.path[:4])", Isolation.AUTO, PYTHONPATH="/opt/ml/lib:rel")
    assert warm[1] == cold[1]
    assert "/opt/ml/lib" in warm[1]


@pytest.mark.parametrize(
    "name", ["nothing", "an error", "exit with a text", "multiprocessing by spawn", "fork"]
)
def test_without_a_sandbox(name: str, both: Callable[..., list[tuple[JobEnded, str]]]) -> None:
    warm, cold = both(_SCRIPTS[name], Isolation.NONE)
    assert warm[1] == cold[1]
    assert (warm[0].ending, warm[0].exit_code) == (cold[0].ending, cold[0].exit_code)
