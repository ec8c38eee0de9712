"""Commands beside a running server: the server does the work, and if it dies, they do."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from stepmill.cli.exit_codes import ExitCode
from stepmill.storage.layout import HomeLayout
from stepmill.storage.server_file import RunningServer, running_server
from support.cli import Cli, Running, definition, eventually, open_door, processing, statuses, waiting_step

COUNT = """
import pathlib
where = pathlib.Path("/opt/ml/processing/output/out/count.txt")
where.write_text("done")
print("counted")
"""


@pytest.fixture
def server(cli: Cli) -> Running:
    running = cli.start("serve", "--port", "0")
    running.until("ready http")
    return running


def recorded(cli: Cli) -> RunningServer:
    found = running_server(HomeLayout(cli.home).server)
    assert found is not None
    return found


def engines(cli: Cli) -> list[str]:
    return sorted(path.stem for path in HomeLayout(cli.home).engines.glob("*.lock"))


def start_waiting(cli: Cli) -> Running:
    """Run a pipeline whose step waits at a door; return once the step runs."""
    cli.write("p.json", definition(waiting_step(cli)))
    run = cli.start("run", "p.json")
    run.until("Wait: started")
    until_runs(cli, run)
    return run


def until_runs(cli: Cli, run: Running) -> None:
    def look() -> bool:
        executions = cli.executions()
        return bool(executions) and statuses(cli.show()).get("Wait") == "Executing"

    run.until_there_is(look, "the step")


def history_types(cli: Cli) -> list[str]:
    with cli.platform() as platform:
        execution = platform.find_execution().id
        return [record.type for record in platform.executions.whole_history(execution)]


def test_the_server_runs_what_a_command_starts(cli: Cli, server: Running) -> None:
    run = start_waiting(cli)
    assert cli.executions()[0].owner == recorded(cli).engine
    assert engines(cli) == [recorded(cli).engine], "the command made no engine of its own"
    open_door(cli)
    done = run.end().ok()
    assert "Wait: succeeded" in done.out
    assert cli.executions()[0].status == "Succeeded"
    assert server.process.poll() is None
    server.process.send_signal(signal.SIGTERM)
    assert server.end().err == ""


@pytest.mark.usefixtures("server")
def test_its_log_and_results_are_there_for_all(cli: Cli) -> None:
    cli.write("count.py", COUNT)
    cli.write("p.json", definition(processing("Count", "count.py", outputs={"out": "s3://counts/out"})))
    cli("run", "p.json").ok()
    assert "counted" in cli("logs", "Count").ok().out
    assert "count.txt" in cli("objects", "list", "s3://counts/out/").ok().out


@pytest.mark.usefixtures("server")
def test_without_the_cache_is_a_wish_of_one_run(cli: Cli) -> None:
    cli.write("count.py", COUNT)
    cached = {"CacheConfig": {"Enabled": True}}
    step = processing("Count", "count.py", outputs={"out": None}, **cached)
    cli.write("p.json", definition(step))
    for arguments, words in (((), ""), ((), "(cached)"), (("--no-cache",), "succeeded in"), ((), "(cached)")):
        out = cli("run", "p.json", *arguments).ok().out
        assert words in out, arguments
        assert ("(cached)" in out) == (words == "(cached)"), arguments


@pytest.mark.usefixtures("server")
def test_ctrl_c_stops_it_and_retry_goes_on(cli: Cli) -> None:
    run = start_waiting(cli)
    run.interrupt()
    ended = run.end()
    assert ended.code == ExitCode.INTERRUPTED, ended.err
    assert cli.executions()[0].status == "Stopped"
    retry = cli.start("retry")
    until_runs(cli, retry)
    assert cli.executions()[0].owner == recorded(cli).engine
    open_door(cli)
    retry.end().ok()
    assert engines(cli) == [recorded(cli).engine]


@pytest.mark.usefixtures("server")
def test_a_second_command_stops_what_the_first_watches(cli: Cli) -> None:
    run = start_waiting(cli)
    cli("stop").ok()
    assert run.end().code == ExitCode.FAILED
    assert history_types(cli).count("ExecutionStopping") == 1


def test_killed_in_the_middle_the_command_goes_on(cli: Cli, server: Running) -> None:
    run = start_waiting(cli)
    job = cli.show()["steps"][0]["Metadata"]
    server.kill()
    open_door(cli)
    run.end().ok()
    found = cli.show()
    assert statuses(found) == {"Wait": "Succeeded"}
    assert found["steps"][0]["Metadata"] == job, "the job that the server began"
    assert found["steps"][0]["AttemptCount"] == 1
    types = history_types(cli)
    for once in ("ExecutionStarted", "StepStarted", "StepSucceeded", "ExecutionSucceeded"):
        assert types.count(once) == 1


def test_two_watch_what_a_killed_server_ran(cli: Cli, server: Running) -> None:
    first = start_waiting(cli)
    second = cli.start("run", "p.json")
    second.until("Wait: started")
    eventually(lambda: len(cli.executions()) == 2, "the second execution")
    server.kill()
    open_door(cli)
    for run in (first, second):
        run.end().ok()
    assert [found.status for found in cli.executions()] == ["Succeeded"] * 2


def test_a_server_that_starts_leaves_a_running_command_alone(cli: Cli) -> None:
    run = start_waiting(cli)
    owner = cli.executions()[0].owner
    server = cli.start("serve", "--port", "0")
    server.until("ready http")
    assert owner != recorded(cli).engine
    assert cli.executions()[0].owner == owner
    open_door(cli)
    run.end().ok()
    assert history_types(cli).count("ExecutionStarted") == 1


def test_a_server_takes_over_from_a_command_that_is_killed(cli: Cli) -> None:
    run = start_waiting(cli)
    server = cli.start("serve", "--port", "0")
    server.until("ready http")
    run.kill()
    open_door(cli)
    eventually(lambda: cli.executions()[0].status == "Succeeded", "the end")
    assert history_types(cli).count("StepStarted") == 1


def test_a_project_of_its_own_is_run_by_the_command(cli: Cli, server: Running, tmp_path: Path) -> None:
    """Relative paths of a definition start from the project: the server's is another one."""
    other = Cli(tmp_path / "other", cli.home)
    other.folder.mkdir()
    other.write("count.py", COUNT)
    other.write("p.json", definition(processing("Count", "count.py", outputs={"out": None})))
    out = other("run", "p.json").ok().out
    assert re.search(r"Count: succeeded", out)


@pytest.mark.usefixtures("server")
def test_a_callback_is_answered_from_the_terminal(cli: Cli) -> None:
    step = {
        "Name": "Ask",
        "Type": "Callback",
        "SqsQueueUrl": "https://sqs.us-west-2.amazonaws.com/123456789012/nobody",
        "OutputParameters": [{"OutputName": "verdict", "OutputType": "String"}],
        "Arguments": {},
    }
    cli.write("p.json", definition(step))
    run = cli.start("run", "p.json")
    token = run.until_there_is(lambda: re.search(r"callbacks succeed (\w{10})", run.out), "the token")[1]
    cli("callbacks", "succeed", token, "--output", "verdict=good").ok()
    run.end().ok()
    assert engines(cli) == [recorded(cli).engine]
