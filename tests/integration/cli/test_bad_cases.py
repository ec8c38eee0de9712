"""What users see when things go wrong: what happened, where, and how to mend it."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stepmill.cli.exit_codes import ExitCode
from stepmill.storage.objects.uri import S3Uri
from support.cli import PYTHON_IMAGE, ROLE, Answer, Cli, definition, processing, statuses


def run_script(cli: Cli, script: str, **options: object) -> Answer:
    """Run a pipeline of one step that runs a script."""
    cli.write("script.py", script)
    cli.write("bad.json", definition(processing("Bad", "script.py", **options)))  # type: ignore[arg-type]
    return cli("run", "bad.json")


def failed(answer: Answer) -> str:
    """Hold that the execution failed, without a trace of Stepmill's own; return what was said of it."""
    assert answer.code == ExitCode.FAILED, answer.err
    assert "Bad failed:" in answer.err
    assert "stepmill/jobs" not in answer.err
    return answer.err


def test_a_script_that_raises(cli: Cli) -> None:
    said = failed(run_script(cli, "def main():\n    return {}['learning_rate']\n\nmain()\n"))
    assert "AlgorithmError: " in said
    assert 'File "/opt/ml/processing/input/code/script.py", line 2, in main' in said
    assert "KeyError: 'learning_rate'" in said
    assert "exit code: 1" in said
    assert "Its log: stepmill logs Bad --execution" in said
    # Once: a traceback told twice is one that is not read.
    assert said.count("line 2, in main") == 1


def test_an_exit_code_without_a_word(cli: Cli) -> None:
    assert "exit code: 42" in failed(run_script(cli, "raise SystemExit(42)"))


def test_out_of_time(cli: Cli) -> None:
    script = "import time\nprint('begun', flush=True)\nwhile True:\n    time.sleep(0.05)\n"
    said = failed(run_script(cli, script, request={"StoppingCondition": {"MaxRuntimeInSeconds": 1}}))
    assert "The job ran longer than MaxRuntimeInSeconds (1) allows and was stopped." in said
    assert cli("logs", "Bad").ok().out == "begun\n"


def test_out_of_memory(cli: Cli) -> None:
    """Where the system has control groups for us; elsewhere the step says that there is no limit."""
    cli.write("stepmill.toml", "memory_limit_mb = 100\ncpu_limit = 1.5\n")
    answer = run_script(cli, "import sys\nhog = b'x' * 400 * 1024 * 1024\nprint(len(hog))\n")
    if answer.code == 0:
        assert "no memory limit" in answer.out
        pytest.skip("no control group for memory here")
    said = failed(answer)
    assert "OutOfMemoryError" in said
    assert "It needed more than the 100 MiB that it may use" in said


def test_an_output_that_was_promised(cli: Cli) -> None:
    """A condition reads a report that the script did not write."""
    cli.write("silent.py", "print('no report today')")
    report = processing("Evaluate", "silent.py", outputs={"evaluation": None})
    report["PropertyFiles"] = [
        {"PropertyFileName": "Report", "OutputName": "evaluation", "FilePath": "evaluation.json"}
    ]
    value = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": "mse"}}
    gate = {
        "Name": "Gate",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [{"Type": "LessThanOrEqualTo", "LeftValue": value, "RightValue": 6}],
            "IfSteps": [],
            "ElseSteps": [],
        },
    }
    cli.write("gate.json", definition(report, gate))
    answer = cli("run", "gate.json")
    assert answer.code == ExitCode.FAILED
    assert "Gate failed:" in answer.err
    assert "evaluation.json" in answer.err
    assert statuses(cli.show()) == {"Evaluate": "Succeeded", "Gate": "Failed"}


def test_a_log_without_end(cli: Cli) -> None:
    cli.write("stepmill.toml", "log_limit_mb = 1\n")
    script = """
        import sys
        print("the first line")
        block = "x" * 99 + "\\n"
        for _ in range(200):
            sys.stdout.write(block * 10_000)
        print("the last line")
    """
    answer = run_script(cli, "\n".join(line[8:] for line in script.splitlines()))
    assert answer.code == 0, answer.err
    log = cli("logs", "Bad").ok().out
    assert log.startswith("the first line\n")
    assert log.endswith("the last line\n")
    assert len(log) < 3 * 1024 * 1024
    assert disk_use(cli.home) < 8 * 1024 * 1024
    assert cli("logs", "Bad", "--tail", "1").ok().out == "the last line\n"


