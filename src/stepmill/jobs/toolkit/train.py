"""Script mode of SageMaker's framework images: runs the user's script as their ``train`` command does.

Runs inside the job, by the job's own Python (3.8 or newer), without Stepmill: standard library only.
The user's code lies in ``/opt/ml/code`` already. A Python script is run in this very process: that
saves starting a second interpreter, and keeps what a warm parent has imported.

Source: sagemaker-training-toolkit; container contract, C2.
"""

from __future__ import annotations

import importlib.util
import json
import os
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import traceback
import types
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
FAILURE_LINES = 20

_FRAMEWORK_KEYS = ("_tuning_objective_metric", "default_user_module_name")
_LOG_LEVEL = 20  # logging.INFO
_REQUIREMENTS = "requirements.txt"


class SetupError(Exception):
    """The user's script could not be started."""


def decode(text: str) -> Any:
    """Return the value of a hyperparameter: JSON if it is that, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def is_framework_key(key: str) -> bool:
    """Return whether a hyperparameter is meant for the toolkit and not for the user's script."""
    return key.startswith("sagemaker_") or key in _FRAMEWORK_KEYS


def to_arguments(hyperparameters: Mapping[str, Any]) -> list[str]:
    """Return the command line arguments that hyperparameters become.

    Example:
        >>> to_arguments({"lr": 0.1, "e": 3, "tags": {"b": 2, "a": 1}, "none": None, "on": True})
        ['-e', '3', '--lr', '0.1', '--none', '', '--on', 'True', '--tags', 'a=1,b=2']
    """
    arguments = []
    for key in sorted(hyperparameters):
        arguments.append(("-" if len(key) == 1 else "--") + key)
        arguments.append(_argument(hyperparameters[key]))
    return arguments


