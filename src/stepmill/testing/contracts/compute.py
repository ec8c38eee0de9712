"""What every compute must do."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from stepmill.compute.logs import follow_log, log_lines, raw_log, read_log
from stepmill.compute.spec import Compute, Ending, JobEnded, JobEvent, JobRunning, JobSpec, Mount
from stepmill.core.errors import ComputeError, UnsupportedError

# Nothing here is about speed, and the machine may be busy.
PATIENCE_SECONDS = 120.0

_Event = TypeVar("_Event", JobRunning, JobEnded)


class Recorder:
    """Listens to one job."""

    def __init__(self) -> None:
        self.events: list[JobEvent] = []
        self._changed = threading.Condition()

    def __call__(self, event: JobEvent) -> None:
        """Take in an event."""
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def running(self) -> JobRunning:
        """Wait until the program runs."""
        return self._wait_for(JobRunning)

    def ended(self) -> JobEnded:
        """Wait until the job has ended."""
        return self._wait_for(JobEnded)

    def _wait_for(self, kind: type[_Event]) -> _Event:
        with self._changed:
            self._changed.wait_for(lambda: any(isinstance(e, kind) for e in self.events), PATIENCE_SECONDS)
            found = [event for event in self.events if isinstance(event, kind)]
        assert found, f"No {kind.__name__} in {PATIENCE_SECONDS} s, only {self.events}."
        return found[0]


def wait_until(true: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "It never came about."
        time.sleep(0.01)


def _is_anywhere(name: str, folder: Path) -> bool:
    """Look for a file while others remove folders around it."""
    return any(name in files for _, _, files in os.walk(folder))


class ComputeContract:
    """Inherit it, and give a fixture ``compute``.

    ``options`` are fields of every ``JobSpec``; ``sandboxed`` says whether files and processes of the
    machine are kept from the job, ``own_network`` whether it can be kept from the network.
    """

    options: ClassVar[Mapping[str, Any]] = {}
    sandboxed: ClassVar[bool] = True
    own_network: ClassVar[bool] = True
    isolation_names: ClassVar[frozenset[str]] = frozenset()
    # Process 1 gets only the signals that it handles, and SIGKILL; so it is in a container.
    program_is_process_one: ClassVar[bool] = False

    @pytest.fixture
    def compute(self) -> Compute:
        """Return the compute to test."""
        pytest.fail("The test class has no fixture `compute`.")

    @pytest.fixture
    def make(self, tmp_path: Path) -> Callable[..., JobSpec]:
        """Return a function that makes a job of a script."""

        def make(script: str, *arguments: str, name: str = "job", **fields: Any) -> JobSpec:
            code = tmp_path / f"{name}-code"
            code.mkdir(exist_ok=True)
            (code / "main.py").write_text(textwrap.dedent(script))
            folder = tmp_path / "jobs" / name
            folder.mkdir(parents=True, exist_ok=True)
            spec = JobSpec(
                job_id=name,
                folder=folder,
                command=("python3", "/opt/ml/code/main.py", *arguments),
                environment={"PYTHONUNBUFFERED": "1"},
                python=Path(sys.executable),
                mounts=(Mount(code, "/opt/ml/code", read_only=True),),
                grace=timedelta(seconds=60),
            )
            mounts = (*spec.mounts, *fields.pop("mounts", ()))
            return replace(spec, mounts=mounts, **{**self.options, **fields})

        return make

    def run(self, compute: Compute, spec: JobSpec) -> JobEnded:
        """Run a job to its end."""
        recorder = Recorder()
        compute.run(spec, recorder)
        return recorder.ended()

    def output(self, compute: Compute, spec: JobSpec) -> str:
        """Run a job that must succeed; return its log."""
        ended = self.run(compute, spec)
        assert (ended.ending, ended.exit_code) == (Ending.EXITED, 0), (ended, read_log(spec.folder))
        return read_log(spec.folder)

    # -- how it ends, and what it writes

    def test_output_of_both_streams_is_the_log(self, compute: Compute, make: Callable[..., JobSpec]) -> None:
        spec = make(
            "import sys; print('out'); print('err', file=sys.stderr); print(sys.argv[1:])", "a b", "--c"
        )
        lines = self.output(compute, spec).splitlines()
        assert sorted(lines) == ["['a b', '--c']", "err", "out"]

    @pytest.mark.parametrize("code", [0, 1, 3, 127])
    def test_the_exit_code_is_the_programs(
        self, compute: Compute, make: Callable[..., JobSpec], code: int
    ) -> None:
        ended = self.run(compute, make(f"raise SystemExit({code})"))
        assert (ended.ending, ended.exit_code) == (Ending.EXITED, code)

    def test_an_error_in_the_script_leaves_its_traceback(
        self, compute: Compute, make: Callable[..., JobSpec]
    ) -> None:
        spec = make("def f():\n    raise KeyError('lost')\nf()")
        ended = self.run(compute, spec)
        assert (ended.ending, ended.exit_code) == (Ending.EXITED, 1)
        log = read_log(spec.folder)
        assert log.startswith("Traceback (most recent call last):\n  File ")
        assert log.endswith("KeyError: 'lost'\n")
        assert "main.py" in log
        assert log.count("  File ") == 2

    def test_a_signal_that_ends_the_program_is_told(
        self, compute: Compute, make: Callable[..., JobSpec]
    ) -> None:
        if self.program_is_process_one:
            pytest.skip("It does not end by its own signal.")
        ended = self.run(compute, make("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"))
        assert ended.ending is Ending.SIGNALLED
        assert ended.exit_code == 128 + signal.SIGSEGV

    def test_a_program_that_is_not_there_is_not_started(
        self, compute: Compute, make: Callable[..., JobSpec]
    ) -> None:
        spec = replace(make(""), command=("/no/such/program", "x"))
        ended = self.run(compute, spec)
        assert ended.ending is Ending.NOT_STARTED
        assert "/no/such/program" in ended.message + read_log(spec.folder)

    def test_events_come_once_and_in_order(self, compute: Compute, make: Callable[..., JobSpec]) -> None:
        recorder = Recorder()
        before = datetime.now(UTC) - timedelta(seconds=1)
        compute.run(make("print(1)"), recorder)
        ended = recorder.ended()
        assert [type(event) for event in recorder.events] == [JobRunning, JobEnded]
        assert recorder.running().isolation in self.isolation_names
        assert {event.job_id for event in recorder.events} == {"job"}
        assert before <= ended.started_at <= ended.ended_at <= datetime.now(UTC) + timedelta(seconds=1)

    def test_standard_input_is_empty(self, compute: Compute, make: Callable[..., JobSpec]) -> None:
        assert self.output(compute, make("import sys; print(repr(sys.stdin.read()))")) == "''\n"

    def test_a_command_need_not_be_a_script(self, compute: Compute, make: Callable[..., JobSpec]) -> None:
        spec = replace(
            make("print('from python')"), command=("/bin/sh", "-c", "echo $0 $GREETING; exit 4", "x")
        )
        spec = replace(spec, environment={"GREETING": "hello"})
        ended = self.run(compute, spec)
        assert (ended.ending, ended.exit_code) == (Ending.EXITED, 4)
        assert read_log(spec.folder) == "x hello\n"

    # -- what it sees

    def test_variables_are_the_jobs_and_not_the_servers(
        self, compute: Compute, make: Callable[..., JobSpec], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("STEPMILL_SECRET", "server")
        script = "import os; print(os.environ.get('STEPMILL_SECRET'), os.environ['MINE'])"
        assert self.output(compute, make(script, environment={"MINE": "a=b\nc"})) == "None a=b\nc\n"

    def test_what_is_mounted_can_be_read_and_written(
        self, compute: Compute, make: Callable[..., JobSpec], tmp_path: Path
    ) -> None:
        data, model = tmp_path / "data", tmp_path / "model"
        data.mkdir()
        model.mkdir()
        (data / "train.csv").write_text("1,2\n")
        (tmp_path / "one.json").write_text("{}")
        mounts = (
            Mount(data, "/opt/ml/input/data/train", read_only=True),
            Mount(model, "/opt/ml/model"),
            Mount(tmp_path / "one.json", "/opt/ml/input/config/one.json", read_only=True),
        )
        spec = make(
            """
            import sys
            base = sys.argv[1]
            print(open(base + "/input/data/train/train.csv").read())
            print(open(base + "/input/config/one.json").read())
            open(base + "/model/model.bin", "w").write("trained")
            """,
            "/opt/ml",
            mounts=mounts,
        )
        assert self.output(compute, spec) == "1,2\n\n{}\n"
        assert (model / "model.bin").read_text() == "trained"

    def test_read_only_data_stays_as_it_is(
        self, compute: Compute, make: Callable[..., JobSpec], tmp_path: Path
    ) -> None:
        data = tmp_path / "data"
        data.mkdir()
        (data / "x").write_text("kept")
        spec = make(
            """
            import sys
            try:
                open(sys.argv[1] + "/x", "w").write("changed")
            except OSError as error:
                print("refused", error.errno)
            """,
            "/opt/ml/input/data/train",
            mounts=(Mount(data, "/opt/ml/input/data/train", read_only=True),),
        )
        recorder = Recorder()
        compute.run(spec, recorder)
        recorder.ended()
        if self.sandboxed:
            assert read_log(spec.folder) == "refused 30\n"
            assert (data / "x").read_text() == "kept"
        else:
            assert any("read-only" in note for note in recorder.running().notes)

    def test_the_working_directory_is_writable_and_thrown_away(
        self, compute: Compute, make: Callable[..., JobSpec], tmp_path: Path
    ) -> None:
        model = tmp_path / "model"
        model.mkdir()
        script = """
            import os
            print(os.path.exists("model.joblib"))
            open("model.joblib", "w").write("x" * 1000)
            open("opt/ml/model/by-relative-path", "w").write("y")
            os.makedirs("a/b")
            """
        mounts = (Mount(model, "/opt/ml/model"),)
        first = make(script, name="first", mounts=mounts)
        second = make(script, name="second", mounts=mounts)
        assert self.output(compute, first) == "False\n"
        assert self.output(compute, second) == "False\n"
        assert (model / "by-relative-path").read_text() == "y"
        wait_until(lambda: not _is_anywhere("model.joblib", tmp_path))

    def test_no_file_of_another_job_is_left_in_tmp(
        self, compute: Compute, make: Callable[..., JobSpec]
    ) -> None:
        script = """
            import os, tempfile
            folder = tempfile.gettempdir()
            print([name for name in os.listdir(folder) if name == "left-over"])
            open(folder + "/left-over", "w").write("x")
            os.makedirs(os.path.expanduser("~/.cache/a"))
            """
        for name in ("first", "second", "third"):
            assert self.output(compute, make(script, name=name)) == "[]\n"

    def test_secrets_of_the_machine_are_out_of_sight(
        self, compute: Compute, make: Callable[..., JobSpec], tmp_path: Path
    ) -> None:
        if not self.sandboxed:
            pytest.skip("There is no sandbox.")
        (tmp_path / "secret").write_text("s3cr3t")
        home = Path.home()
        spec = make(
            """
            import os, sys
            def contents(path):
                try:
                    return open(path).read()
                except OSError:
                    return ""
            print([path for path in sys.argv[1:] if contents(path)])
            print([pid for pid in os.listdir("/proc") if pid.isdecimal() and int(pid) > 100])
            """,
            str(tmp_path / "secret"), str(home / ".aws/credentials"), str(home / ".bash_history"),
            str(home / ".bashrc"), str(home / ".profile"), "/etc/shadow", "/etc/gshadow",
        )  # fmt: skip
        assert self.output(compute, spec) == "[]\n[]\n"

    def test_the_kernels_settings_cannot_be_changed(
        self, compute: Compute, make: Callable[..., JobSpec]
    ) -> None:
        if not self.sandboxed:
            pytest.skip("There is no sandbox.")
        # Opened and never written to: this must harm nothing where it does not hold.
        spec = make(
            """
            import os
            def opens(path):
                try:
                    os.close(os.open(path, os.O_WRONLY))
                except OSError:
                    return False
                return True
            print([place for place in (
                "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches",
                "/proc/sys/net/ipv4/ip_forward", "/proc/sysrq-trigger", "/proc/irq/default_smp_affinity",
            ) if opens(place)])
            """
        )
        assert self.output(compute, spec) == "[]\n"

    def test_a_job_has_no_powers_and_cannot_get_any(
        self, compute: Compute, make: Callable[..., JobSpec]
    ) -> None:
        if not self.sandboxed:
            pytest.skip("There is no sandbox.")
        spec = make(
            """
            import os
            fields = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
            print(int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0, fields["NoNewPrivs"].strip())
            # The listing's own descriptor is open while it is made.
            print(len(os.listdir("/proc/self/fd")))
            """
        )
        # An image brings the powers that its author counts on, as in SageMaker; none can get more.
        powerless, no_more, descriptors = self.output(compute, spec).split()
        assert (powerless, no_more) == (str(not spec.oci_image), "1")
        assert descriptors == "4"

    def test_without_network_only_the_loopback_is_there(
        self, compute: Compute, make: Callable[..., JobSpec]
    ) -> None:
        spec = make(
            """
            import socket
            server = socket.create_server(("127.0.0.1", 0))
            socket.create_connection(server.getsockname()).close()
            print(sorted(name for _, name in socket.if_nameindex()))
            """,
            network=False,
        )
        if not self.own_network:
            with pytest.raises(UnsupportedError):
                compute.run(spec, Recorder())
            return
        assert self.output(compute, spec) == "['lo']\n"

    # -- stopping

    def test_stop_sends_sigterm_and_the_program_may_save_its_state(
        self, compute: Compute, make: Callable[..., JobSpec], tmp_path: Path
    ) -> None:
        (tmp_path / "model").mkdir()
        spec = make(
            """
            import signal, sys, time
            def save(number, frame):
                open(sys.argv[1] + "/checkpoint", "w").write("saved")
                print("bye")
                sys.exit(0)
            signal.signal(signal.SIGTERM, save)
            print("ready")
            time.sleep(600)
            """,
            "/opt/ml/model",
            mounts=(Mount(tmp_path / "model", "/opt/ml/model"),),
        )
        recorder = Recorder()
        compute.run(spec, recorder)
        wait_until(lambda: "ready\n" in read_log(spec.folder))
        compute.stop(spec.folder)
        ended = recorder.ended()
        assert (ended.ending, ended.exit_code) == (Ending.STOPPED, 0)
        assert (tmp_path / "model/checkpoint").read_text() == "saved"
        assert read_log(spec.folder) == "ready\nbye\n"

    def test_stop_works_from_another_process(self, compute: Compute, make: Callable[..., JobSpec]) -> None:
        spec = make("import time; print('ready'); time.sleep(600)", grace=timedelta(seconds=10))
        recorder = Recorder()
        compute.run(spec, recorder)
        wait_until(lambda: "ready\n" in read_log(spec.folder))
        other = multiprocessing.get_context("spawn").Process(
            target=compute_stop, args=(type(compute), spec.folder)
        )
        other.start()
        ended = recorder.ended()
        other.join()
        last = signal.SIGKILL if self.program_is_process_one else signal.SIGTERM
        assert (ended.ending, ended.exit_code) == (Ending.STOPPED, 128 + last)

    def test_a_program_that_ignores_sigterm_is_killed_with_all_it_started(
        self, compute: Compute, make: Callable[..., JobSpec]
    ) -> None:
        spec = make(
            """
            import os, signal, subprocess, sys, time
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
            print("ready")
            time.sleep(600)
            """,
            grace=timedelta(seconds=0.3),
        )
        recorder = Recorder()
        compute.run(spec, recorder)
        wait_until(lambda: "ready\n" in read_log(spec.folder))
        compute.stop(spec.folder)
        ended = recorder.ended()
        assert (ended.ending, ended.exit_code) == (Ending.STOPPED, 128 + signal.SIGKILL)

    def test_a_job_that_takes_too_long_is_ended(self, compute: Compute, make: Callable[..., JobSpec]) -> None:
        spec = make(
            "import time; time.sleep(600)", timeout=timedelta(seconds=0.5), grace=timedelta(seconds=5)
        )
        ended = self.run(compute, spec)
        assert ended.ending is Ending.TIMED_OUT

    def test_stopping_what_is_unknown_or_has_ended_does_nothing(
        self, compute: Compute, make: Callable[..., JobSpec], tmp_path: Path
    ) -> None:
        compute.stop(tmp_path / "unknown")
        spec = make("print(1)")
        self.run(compute, spec)
        compute.stop(spec.folder)
        assert self.run(compute, spec).ending is Ending.EXITED

    def test_processes_left_behind_end_with_the_job(
        self, compute: Compute, make: Callable[..., JobSpec], tmp_path: Path
    ) -> None:
        (tmp_path / "out").mkdir()
        spec = make(
            """
            import os, sys, time
            if os.fork() == 0:
                os.setsid()
                while True:
                    with open(sys.argv[1] + "/alive", "a") as file:
                        file.write("x")
                    time.sleep(0.01)
            while not os.path.exists(sys.argv[1] + "/alive"):
                time.sleep(0.01)
            """,
            "/opt/ml/output",
            mounts=(Mount(tmp_path / "out", "/opt/ml/output"),),
        )
        assert self.run(compute, spec).ending is Ending.EXITED
        size = (tmp_path / "out/alive").stat().st_size
        time.sleep(0.2)
        assert (tmp_path / "out/alive").stat().st_size == size

    # -- the log

    def test_remarks_come_before_what_the_job_says(
        self, compute: Compute, make: Callable[..., JobSpec]
    ) -> None:
        spec = make("print('hello')", environment={}, remarks=("one: 1 ≠ 2", "two"))
        assert self.output(compute, spec) == "one: 1 ≠ 2\ntwo\nhello\n"

    def test_a_log_beyond_its_limit_keeps_its_head_and_its_tail(
        self, compute: Compute, make: Callable[..., JobSpec]
    ) -> None:
        spec = make("for n in range(200_000): print(f'line {n:06}')", environment={}, log_limit_bytes=10_000)
        ended = self.run(compute, spec)
        assert ended.ending is Ending.EXITED
        kept = sum(path.stat().st_size for path in spec.folder.glob("log*") if path.suffix != ".times")
        assert 20_000 <= kept <= 30_000
        log = read_log(spec.folder)
        assert log.startswith("line 000000\nline 000001\n")
        assert log.endswith("line 199998\nline 199999\n")
        dropped = 200_000 * 12 - kept
        assert f"[stepmill: {dropped} bytes of the log were dropped here]" in log

    def test_the_log_is_kept_byte_for_byte(self, compute: Compute, make: Callable[..., JobSpec]) -> None:
        spec = make("import os; os.write(1, bytes(range(256)) * 1000)")
        self.run(compute, spec)
        assert b"".join(raw_log(spec.folder)) == bytes(range(256)) * 1000

    def test_lines_have_the_time_at_which_they_came(
        self, compute: Compute, make: Callable[..., JobSpec]
    ) -> None:
        spec = make("import time; print('a'); time.sleep(0.3); print('b')")
        ended = self.run(compute, spec)
        first, second = log_lines(spec.folder)
        assert (first.text, second.text) == ("a", "b")
        assert ended.started_at <= first.at < second.at <= ended.ended_at
        assert second.at - first.at > timedelta(seconds=0.2)

    def test_a_log_can_be_followed_to_its_end(self, compute: Compute, make: Callable[..., JobSpec]) -> None:
        spec = make("import time\nfor n in range(5):\n    print(n, flush=True); time.sleep(0.05)")
        recorder = Recorder()
        compute.run(spec, recorder)
        assert [line.text for line in follow_log(spec.folder)] == ["0", "1", "2", "3", "4"]
        recorder.ended()

    # -- idempotency, and what happens when somebody dies

    def test_a_job_is_run_once_however_often_it_is_asked_for(
        self, compute: Compute, make: Callable[..., JobSpec], tmp_path: Path
    ) -> None:
        (tmp_path / "out").mkdir()
        spec = make(
            "import sys, time; open(sys.argv[1] + '/runs', 'a').write('x'); time.sleep(0.3)",
            "/opt/ml/output",
            mounts=(Mount(tmp_path / "out", "/opt/ml/output"),),
        )
        recorders = [Recorder() for _ in range(8)]
        threads = [threading.Thread(target=compute.run, args=(spec, recorder)) for recorder in recorders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ends = {recorder.ended() for recorder in recorders}
        assert len(ends) == 1
        assert self.run(compute, spec) in ends
        assert (tmp_path / "out/runs").read_text() == "x"

    def test_a_job_goes_on_when_the_process_that_started_it_is_killed(
        self, compute: Compute, make: Callable[..., JobSpec]
    ) -> None:
        spec = make("import time; print('ready'); time.sleep(2); print('done'); raise SystemExit(5)")
        server = multiprocessing.get_context("spawn").Process(target=compute_run, args=(type(compute), spec))
        server.start()
        wait_until(lambda: "ready\n" in read_log(spec.folder))
        server.kill()
        server.join()
        ended = self.run(compute, spec)
        assert (ended.ending, ended.exit_code) == (Ending.EXITED, 5)
        assert read_log(spec.folder) == "ready\ndone\n"

    def test_many_jobs_at_once(self, compute: Compute, make: Callable[..., JobSpec]) -> None:
        specs = [make(f"print({n})", name=f"job-{n}") for n in range(20)]
        recorders = [Recorder() for _ in specs]
        for spec, recorder in zip(specs, recorders, strict=True):
            compute.run(spec, recorder)
        assert [recorder.ended().exit_code for recorder in recorders] == [0] * 20
        assert [read_log(spec.folder) for spec in specs] == [f"{n}\n" for n in range(20)]

    # -- what is refused

    @pytest.mark.parametrize("target", ["relative", "/a/../b", "/", "//x", "/a/"])
    def test_an_impossible_place_is_refused(
        self, compute: Compute, make: Callable[..., JobSpec], tmp_path: Path, target: str
    ) -> None:
        with pytest.raises(ComputeError):
            compute.run(make("print(1)", mounts=(Mount(tmp_path, target),)), Recorder())

    def test_a_mount_whose_source_is_missing_is_refused(
        self, compute: Compute, make: Callable[..., JobSpec], tmp_path: Path
    ) -> None:
        with pytest.raises(ComputeError, match="is not there"):
            compute.run(make("print(1)", mounts=(Mount(tmp_path / "nowhere", "/opt/ml/x"),)), Recorder())


def compute_stop(kind: type[Compute], folder: Path) -> None:
    """Stop a job; for another process."""
    kind().stop(folder)
    os._exit(0)


def compute_run(kind: type[Compute], spec: JobSpec) -> None:
    """Start a job and wait; for another process, which is killed."""
    recorder = Recorder()
    kind().run(spec, recorder)
    recorder.ended()
