"""stop, retry, resume, Ctrl-C: the course of an execution is changed, and nothing is lost."""

from __future__ import annotations

import signal
from typing import Any

from stepmill.cli.exit_codes import ExitCode
from support.cli import (
    PYTHON_IMAGE,
    ROLE,
    Cli,
    Running,
    definition,
    open_door,
    processing,
    statuses,
    waiting_step,
)


def three_steps(cli: Cli) -> None:
    """First -> Wait -> Last."""
    cli.write("hello.py", "print('hello')")
    cli.write(
        "three.json",
        definition(
            processing("First", "hello.py"),
            waiting_step(cli, DependsOn=["First"]),
            processing("Last", "hello.py", DependsOn=["Wait"]),
        ),
    )


def start_three(cli: Cli) -> Running:
    three_steps(cli)
    run = cli.start("run", "three.json")
    run.until("Wait: started")
    run.until_there_is(lambda: "waiting" in cli_log(cli), "the job's first line")
    return run


def cli_log(cli: Cli) -> str:
    """Return what the job of Wait has written."""
    logs = list(cli.home.glob("jobs/*/pipelines-*-Wait-*/log"))
    return "".join(log.read_text() for log in logs)


def test_stop_from_another_terminal(cli: Cli) -> None:
    run = start_three(cli)
    stopped = cli("stop").ok()
    assert "Wait: stopped after" in stopped.out
    ended = run.end()
    assert ended.code == ExitCode.FAILED
    assert "Stopped" in ended.out
    assert statuses(cli.show()) == {"First": "Succeeded", "Wait": "Stopped"}
    assert cli("logs", "Wait").ok().out == "waiting\nasked to end\n"
    again = cli("stop")
    assert again.code == ExitCode.WRONG_STATE
    assert "Stopped" in again.err


def test_ctrl_c_then_retry(cli: Cli) -> None:
    run = start_three(cli)
    run.interrupt()
    ended = run.end()
    assert ended.code == ExitCode.INTERRUPTED
    assert "Stopping: running jobs are asked to end. Ctrl-C again leaves at once." in ended.err
    execution = cli.executions()[0].id
    assert f"Go on from here with: stepmill retry {execution}" in ended.err
    assert "Traceback" not in ended.err
    assert statuses(cli.show()) == {"First": "Succeeded", "Wait": "Stopped"}
    open_door(cli)
    retried = cli("retry", execution).ok()
    assert "First: started" not in retried.out
    assert "Wait: started" in retried.out
    assert statuses(cli.show()) == dict.fromkeys(("First", "Wait", "Last"), "Succeeded")
    assert [e.id for e in cli.executions()] == [execution]


STUBBORN = """
import pathlib, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
while not pathlib.Path("/opt/ml/processing/input/door/go").exists():
    time.sleep(0.01)
"""


def test_ctrl_c_twice_leaves_at_once_and_resume_goes_on(cli: Cli) -> None:
    """The job does not hear SIGTERM; the one who waits for it need not."""
    (cli.folder / "door").mkdir()
    cli.write("deaf.py", STUBBORN)
    cli.write("deaf.json", definition(processing("Wait", "deaf.py", inputs={"door": "door"})))
    run = cli.start("run", "deaf.json")
    run.until_there_is(lambda: "deaf" in cli_log(cli), "the job's first line")
    run.interrupt()
    run.until("Ctrl-C again leaves at once")
    run.interrupt()
    ended = run.end()
    assert ended.code == ExitCode.INTERRUPTED
    execution = cli.executions()[0].id
    assert f"Left while stopping. Go on with: stepmill resume {execution}" in ended.err
    assert cli.executions()[0].is_interrupted
    assert "(interrupted)" in cli("list").ok().out
    assert f"Nobody drives it. Go on with: stepmill resume {execution}" in cli("show").ok().err
    open_door(cli)
    resumed = cli("resume")
    assert resumed.out.count("Wait: ") >= 1
    # It was asked to stop, and ended well all the same.
    assert str(cli.executions()[0].status) in ("Stopped", "Succeeded")


def test_killed_then_resumed(cli: Cli) -> None:
    run = start_three(cli)
    run.kill()
    assert cli.executions()[0].is_interrupted
    resumed = cli.start("resume")
    resumed.until("Wait")
    open_door(cli)
    resumed.end().ok()
    assert statuses(cli.show()) == dict.fromkeys(("First", "Wait", "Last"), "Succeeded")
    assert cli("logs", "Wait").ok().out == "waiting\ndone\n", "the same job went on"
    assert "No execution waits to be resumed." in cli("resume").ok().err


def test_killed_then_stopped(cli: Cli) -> None:
    """Whoever stops an execution that nobody drives brings it to its end."""
    run = start_three(cli)
    run.kill()
    cli("stop").ok()
    assert str(cli.executions()[0].status) == "Stopped"
    assert cli_log(cli).endswith("asked to end\n")