def _argument(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return ",".join(f"{key}={value[key]}" for key in sorted(value))
    return str(value)


def to_variables(values: Mapping[str, Any]) -> dict[str, str]:
    """Return ``SM_*`` variables: names only upper-cased, lists and maps as compact JSON, keys sorted.

    Example:
        >>> to_variables({"hps": {"b": 1, "a": None}, "hp_batch-size": 32})
        {'SM_HPS': '{"a":null,"b":1}', 'SM_HP_BATCH-SIZE': '32'}
    """
    variables = {}
    for name, value in values.items():
        text = value if isinstance(value, str) else _compact(value)
        # An environment has no room for such a name; the value is in SM_HPS all the same.
        if "=" not in name and "\0" not in name + text:
            variables["SM_" + name.upper()] = text
    return variables


def _compact(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    return str(value)


class Training:
    """What the configuration files say about this job.

    Args:
        base: What is ``/opt/ml`` elsewhere.
    """

    def __init__(self, base: Path) -> None:
        self.base = base
        self.code = base / "code"
        raw = self._config("hyperparameters.json")
        decoded = {key: decode(value) if isinstance(value, str) else value for key, value in raw.items()}
        self.hyperparameters = {k: v for k, v in decoded.items() if not is_framework_key(k)}
        self.framework = {k: v for k, v in decoded.items() if is_framework_key(k)}
        self.channels = self._config("inputdataconfig.json")
        self.resources = self._config("resourceconfig.json")
        self.program = str(
            self.framework.get("sagemaker_program") or os.environ.get("SAGEMAKER_PROGRAM") or ""
        )
        self.arguments = to_arguments(self.hyperparameters)

    def variables(self) -> dict[str, str]:
        """Return all ``SM_*`` variables of the job."""
        values = self._values()
        values["training_env"] = dict(self._training_env(values))
        values["user_args"] = self.arguments
        for channel in self.channels:
            values["channel_" + channel] = str(self.base / "input" / "data" / channel)
        for key, value in self.hyperparameters.items():
            values["hp_" + key] = value
        return to_variables(values)

    def _values(self) -> dict[str, Any]:
        resources = self.resources
        groups = resources.get("instance_groups", [])
        by_name = {group.get("instance_group_name", ""): group for group in groups}
        return {
            "hosts": resources.get("hosts", []),
            "current_host": resources.get("current_host", ""),
            "current_instance_type": resources.get("current_instance_type", ""),
            "current_instance_group": resources.get("current_group_name", ""),
            "current_instance_group_hosts": by_name.get(resources.get("current_group_name"), {}).get(
                "hosts", []
            ),
            "instance_groups": sorted(by_name),
            "instance_groups_dict": by_name,
            "is_hetero": len(by_name) > 1,
            "distribution_instance_groups": self.framework.get("sagemaker_distribution_instance_groups", []),
            "network_interface_name": resources.get("network_interface_name", ""),
            "user_entry_point": self.program,
            "framework_module": os.environ.get("SAGEMAKER_TRAINING_MODULE", ""),
            "framework_params": self.framework,
            "module_name": module_name(self.program),
            "module_dir": str(self.framework.get("sagemaker_submit_directory") or self.code),
            "hps": self.hyperparameters,
            "resource_config": resources,
            "input_data_config": self.channels,
            "input_dir": str(self.base / "input"),
            "input_config_dir": str(self.base / "input" / "config"),
            "output_dir": str(self.base / "output"),
            "output_data_dir": str(self.base / "output" / "data"),
            "output_intermediate_dir": str(self.base / "output" / "intermediate"),
            "model_dir": str(self.base / "model"),
            "channels": sorted(self.channels),
            "num_cpus": _cpus(),
            "num_gpus": _gpus(),
            "num_neurons": 0,
            "log_level": self.framework.get("sagemaker_container_log_level", _LOG_LEVEL),
        }

    def _training_env(self, values: Mapping[str, Any]) -> dict[str, Any]:
        renamed = {"hps": "hyperparameters"}
        env = {renamed.get(name, name): value for name, value in values.items() if name != "framework_params"}
        env["additional_framework_parameters"] = self.framework
        env["channel_input_dirs"] = {name: str(self.base / "input" / "data" / name) for name in self.channels}
        env["job_name"] = self.job_name()
        master = (values["hosts"] or [values["current_host"]])[0]
        env["is_master"] = values["current_host"] == master
        env["master_hostname"] = master
        return env

    def job_name(self) -> str:
        """Return the name of the job."""
        given = self.framework.get("sagemaker_job_name")
        return str(given or os.environ.get("TRAINING_JOB_NAME", ""))

    def _config(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads((self.base / "input" / "config" / name).read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return found if isinstance(found, dict) else {}


def module_name(program: str) -> str:
    """Return what the toolkit calls the module of an entry point: its path without ``.py``."""
    return str(Path(program).with_suffix("")) if program.endswith(".py") else program


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _gpus() -> int:
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        # The job was given these; others of the machine are not its own.
        return sum(bool(name.strip()) for name in visible.split(",")) if visible != "-1" else 0
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return 0
    found = subprocess.run([tool, "--list-gpus"], capture_output=True, text=True, check=False)
    return sum(line.startswith("GPU ") for line in found.stdout.splitlines())


def main() -> int:
    """Run the user's script; return the exit code of the job."""
    training = Training(BASE)
    os.environ.update(training.variables())
    is_package = (training.code / "setup.py").exists()
    try:
        _check_program(training, is_package)
        os.chdir(training.code)
        _put_code_on_path(training.code)
        if is_package:
            _install(training, ".")
        elif training.program.endswith(".py") and Path(_REQUIREMENTS).exists() and not _is_kept():
            _install(training, _REQUIREMENTS)
        command = _launch(training, is_package=is_package)
    except SetupError as error:
        _say(str(error), sys.stderr)
        _write_failure(training, f"ClientError:\n{error}")
        return 1
    if command:
        return _run_command(training, command)
    if is_package:
        return _run_here(training, [sys.executable, "-m", module_name(training.program)])
    if training.program.endswith(".py"):
        return _run_here(training, [sys.executable, training.program])
    return _run_program(training)


def _launch(training: Training, *, is_package: bool) -> Sequence[str]:
    """Set what a distributed script finds; return the command of its launcher, empty if it has none.

    Only a job that is distributed needs to know how that is done.
    """
    several = len(training.resources.get("hosts", [])) > 1
    if not several and not any(training.framework.get(key) is True for key in training.framework):
        return ()
    launchers = _beside("launchers.py")
    for name, value in launchers.variables_of(training.resources, training.job_name()).items():
        os.environ.setdefault(name, value)
    program = ["-m", module_name(training.program)] if is_package else [training.program]
    try:
        launch = launchers.launch_of(
            training.framework,
            training.resources,
            [*program, *training.arguments],
            job=training.job_name(),
            gpus=_gpus(),
        )
    except launchers.LaunchError as error:
        raise SetupError(str(error)) from error
    os.environ.update(launch.variables)
    if launch.command:
        _say(f"Invoking: {shlex.join(launch.command)}")
    command: Sequence[str] = launch.command
    return command


def _say(text: str, stream: TextIO | None = None) -> None:
    stream = stream or sys.stdout
    stream.write(text + "\n")
    stream.flush()


def _check_program(training: Training, is_package: bool) -> None:
    if not training.program:
        raise SetupError("The hyperparameter sagemaker_program does not name the script to run.")
    if is_package or (training.code / training.program).exists():
        return
    there = sorted(path.name for path in training.code.iterdir()) if training.code.is_dir() else []
    held = ", ".join(there[:20]) or "nothing"
    raise SetupError(f"The entry point {training.program!r} is not in the source folder. It holds: {held}.")


def _put_code_on_path(code: Path) -> None:
    known = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = f"{code}{os.pathsep}{known}" if known else str(code)
    # In place of this file's own folder, which Python has put first.
    own = str(Path(__file__).absolute().parent)
    sys.path[:] = [str(code), *(path for path in sys.path if path != own)]


def _is_kept() -> bool:
    """Return whether the libraries are installed already, and on the search path; the log says so."""
    return bool(os.environ.get("STEPMILL_PACKAGES"))


def _install(training: Training, what: str) -> None:
    """Install a ``requirements.txt``, or the package ``.``, for this process and those that it starts."""
    packages = _beside("stepmill_serving/packages.py")
    home = training.base / "packages"
    try:
        if what == ".":
            folder = packages.install([what], home, run=_run_and_show, say=_say)
        else:
            folder = packages.install_requirements(Path(what), home, run=_run_and_show, say=_say)
    except packages.InstallError as error:
        raise SetupError(str(error)) from error
    if folder is not None:
        os.environ["PYTHONPATH"] += f"{os.pathsep}{folder}"
        os.environ["PATH"] = f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def _beside(name: str) -> Any:
    """Load a file that lies beside this one, whatever modules the user's code has."""
    path = Path(__file__).parent / name
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    part = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(part)
    return part


def _run_here(training: Training, shown: Sequence[str]) -> int:
    """Run a script or a package in this process."""
    sys.argv = [training.program, *training.arguments]
    command = [*shown, *training.arguments]
    try:
        if "-m" in shown:
            module = module_name(training.program).replace("/", ".")
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        else:
            _run_script(Path(training.program).absolute())
    except SystemExit as ending:
        return _exit_code(training, ending, command)
    except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is its failure
        text = _traceback(error)
        _say(text.rstrip(), sys.stderr)
        summary = "".join(traceback.format_exception_only(type(error), error)).strip()
        _write_script_failure(training, 1, f"{summary}\n{text}", command)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    _mark_success(training)
    return 0


def _run_script(path: Path) -> None:
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    # Stays in place to the end of the process: threads and pickles of the script look for it.
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=str(path), __builtins__=__builtins__, __spec__=None)
    sys.modules["__main__"] = module
    exec(code, module.__dict__)  # noqa: S102 - running the user's script is what this is for


def _traceback(error: BaseException) -> str:
    frames = error.__traceback__
    # The first frames are this file's own.
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames))


def _exit_code(training: Training, ending: SystemExit, command: Sequence[str]) -> int:
    if ending.code is None or ending.code == 0:
        _mark_success(training)
        return 0
    code, message = (ending.code & 0xFF, "") if isinstance(ending.code, int) else (1, str(ending.code))
    if message:
        _say(message, sys.stderr)
    _write_script_failure(training, code, message, command)
    return code


def _run_program(training: Training) -> int:
    """Run a shell script or another program as a process of its own."""
    program = Path(training.program)
    program.chmod(program.stat().st_mode | 0o100)
    command = [str(program.absolute()), *training.arguments]
    if program.suffix == ".sh":
        command = ["/bin/sh", "-c", shlex.join([f"./{training.program}", *training.arguments])]
    return _run_command(training, command)


def _run_command(training: Training, command: Sequence[str]) -> int:
    code, last = _run_and_show(command, os.environ)
    if code == 0:
        _mark_success(training)
    else:
        _write_script_failure(training, code, last, command)
    return code


def _run_and_show(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a program to its end; show what it says; return its exit code and its last lines on stderr."""
    last: deque[str] = deque(maxlen=FAILURE_LINES)
    try:
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    except OSError as error:
        message = f"{command[0]} cannot be run: {error.strerror}"
        _say(message, sys.stderr)
        return 126, message
    reader = threading.Thread(target=_show, args=(process, last), daemon=True)
    reader.start()
    before = signal.signal(signal.SIGTERM, lambda number, _frame: process.send_signal(number))
    try:
        code = process.wait()
    finally:
        signal.signal(signal.SIGTERM, before)
    # A process that it left behind may hold stderr open for ever.
    reader.join(timeout=2)
    return (128 - code if code < 0 else code), "".join(last)


def _show(process: subprocess.Popen[bytes], last: deque[str]) -> None:
    for line in process.stderr or ():
        last.append(line.decode("utf-8", "replace"))
        _say(last[-1].rstrip("\n"), sys.stderr)


def _write_script_failure(training: Training, code: int, message: str, command: Sequence[str]) -> None:
    text = f'ExecuteUserScriptError:\nExitCode {code}\nErrorMessage "{message.strip()}"\n'
    _write_failure(training, f'{text}Command "{" ".join(command)}"')


def _write_failure(training: Training, text: str) -> None:
    """Write the failure file, unless the script has written one itself."""
    path = training.base / "output" / "failure"
    if not path.exists():
        path.write_bytes(text.encode("utf-8", "replace"))


def _mark_success(training: Training) -> None:
    (training.base / "output" / "success").touch()


if __name__ == "__main__":
    sys.exit(main())