def disk_use(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def test_a_log_that_is_no_text(cli: Cli) -> None:
    script = (
        "import sys\nsys.stdout.buffer.write(b'\\xff\\xfe\\0 \\x1b[31mred\\n[bold]not markup[/bold]\\n')\n"
    )
    assert run_script(cli, script).code == 0
    shown = cli("logs", "Bad", PYTHONIOENCODING="ascii").ok().out
    assert "[bold]not markup[/bold]" in shown
    cli("logs", "Bad", "--json").ok()


def test_a_missing_object(cli: Cli) -> None:
    with cli.platform() as platform:
        platform.objects.create_bucket("data")
        platform.objects.put_bytes(S3Uri("data", "raw/train.csv"), b"1,2")
    said = failed(run_script(cli, "print('never')", inputs={"raw": "s3://data/raw/trian.csv"}))
    assert "ClientError: " in said
    assert "s3://data/raw/trian.csv" in said
    assert "ProcessingInputs[1]" in said
    assert "raw/train.csv" in said, "the nearest one is named"


def test_a_missing_bucket_and_a_missing_file(cli: Cli) -> None:
    said = failed(run_script(cli, "print('never')", inputs={"raw": "s3://nowhere/raw.csv"}))
    assert "nowhere" in said
    said = failed(run_script(cli, "print('never')", inputs={"raw": "data/raw.csv"}))
    assert "data/raw.csv" in said


def test_code_that_leaves_its_folder(cli: Cli) -> None:
    """A source archive with `../` members writes nowhere, and the job fails."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in {"train.py": b"print('ran')", "../../../../../../tmp/escaped": b"!"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    with cli.platform() as platform:
        platform.objects.create_bucket("code")
        platform.objects.put_bytes(S3Uri("code", "sourcedir.tar.gz"), packed.getvalue())
    train = {
        "Name": "Bad",
        "Type": "Training",
        "Arguments": {
            "AlgorithmSpecification": {"TrainingImage": PYTHON_IMAGE, "TrainingInputMode": "File"},
            "HyperParameters": {
                "sagemaker_program": '"train.py"',
                "sagemaker_submit_directory": '"s3://code/sourcedir.tar.gz"',
            },
            "OutputDataConfig": {"S3OutputPath": "s3://models/"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "RoleArn": ROLE,
        },
    }
    cli.write("bad.json", definition(train))
    said = failed(cli("run", "bad.json"))
    assert "../../tmp/escaped" in said
    assert not Path("/tmp/escaped").exists()
    assert cli("logs", "Bad").out.count("ran\n") == 0


def test_an_unknown_image(cli: Cli) -> None:
    image = "123456789012.dkr.ecr.us-west-2.amazonaws.com/ours/secret-sauce:7"
    said = failed(run_script(cli, "print('never')", image=image))
    assert "ours/secret-sauce" in said
    assert "stepmill.toml" in said
    assert '[images."' in said


def test_network_isolation(cli: Cli) -> None:
    """The same script reaches a server of this machine, unless it is not to."""
    script = """
import socket, sys
socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5).close()
print("connected")
"""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = [str(server.getsockname()[1])]
        open_to_all = run_script(cli, script, arguments=port)
        assert open_to_all.code == 0, open_to_all.err
        closed = run_script(
            cli, script, arguments=port, request={"NetworkConfig": {"EnableNetworkIsolation": True}}
        )
    said = failed(closed)
    # Kept from the network, or refused where that cannot be done.
    assert "ConnectionRefusedError" in said or "unreachable" in said or "EnableNetworkIsolation" in said


def test_network_isolation_that_cannot_be_had(cli: Cli) -> None:
    cli.write("stepmill.toml", 'isolation = "none"\n')
    said = failed(run_script(cli, "print('x')", request={"NetworkConfig": {"EnableNetworkIsolation": True}}))
    assert "EnableNetworkIsolation" in said
    assert "isolation" in said


# ---- definitions of 10 MB ------------------------------------------------------------------------


def test_a_definition_of_10_mb(cli: Cli) -> None:
    """It lints and runs, in a memory that has little to do with its size."""
    cli.write("hello.py", "print('hello')")
    long = "x" * (10 * 1024 * 1024)
    step = processing("Hello", "hello.py")
    cli.write(
        "large.json", definition(step, Parameters=[{"Name": "note", "Type": "String", "DefaultValue": long}])
    )
    lint = cli("lint", "large.json")
    assert lint.code == 0, lint.out
    assert "large.json: 0 errors" in lint.out
    assert len(lint.out) < 10_000
    ran = cli("run", "large.json")
    assert ran.code == 0, ran.err
    shown = cli("show")
    assert len(shown.out) < 20_000, "a value of 10 MB is not for a terminal"


def test_many_steps_with_many_faults(cli: Cli) -> None:
    """Thousands of steps, each wrong: lint tells many of the findings, run some."""
    steps = [processing(f"S{i}", "s3://code/a.py", DependsOn=[f"T{i}"]) for i in range(4_000)]
    cli.write("wrong.json", json.dumps(definition(*steps)))
    lint = cli("lint", "wrong.json", "--json")
    assert lint.code == ExitCode.FAILED
    assert lint.json["errors"] >= 1000
    refused = cli("run", "wrong.json")
    assert refused.code == ExitCode.REFUSED
    assert "T0" in refused.err
    assert "more: `stepmill lint` shows all." in refused.err
    assert len(refused.err.splitlines()) < 200


def test_a_definition_that_is_nested_without_end(cli: Cli) -> None:
    cli.write("deep.json", "[" * 1_000_000)
    refused = cli("lint", "deep.json")
    assert refused.code != 0
    assert "Traceback" not in refused.err


# ---- a full disk ---------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no small disk to be had: {mounted.stderr.decode()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


FILL = """
import pathlib
folder = pathlib.Path("/opt/ml/processing/output/result")
(folder / "large").write_bytes(b"x" * 1024 * 1024 * int(
    pathlib.Path("/opt/ml/processing/input/size/mb").read_text()
))
print("written")
"""


def test_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    """The job fails and says why; the state is whole, and when there is room a retry goes on."""
    (tmp_path / "project").mkdir()
    with closing(Cli(tmp_path / "project", small_disk / "home")) as cli:
        cli.write("size/mb", "100")
        cli.write("hello.py", "print('hello')")
        cli.write("fill.py", FILL)
        bad = processing(
            "Bad", "fill.py", inputs={"size": "size"}, outputs={"result": None}, DependsOn=["First"]
        )
        cli.write("bad.json", definition(processing("First", "hello.py"), bad))
        said = failed(cli("run", "bad.json"))
        assert "The disk is full" in said
        assert "stepmill gc" in said
        assert statuses(cli.show()) == {"First": "Succeeded", "Bad": "Failed"}
        cli.write("size/mb", "1")
        retried = cli("retry").ok()
        assert "First: started" not in retried.out
        assert statuses(cli.show()) == {"First": "Succeeded", "Bad": "Succeeded"}


def test_a_disk_that_is_full_from_the_start(small_disk: Path, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    filler = small_disk / "filler"
    with closing(Cli(tmp_path / "project", small_disk / "home")) as cli:
        cli.write("hello.py", "print('hello')")
        cli.write("hello.json", definition(processing("Hello", "hello.py")))
        cli("run", "hello.json").ok()
        with filler.open("wb") as file:
            while True:
                try:
                    file.write(b"x" * 65536)
                    file.flush()
                except OSError:
                    break
        refused = cli("run", "hello.json", "-p", "Other")
        assert refused.code != 0
        assert "Traceback" not in refused.err
        assert "disk" in refused.err or "space" in refused.err or "room" in refused.err
        # What it says to do can be done.
        assert "stepmill gc" in refused.err
        freed = cli("gc", "--days", "0", "--json")
        assert freed.code == 0, freed.out
        assert freed.json["freedBytes"] > 0
        filler.unlink()
        cli("run", "hello.json").ok()
        assert "Succeeded" in cli("list").ok().out
