"""State machines in the terminal: run, list, show, history, stop, redrive; JSON and YAML."""

from __future__ import annotations

import json

import pytest

from support.cli import Cli

CHOICE = {
    "StartAt": "Big?",
    "States": {
        "Big?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericGreaterThan": 3, "Next": "Bad"}],
            "Default": "Good",
        },
        "Good": {"Type": "Pass", "Parameters": {"twice.$": "States.MathAdd($.n, $.n)"}, "End": True},
        "Bad": {"Type": "Fail", "Error": "TooBig", "Cause": "n is big"},
    },
}
WAITS = {"StartAt": "Long", "States": {"Long": {"Type": "Wait", "Seconds": 3600, "End": True}}}


@pytest.fixture
def choice(cli: Cli) -> Cli:
    cli.write("choice.asl.json", json.dumps(CHOICE))
    return cli


def test_a_machine_runs_to_its_end(choice: Cli) -> None:
    said = choice("run", "choice.asl.json", "--input", '{"n": 2}', "--name", "first").ok()
    assert "choice first  ✓ SUCCEEDED" in said.out
    assert '"twice": 4' in said.out
    assert "→ Good" in said.out
    (listed,) = choice("list", "--json").ok().json
    assert (listed["name"], listed["machine"], listed["status"]) == ("first", "choice", "SUCCEEDED")
    shown = choice("show", "first", "--json").ok().json["execution"]
    assert (shown["output"], shown["input"]) == ('{"twice":4}', '{"n": 2}')
    events = choice("history", "first", "--json").ok().json_lines
    assert [event["type"] for event in events] == [
        "ExecutionStarted", "ChoiceStateEntered", "ChoiceStateExited", "PassStateEntered", "PassStateExited",
        "ExecutionSucceeded",
    ]  # fmt: skip
    assert [event["previousEventId"] for event in events] == [0, 0, 2, 3, 4, 5]
    (last,) = choice("history", "--reverse", "--limit", "1", "--json").ok().json_lines
    assert last["id"] == 6


def test_a_failed_execution_says_why_and_is_redriven(choice: Cli) -> None:
    choice.write("input.yaml", "n: 5\n")
    failed = choice("run", "choice.asl.json", "--input", "input.yaml")
    assert (failed.code, "TooBig: n is big" in failed.err) == (1, True)
    again = choice("redrive")
    assert again.code == 1
    shown = choice("show", "--json").ok().json["execution"]
    assert (shown["status"], shown["error"], shown["redriveCount"]) == ("FAILED", "TooBig", 1)
    assert choice("stop").code == 5


def test_yaml_and_standard_input(cli: Cli) -> None:
    cli.write("hello.asl.yaml", "StartAt: A\nStates:\n  A: {Type: Pass, End: true}\n")
    cli.write("in.json", '{"a": 1.0}')
    said = cli("run", "hello.asl.yaml", "-i", "in.json", "--json").ok()
    assert said.json_lines[-1]["execution"]["output"] == '{"a":1.0}'


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--input", "nowhere.json"], 4, "nowhere.json"),
        (["--input", "{"], 3, "JSON"),
        (["--param", "a=1"], 3, "--param is of use only for a pipeline"),
        (["--name", "a b"], 3, "Invalid Name"),
    ],
)
def test_what_cannot_be_run_starts_nothing(choice: Cli, arguments: list[str], code: int, said: str) -> None:
    answer = choice("run", "choice.asl.json", *arguments)
    assert (answer.code, said in answer.err) == (code, True), answer
    assert choice("list", "--json").ok().json == []


def test_a_definition_that_is_none_is_refused_with_its_place(cli: Cli) -> None:
    cli.write("bad.asl.json", json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass"}}}))
    answer = cli("run", "bad.asl.json")
    assert (answer.code, "/States/A" in answer.err) == (3, True)
    missing = cli("run", "nothing.asl.json")
    assert (missing.code, "There is no file" in missing.err) == (4, True)


def test_ctrl_c_stops_and_a_redrive_goes_on(cli: Cli) -> None:
    cli.write("waits.asl.json", json.dumps(WAITS))
    running = cli.start("run", "waits.asl.json", "--name", "long")
    running.until("WaitStateEntered")
    running.interrupt()
    ended = running.end()
    assert (ended.code, "redrive long" in ended.err) == (130, True)
    assert cli("show", "long", "--json").ok().json["execution"]["status"] == "ABORTED"


def test_kill_9_loses_nothing(cli: Cli) -> None:
    states = {"W": {"Type": "Wait", "Seconds": 2, "Next": "E"}, "E": {"Type": "Succeed"}}
    cli.write("short.asl.json", json.dumps({"StartAt": "W", "States": states}))
    running = cli.start("run", "short.asl.json", "--name", "killed")
    running.until("WaitStateEntered")
    running.kill()
    assert cli("show", "killed", "--json").ok().json["execution"]["status"] == "RUNNING"
    cli("resume").ok()
    assert cli("show", "killed", "--json").ok().json["execution"]["status"] == "SUCCEEDED"