def test_the_one_that_is_followed_dies(cli: Cli) -> None:
    """`stop` in a second terminal waits for the first one's end; if that is killed it goes on itself."""
    (cli.folder / "door").mkdir()
    cli.write("deaf.py", STUBBORN)
    cli.write("deaf.json", definition(processing("Wait", "deaf.py", inputs={"door": "door"})))
    run = cli.start("run", "deaf.json")
    run.until_there_is(lambda: "deaf" in cli_log(cli), "the job's first line")
    stop = cli.start("stop")
    run.until("Stopping")
    run.kill()
    open_door(cli)
    stop.end()
    assert cli.executions()[0].status.is_final


def test_terminated_then_resumed(cli: Cli) -> None:
    """SIGTERM, as of a service manager: the process goes, its job stays."""
    run = start_three(cli)
    run.process.send_signal(signal.SIGTERM)
    run.end()
    open_door(cli)
    cli("resume").ok()
    assert cli("logs", "Wait").ok().out == "waiting\ndone\n"


READ = """
import pathlib
pathlib.Path("/opt/ml/processing/output/copy/numbers").write_text(
    pathlib.Path("/opt/ml/processing/input/data/numbers").read_text()
)
"""


def test_retry_goes_on_where_it_failed(cli: Cli) -> None:
    (cli.folder / "data").mkdir()
    cli.write("hello.py", "print('hello')")
    cli.write("read.py", READ)
    read = processing(
        "Read", "read.py", inputs={"data": "data"}, outputs={"copy": "copied"}, DependsOn=["First"]
    )
    cli.write("read.json", definition(processing("First", "hello.py"), read))
    failed = cli("run", "read.json")
    assert failed.code == ExitCode.FAILED
    assert "FileNotFoundError" in failed.err
    assert "Its log: stepmill logs Read" in failed.err
    execution = cli.executions()[0].id
    assert cli("retry").code == ExitCode.FAILED, "nothing has changed"
    cli.write("data/numbers", "1 2 3")
    retried = cli("retry").ok()
    assert "First: started" not in retried.out
    assert (cli.folder / "copied" / "numbers").read_text() == "1 2 3"
    assert [e.id for e in cli.executions()] == [execution]
    assert cli.show()["steps"][0]["AttemptCount"] == 3 or cli.show()["steps"][1]["AttemptCount"] == 3
    refused = cli("retry")
    assert refused.code == ExitCode.WRONG_STATE
    assert "Succeeded" in refused.err


LEARNS = """
import os, pathlib, time
state = pathlib.Path("/opt/ml/checkpoints/state.txt")
done = int(state.read_text()) if state.exists() else 0
for epoch in range(done + 1, 4):
    print("epoch", epoch, flush=True)
    if epoch == 2 and done == 0:
        time.sleep(600)
    state.with_suffix(".new").write_text(str(epoch))
    os.replace(state.with_suffix(".new"), state)
"""


def spot_training() -> dict[str, Any]:
    return {
        "Name": "Learn",
        "Type": "Training",
        "Arguments": {
            "AlgorithmSpecification": {"TrainingImage": PYTHON_IMAGE, "TrainingInputMode": "File"},
            "HyperParameters": {"sagemaker_program": "learn.py", "sagemaker_submit_directory": "."},
            "OutputDataConfig": {"S3OutputPath": "s3://spot/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "RoleArn": ROLE,
            "EnableManagedSpotTraining": True,
            "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 1200},
            "CheckpointConfig": {"S3Uri": "s3://spot/checkpoints"},
        },
    }


def test_interrupted_then_killed_while_it_waits_for_capacity(cli: Cli) -> None:
    cli.write("learn.py", LEARNS)
    cli.write("spot.json", definition(spot_training()))
    cli.write("stepmill.toml", "[spot]\ncapacity_wait_seconds = 2\n")
    run = cli.start("run", "spot.json")

    def learning() -> str:
        logs = list(cli.home.glob("jobs/training-job/*/log"))
        return logs[0].parent.name if logs and "epoch 2" in logs[0].read_text() else ""

    job = run.until_there_is(learning, "the second epoch")
    assert "SIGTERM" in cli("jobs", "interrupt", job).ok().out
    run.until("attempt 1 was interrupted")
    run.kill()
    assert "Learn: succeeded" in cli("resume").ok().out
    # What was under way is done twice, nothing else.
    assert cli("logs", "Learn").ok().out.split() == ["epoch", "1", "epoch", "2", "epoch", "2", "epoch", "3"]
    shown = cli("jobs", "show", job, "--json").ok().json
    assert [attempt["then"] for attempt in shown["attempts"]] == ["Interrupted", ""]
