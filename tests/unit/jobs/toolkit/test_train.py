"""Script mode, run as a job would run it: in a process of its own, by a Python without Stepmill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from stepmill.jobs.toolkit import train
from stepmill.jobs.toolkit.train import decode, is_framework_key, to_arguments, to_variables
from stepmill.jobs.training import lay_out_toolkit

RUNNER = Path(train.__file__)
OLDEST = Path.home() / ".pyenv" / "versions" / "3.8.18" / "bin" / "python"
PRINT_ALL = """
import json, os, sys
env = {k: v for k, v in os.environ.items() if k[:3] == "SM_"}
print(json.dumps({"argv": sys.argv, "cwd": os.getcwd(), "env": env}))
"""


BACKEND = """
import shutil
def build_wheel(folder, config_settings=None, metadata_directory=None):
    return shutil.copy("prepared", folder + "/extra_pkg-1.0-py3-none-any.whl").rpartition("/")[2]
"""
MODULE = """
x = 'extra'
if __name__ == '__main__':
    import sys
    print(__name__, sys.argv[1:])
"""


def write_wheel(path: Path) -> None:
    info = "extra_pkg-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("extra_pkg.py", MODULE)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: extra-pkg\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


class Job:
    def __init__(self, base: Path) -> None:
        self.base = base
        for folder in ("input/config", "output", "model", "code"):
            (base / folder).mkdir(parents=True)
        # As in a job: copies, alone in their folder.
        lay_out_toolkit(base / "toolkit")
        self.runner = base / "toolkit" / RUNNER.name
        self.config("hyperparameters", {"sagemaker_program": "train.py"})
        self.config("inputdataconfig", {"train": {"TrainingInputMode": "File"}, "my-data": {}})
        group = {"instance_group_name": "g", "instance_type": "ml.m5.large", "hosts": ["algo-1"]}
        self.config(
            "resourceconfig",
            {
                "current_host": "algo-1",
                "current_instance_type": "ml.m5.large",
                "current_group_name": "g",
                "hosts": ["algo-1"],
                "instance_groups": [group],
                "network_interface_name": "eth0",
            },
        )

    def config(self, name: str, value: Any) -> None:
        (self.base / "input" / "config" / f"{name}.json").write_text(json.dumps(value))

    def code(self, name: str, text: str) -> None:
        (self.base / "code" / name).parent.mkdir(parents=True, exist_ok=True)
        (self.base / "code" / name).write_text(text)

    def run(
        self, python: Sequence[str] = (sys.executable, "-S"), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*python, str(self.runner)],
            env={"PATH": os.defpath, "SAGEMAKER_BASE_DIR": str(self.base), **environment},
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
        )

    @property
    def failure(self) -> str:
        return (self.base / "output" / "failure").read_text()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path / "ml")


class TestHyperparameters:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ('"adam"', "adam"),
            ("adam", "adam"),
            ("3", 3),
            ("true", True),
            ("[1]", [1]),
            ("", ""),
            ("01", "01"),
        ],
    )
    def test_values_are_json_or_text(self, text: str, value: Any) -> None:
        assert decode(text) == value

    def test_keys_of_the_framework_are_taken_out(self) -> None:
        keys = [
            "sagemaker_program",
            "_tuning_objective_metric",
            "epochs",
            "sagemaker",
            "default_user_module_name",
        ]
        assert [key for key in keys if not is_framework_key(key)] == ["epochs", "sagemaker"]

    def test_arguments_are_sorted(self) -> None:
        values = {
            "lr": 0.1,
            "e": 3,
            "names": ["a", "b"],
            "map": {"b": 2, "a": 1},
            "none": None,
            "on": True,
            "s": "",
        }
        assert to_arguments(values) == [
            *("-e", "3", "--lr", "0.1", "--map", "a=1,b=2", "--names", "['a', 'b']"),
            *("--none", "", "--on", "True", "-s", ""),
        ]

    def test_names_of_variables_are_only_upper_cased(self) -> None:
        assert to_variables({"hp_batch-size": 32, "channels": ["a"], "hp_x=y": 1, "log_level": 20}) == {
            "SM_HP_BATCH-SIZE": "32",
            "SM_CHANNELS": '["a"]',
            "SM_LOG_LEVEL": "20",
        }


class TestScripts:
    def test_what_a_script_sees(self, job: Job) -> None:
        job.config(
            "hyperparameters",
            {
                "sagemaker_program": '"train.py"',
                "sagemaker_submit_directory": '"s3://data/source.tar.gz"',
                "sagemaker_container_log_level": "10",
                "epochs": "3",
                "batch-size": '"32"',
            },
        )
        job.code("train.py", PRINT_ALL)
        done = job.run(TRAINING_JOB_NAME="job-1")
        assert done.returncode == 0, done.stderr
        seen = json.loads(done.stdout)
        assert seen["argv"] == ["train.py", "--batch-size", "32", "--epochs", "3"]
        assert seen["cwd"] == str(job.base / "code")
        env = seen["env"]
        assert env["SM_MODEL_DIR"] == str(job.base / "model")
        assert env["SM_CHANNEL_TRAIN"] == str(job.base / "input" / "data" / "train")
        assert env["SM_CHANNEL_MY-DATA"].endswith("/my-data")
        assert env["SM_CHANNELS"] == '["my-data","train"]'
        assert env["SM_HPS"] == '{"batch-size":"32","epochs":3}'
        assert (env["SM_HP_EPOCHS"], env["SM_HP_BATCH-SIZE"]) == ("3", "32")
        assert env["SM_USER_ARGS"] == '["--batch-size","32","--epochs","3"]'
        assert (env["SM_USER_ENTRY_POINT"], env["SM_MODULE_NAME"]) == ("train.py", "train")
        assert env["SM_MODULE_DIR"] == "s3://data/source.tar.gz"
        assert (env["SM_HOSTS"], env["SM_CURRENT_HOST"]) == ('["algo-1"]', "algo-1")
        assert (env["SM_LOG_LEVEL"], env["SM_NETWORK_INTERFACE_NAME"]) == ("10", "eth0")
        assert env["SM_CURRENT_INSTANCE_GROUP_HOSTS"] == '["algo-1"]'
        assert env["SM_IS_HETERO"] == "False"
        assert json.loads(env["SM_TRAINING_ENV"])["job_name"] == "job-1"
        assert json.loads(env["SM_TRAINING_ENV"])["hyperparameters"] == {"batch-size": "32", "epochs": 3}
        assert json.loads(env["SM_FRAMEWORK_PARAMS"])["sagemaker_program"] == "train.py"
        assert (job.base / "output" / "success").exists()
        assert not (job.base / "output" / "failure").exists()

    def test_all_names_of_the_reference_are_there(self, job: Job) -> None:
        job.code("train.py", PRINT_ALL)
        names = """HOSTS CURRENT_HOST CURRENT_INSTANCE_TYPE CURRENT_INSTANCE_GROUP INSTANCE_GROUPS
            CURRENT_INSTANCE_GROUP_HOSTS INSTANCE_GROUPS_DICT IS_HETERO DISTRIBUTION_INSTANCE_GROUPS
            NETWORK_INTERFACE_NAME USER_ENTRY_POINT FRAMEWORK_MODULE FRAMEWORK_PARAMS MODULE_NAME HPS
            MODULE_DIR RESOURCE_CONFIG INPUT_DATA_CONFIG INPUT_DIR INPUT_CONFIG_DIR OUTPUT_DIR OUTPUT_DATA_DIR
            OUTPUT_INTERMEDIATE_DIR MODEL_DIR CHANNELS NUM_CPUS NUM_GPUS NUM_NEURONS LOG_LEVEL TRAINING_ENV
            USER_ARGS"""
        env = json.loads(job.run().stdout)["env"]
        assert {f"SM_{name}" for name in names.split()} <= set(env)

    @pytest.mark.parametrize(
        ("visible", "count"), [("0", "1"), ("0,1, 3", "3"), ("", "0"), ("-1", "0"), ("GPU-1a,GPU-2b", "2")]
    )
    def test_gpus_are_those_that_the_job_was_given(self, job: Job, visible: str, count: str) -> None:
        job.code("train.py", PRINT_ALL)
        done = job.run(CUDA_VISIBLE_DEVICES=visible)
        assert json.loads(done.stdout)["env"]["SM_NUM_GPUS"] == count

    @pytest.mark.skipif(not OLDEST.exists(), reason="no Python 3.8 here")
    def test_python_3_8_will_do(self, job: Job) -> None:
        job.code("train.py", PRINT_ALL)
        assert job.run((str(OLDEST), "-S")).returncode == 0

    def test_modules_beside_the_script_are_found(self, job: Job) -> None:
        job.config("hyperparameters", {"sagemaker_program": "src/train.py"})
        job.code("src/train.py", "import beside, above; print(beside.x + above.x, __name__, __file__)")
        job.code("src/beside.py", "x = 1")
        job.code("above.py", "x = 2")
        done = job.run()
        assert done.stdout.split() == ["3", "__main__", str(job.base / "code/src/train.py")], done.stderr

    def test_a_script_may_pickle_its_classes_and_start_processes(self, job: Job) -> None:
        job.code(
            "train.py",
            "import multiprocessing, pickle\n"
            "class Model: x = 5\n"
            "def square(x): return x * x\n"
            "if __name__ == '__main__':\n"
            "    assert pickle.loads(pickle.dumps(Model())).x == 5\n"
            "    with multiprocessing.get_context('spawn').Pool(1) as pool: print(pool.map(square, [3]))\n",
        )
        done = job.run()
        assert done.stdout.strip() == "[9]", done.stderr

    def test_an_exception_is_told_in_the_failure_file(self, job: Job) -> None:
        job.code("train.py", "def load():\n    raise ValueError('no data')\nload()\n")
        done = job.run()
        assert done.returncode == 1
        assert job.failure.startswith(
            'ExecuteUserScriptError:\nExitCode 1\nErrorMessage "ValueError: no data\n'
        )
        assert "Command " in job.failure
        assert "train.py" in done.stderr
        # The frames of the toolkit would only confuse.
        assert "_run_script" not in done.stderr
        assert not (job.base / "output" / "success").exists()

    @pytest.mark.parametrize(
        ("ending", "code", "text"),
        [
            ("3", 3, "ExitCode 3"),
            ("'bad news'", 1, "bad news"),
            ("None", 0, ""),
            ("0", 0, ""),
            ("256 + 7", 7, "ExitCode 7"),
        ],
    )
    def test_exit_codes(self, job: Job, ending: str, code: int, text: str) -> None:
        job.code("train.py", f"import sys; sys.exit({ending})")
        assert job.run().returncode == code
        assert (job.base / "output" / "failure").exists() is bool(code)
        assert not text or text in job.failure

    def test_a_syntax_error_is_a_failure_of_the_script(self, job: Job) -> None:
        job.code("train.py", "def (:\n")
        assert job.run().returncode == 1
        assert "SyntaxError" in job.failure

    def test_the_scripts_own_failure_file_is_kept(self, job: Job) -> None:
        job.code(
            "train.py", f"open({str(job.base / 'output/failure')!r}, 'w').write('mine'); raise SystemExit(1)"
        )
        job.run()
        assert job.failure == "mine"

    def test_a_missing_entry_point_is_explained(self, job: Job) -> None:
        job.code("other.py", "")
        assert job.run().returncode == 1
        assert "'train.py' is not in the source folder. It holds: other.py." in job.failure

    def test_no_entry_point_at_all(self, job: Job) -> None:
        job.config("hyperparameters", {})
        assert job.run().returncode == 1
        assert "sagemaker_program" in job.failure

    def test_the_program_may_come_by_a_variable(self, job: Job) -> None:
        job.config("hyperparameters", {})
        job.code("other.py", "print('ran')")
        assert job.run(SAGEMAKER_PROGRAM="other.py").stdout == "ran\n"


class TestShellScripts:
    def test_a_shell_script_gets_its_arguments_quoted(self, job: Job) -> None:
        job.config("hyperparameters", {"sagemaker_program": "run.sh", "text": "a b; exit 9"})
        job.code("run.sh", 'echo "$1|$2|$SM_HP_TEXT"; pwd')
        done = job.run()
        assert done.stdout.splitlines() == ["--text|a b; exit 9|a b; exit 9", str(job.base / "code")], (
            done.stderr
        )

    def test_its_failure_is_told(self, job: Job) -> None:
        job.config("hyperparameters", {"sagemaker_program": "run.sh"})
        job.code("run.sh", "echo trouble >&2; exit 4")
        done = job.run()
        assert (done.returncode, done.stderr) == (4, "trouble\n")
        assert 'ExitCode 4\nErrorMessage "trouble"' in job.failure

    def test_another_program(self, job: Job) -> None:
        job.config("hyperparameters", {"sagemaker_program": "run"})
        job.code("run", "#!/bin/sh\nkill -9 $$\n")
        assert job.run().returncode == 128 + signal.SIGKILL

    def test_what_cannot_be_run(self, job: Job) -> None:
        job.config("hyperparameters", {"sagemaker_program": "run"})
        job.code("run", "#!/no/such/interpreter\n")
        assert job.run().returncode == 126
        assert "cannot be run" in job.failure


class TestDistribution:
    TWO = {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"], "network_interface_name": "lo"}

    def test_a_script_on_several_hosts_finds_the_master(self, job: Job) -> None:
        job.config("resourceconfig", self.TWO)
        text = "import os, json; print(os.environ['MASTER_ADDR'], os.environ['GLOO_SOCKET_IFNAME'])\n"
        text += (
            "env = json.loads(os.environ['SM_TRAINING_ENV']); print(env['is_master'], env['master_hostname'])"
        )
        job.code("train.py", text)
        job.config("hyperparameters", {"sagemaker_program": "train.py"})
        assert job.run().stdout.split() == ["algo-1", "lo", "False", "algo-1"]

    def test_what_its_launcher_is_told(self, job: Job) -> None:
        job.config("resourceconfig", self.TWO)
        job.code("train.py", "import os; print(os.environ['TF_CONFIG'])")
        key = "sagemaker_multi_worker_mirrored_strategy_enabled"
        job.config("hyperparameters", {"sagemaker_program": "train.py", key: "true"})
        assert json.loads(job.run().stdout)["task"] == {"type": "worker", "index": 1}

    def test_one_that_is_not_to_be_had_is_a_clear_failure(self, job: Job) -> None:
        job.config("resourceconfig", self.TWO)
        job.code("train.py", "print('never')")
        parameters = {"sagemaker_program": "train.py", "sagemaker_mpi_enabled": "true"}
        job.config("hyperparameters", parameters)
        ended = job.run()
        assert (ended.returncode, ended.stdout) == (1, "")
        assert job.failure.startswith("ClientError:\nMPI on several hosts is not offered")

    def test_the_launcher_runs_the_script_and_its_end_is_the_jobs(self, job: Job) -> None:
        tools = job.base / "tools"
        tools.mkdir()
        mpirun = tools / "mpirun"
        mpirun.write_text('#!/bin/sh\necho "$@"\necho broken >&2\nexit 3\n')
        mpirun.chmod(0o755)
        job.code("train.py", "print('never')")
        job.config("resourceconfig", {"current_host": "algo-1", "hosts": ["algo-1"]})
        job.config(
            "hyperparameters",
            {
                "sagemaker_program": "train.py",
                "sagemaker_mpi_enabled": "true",
                "sagemaker_mpi_num_of_processes_per_host": "2",
                "sagemaker_mpi_custom_mpi_options": '"-x A"',
                "epochs": "3",
            },
        )
        ended = job.run(PATH=f"{tools}:{os.environ['PATH']}")
        assert ended.returncode == 3
        words = ended.stdout.splitlines()[-1].split()
        assert words[:6] == ["-np", "2", "--allow-run-as-root", "--oversubscribe", "-x", "A"]
        assert words[-5:] == ["-m", "mpi4py", "train.py", "--epochs", "3"]
        assert "broken" in job.failure


class TestRequirements:
    def test_what_the_environment_has_is_not_installed(self, job: Job) -> None:
        job.code("train.py", "print('trained')")
        job.code(
            "requirements.txt",
            "# what we need\npip\npytest>=1.0  # a comment\nnothing-here; python_version < '3'\n",
        )
        done = job.run((sys.executable,))
        assert done.returncode == 0, done.stderr
        assert "satisfied" in done.stdout
        assert not (job.base / "packages").exists()

    def test_what_is_missing_is_installed_for_this_job_alone(self, job: Job) -> None:
        job.code("train.py", "import extra_pkg, pytest, subprocess, sys; print(extra_pkg.x)")
        job.code("requirements.txt", "--no-index\n./extra_pkg-1.0-py3-none-any.whl\n")
        write_wheel(job.base / "code" / "extra_pkg-1.0-py3-none-any.whl")
        done = job.run((sys.executable,))
        assert done.stdout.splitlines()[-1] == "extra", done.stdout + done.stderr
        assert list((job.base / "packages").rglob("extra_pkg.py"))

    def test_a_package_is_installed_and_run_as_a_module(self, job: Job) -> None:
        job.config("hyperparameters", {"sagemaker_program": "extra_pkg.py", "epochs": "2"})
        job.code("setup.py", "")
        job.code(
            "pyproject.toml",
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        )
        job.code("backend.py", BACKEND)
        write_wheel(job.base / "code" / "prepared")
        done = job.run((sys.executable,))
        assert done.stdout.splitlines()[-1] == "__main__ ['--epochs', '2']", done.stdout + done.stderr

    def test_what_cannot_be_installed_fails_clearly(self, job: Job) -> None:
        job.code("train.py", "print('never')")
        job.code("requirements.txt", "--no-index\nno-such-package-of-ours==1.0\n")
        done = job.run((sys.executable,))
        assert done.returncode == 1
        assert "never" not in done.stdout
        assert "ClientError" in job.failure
        assert "no-such-package-of-ours" in job.failure
