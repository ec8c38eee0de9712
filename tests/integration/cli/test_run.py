"""run: the demo, the cache, parameters, a part of a pipeline, definitions written by hand, two at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from stepmill.cli.exit_codes import ExitCode
from stepmill.storage.records import Selection
from support.cli import Cli, Running, definition, open_door, processing, statuses, waiting_step

DIABETES = Path(__file__).parents[3] / "examples" / "diabetes" / "pipeline.py"
ALL = ["Prepare", "Train", "Evaluate", "GoodEnough", "Register"]


@pytest.fixture(scope="module")
def diabetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """A home in which the demo has run once."""
    folder = tmp_path_factory.mktemp("diabetes")
    (folder / "project").mkdir()
    with closing(Cli(folder / "project", folder / "home")) as cli:
        ran = cli("run", DIABETES).ok()
        assert [line.split()[1] for line in ran.out.splitlines() if ": started" in line] == [
            f"{name}:" for name in ALL
        ]
        yield cli


def test_the_demo_shows_what_came_of_it(diabetes: Cli) -> None:
    first = diabetes.executions()[-1]
    shown = diabetes("show", first.id).ok().out
    assert "Succeeded" in shown.splitlines()[0]
    assert "5/5 steps" in shown.splitlines()[0]
    assert "└─ Train" in shown
    assert "trees 200" in shown
    assert "diabetes/1" in shown
    assert "○ not taken" in shown
    assert "n_estimators   200" in shown
    assert "cache miss: this step has no earlier result" in shown


def test_its_jobs_are_recorded_in_an_experiment(diabetes: Cli) -> None:
    first = diabetes.executions()[-1]
    with diabetes.platform() as platform:
        found, _ = platform.experiments.list_components(Selection(), trial=first.id)
        assert platform.experiments.describe_trial(first.id)["ExperimentName"] == first.pipeline
        # Metrics are told of one component, not in lists.
        whole = [platform.experiments.components.describe(str(one["TrialComponentName"])) for one in found]
    by_kind = {str(one["TrialComponentName"]).rpartition("-aws-")[2]: one for one in whole}
    assert len(found) == 3
    fit: Any = by_kind["training-job"]
    assert fit["Parameters"]["n-estimators"] == {"NumberValue": 200.0}
    assert {metric["MetricName"] for metric in fit["Metrics"]} == {"trees", "train:mse"}
    assert fit["Status"] == {"PrimaryStatus": "Completed"}


def test_the_second_run_is_cached_and_says_so(diabetes: Cli) -> None:
    again = diabetes("run", DIABETES, "--json").ok()
    *events, last = again.json_lines
    assert [e["step"] for e in events if e["type"] == "StepCacheHit"] == ["Prepare", "Train", "Evaluate"]
    assert [event["position"] for event in events] == list(range(1, len(events) + 1))
    execution = last["execution"]
    assert execution["status"] == "Succeeded"
    assert statuses(execution) == dict.fromkeys(ALL, "Succeeded")
    assert execution["metrics"] == {"Train": {"trees": 200, "train:mse": pytest.approx(1498.387)}}
    lines = diabetes("show").ok().out.splitlines()
    assert sum("cached" in line for line in lines) == 3


def test_a_parameter_runs_only_what_depends_on_it(diabetes: Cli) -> None:
    ran = diabetes("run", DIABETES, "--param", "n_estimators=50", "--name", "few trees").ok()
    assert "Prepare: succeeded in" in ran.out
    assert "(cached)" in next(line for line in ran.out.splitlines() if "Prepare: succeeded" in line)
    assert "Train: cache miss: HyperParameters['n-estimators']: '200' -> '50'" in ran.out
    shown = diabetes("show").ok().out
    assert "cache miss: HyperParameters['n-estimators']: '200' -> '50'" in shown
    assert "cache miss: ProcessingInputs['model'] changed content" in shown
    assert "n_estimators   50" in shown
    assert "few trees" in diabetes("list").ok().out


def test_no_cache_runs_everything(diabetes: Cli) -> None:
    ran = diabetes("run", DIABETES, "--no-cache").ok()
    assert "(cached)" not in ran.out
    assert "cache miss" not in ran.out


def test_from_a_step(diabetes: Cli) -> None:
    ran = diabetes("run", DIABETES, "--from", "Evaluate", "--no-cache").ok()
    assert "Prepare: started" not in ran.out
    assert "Evaluate: started" in ran.out
    shown = statuses(diabetes.show())
    assert set(shown) >= {"Evaluate", "GoodEnough", "Register"}


def test_a_source_without_a_step_to_begin_with(diabetes: Cli) -> None:
    refused = diabetes("run", DIABETES, "--source", "whatever")
    assert refused.code == ExitCode.REFUSED
    assert "--source is of use only with --from." in refused.err


def test_from_a_step_that_is_not_there(diabetes: Cli) -> None:
    before = len(diabetes.executions())
    refused = diabetes("run", DIABETES, "--from", "Evaluat")
    assert refused.code in (ExitCode.REFUSED, ExitCode.NOT_FOUND)
    assert "'Evaluate'" in refused.err
    assert len(diabetes.executions()) == before


@pytest.mark.parametrize(
    ("given", "what", "mend"),
    [
        ("n_estimator=50", "There is no parameter 'n_estimator'.", "Did you mean 'n_estimators'?"),
        ("n_estimators=many", "takes a whole number, not 'many'", "Give a whole number."),
        ("n_estimators=1.5", "takes a whole number, not '1.5'", "Give a whole number."),
        ("limit=low", "limit", "number"),
        ("n_estimators", "'n_estimators' is not NAME=VALUE.", "Write --param alpha=0.5."),
    ],
)
def test_a_parameter_that_cannot_be(diabetes: Cli, given: str, what: str, mend: str) -> None:
    before = len(diabetes.executions())
    refused = diabetes("run", DIABETES, "--param", given)
    assert refused.code == ExitCode.REFUSED
    assert what in refused.err
    assert mend in refused.err
    assert len(diabetes.executions()) == before, "nothing was written"


def test_the_condition_says_no(diabetes: Cli) -> None:
    ran = diabetes("run", DIABETES, "--param", "limit=0.1")
    assert ran.code == ExitCode.FAILED
    assert "of the mean predictor's; at most 0.1 is allowed." in ran.err
    assert statuses(diabetes.show())["Reject"] == "Failed"


def test_models(diabetes: Cli) -> None:
    listed = diabetes("models", "list", "diabetes", "--json").ok().json
    assert [version["ModelPackageVersion"] for version in listed] == list(range(len(listed), 0, -1))
    shown = diabetes("models", "show", "diabetes/1", "--json").ok().json
    assert shown["ModelApprovalStatus"] == "PendingManualApproval"
    approved = diabetes("models", "approve", "diabetes/1", "--reason", "it is good").ok()
    assert approved.out == "diabetes/1 is Approved.\n"
    text = diabetes("models", "show", "diabetes/1").ok().out
    assert "it is good" in text
    assert "Approved" in text
    missed = diabetes("models", "show", "diabetes/99")
    assert missed.code == ExitCode.NOT_FOUND
    assert "mend: Name one as GROUP/VERSION; `stepmill models list` shows them." in missed.err
    assert diabetes("models", "show", "diabetis/1").code == ExitCode.NOT_FOUND


def test_gc_keeps_what_is_needed(diabetes: Cli) -> None:
    first = diabetes.executions()[-1]
    freed = diabetes("gc", "--days", "0", "--json").ok().json["freedBytes"]
    assert freed > 0
    assert "Freed" in diabetes("gc").ok().out
    assert "5/5 steps" in diabetes("show", first.id).ok().out
    assert "(cached)" in diabetes("run", DIABETES).ok().out, "objects stay, so results stay"


# ---- definitions written by hand -----------------------------------------------------------------


def test_a_definition_with_code_on_this_machine(cli: Cli) -> None:
    cli.write("code/count.py", COUNT)
    cli.write("data/words.txt", "one two three")
    cli.write(
        "words.json",
        definition(
            processing(
                "Count",
                "code/count.py",
                inputs={"data": "data"},
                outputs={"result": "results"},
                arguments=["-v"],
            )
        ),
    )
    ran = cli("run", "words.json").ok()
    assert "Count: succeeded" in ran.out
    assert (cli.folder / "results" / "count.json").read_text() == '{"words": 3}'
    assert cli("list", "--json").ok().json[0]["pipeline"] == "words"
    assert cli("logs", "Count").ok().out == "counting\n"


COUNT = """
import json, pathlib, sys
print("counting" if sys.argv[1:] == ["-v"] else "?")
words = pathlib.Path("/opt/ml/processing/input/data/words.txt").read_text().split()
pathlib.Path("/opt/ml/processing/output/result/count.json").write_text(json.dumps({"words": len(words)}))
"""


def test_a_file_of_a_later_name_is_another_pipeline_or_the_same(cli: Cli) -> None:
    """Versions: the same text is the same version, another text the next."""
    cli.write("hello.py", "print('hello')")
    cli.write("one.json", definition(processing("A", "hello.py")))
    cli.write("two.json", definition(processing("A", "hello.py"), processing("B", "hello.py")))
    cli("run", "one.json", "-p", "Same").ok()
    cli("run", "one.json", "-p", "Same").ok()
    cli("run", "two.json", "-p", "Same").ok()
    assert [(e.pipeline, e.version) for e in cli.executions()] == [("Same", 2), ("Same", 1), ("Same", 1)]


def test_two_runs_at_once_in_one_home(cli: Cli) -> None:
    cli.write("first.json", definition(waiting_step(cli, "first")))
    cli.write("second.json", definition(waiting_step(cli, "second")))
    first, second = cli.start("run", "first.json"), cli.start("run", "second.json")
    first.until("Wait: started")
    second.until("Wait: started")
    assert [str(e.status) for e in cli.executions()] == ["Executing", "Executing"]
    assert not any(e.is_interrupted for e in cli.executions())
    open_door(cli, "second")
    second.end().ok()
    assert first.process.poll() is None
    open_door(cli, "first")
    first.end().ok()
    assert {str(e.status) for e in cli.executions()} == {"Succeeded"}


def test_logs(cli: Cli) -> None:
    cli.write("hello.py", "for i in range(30): print('line', i)")
    cli.write(
        "two.json", definition(processing("A", "hello.py"), processing("B", "hello.py", DependsOn=["A"]))
    )
    cli("run", "two.json").ok()
    everything = cli("logs").ok().out.splitlines()
    assert len(everything) == 60
    assert (everything[0], everything[59]) == ("A | line 0", "B | line 29")
    assert cli("logs", "B", "--tail", "2").ok().out == "line 28\nline 29\n"
    first = cli("logs", "A", "--json").ok().json_lines[0]
    assert (first["step"], first["text"]) == ("A", "line 0")
    assert first["at"].startswith("20")
    missed = cli("logs", "C")
    assert missed.code == ExitCode.NOT_FOUND
    assert "There is no step 'C'." in missed.err
    assert "mend: Steps: A, B." in missed.err


def test_following_a_log(cli: Cli) -> None:
    cli.write("first.json", definition(waiting_step(cli)))
    run = cli.start("run", "first.json")
    run.until("Wait: started")
    log = cli.start("logs", "--follow")
    log.until("Wait | waiting")
    assert "done" not in log.out
    open_door(cli)
    assert log.end().ok().out == "Wait | waiting\nWait | done\n"
    run.end().ok()
    assert cli("logs", "-f", "Wait").ok().out == "waiting\ndone\n"


# ---- functions and callbacks ---------------------------------------------------------------------


def score(arn: str) -> dict[str, object]:
    return {
        "Name": "Score",
        "Type": "Lambda",
        "FunctionArn": arn,
        "Arguments": {"hits": 8, "total": 10},
        "OutputParameters": [{"OutputName": "score", "OutputType": "Float"}],
    }


def test_a_function_of_stepmill_toml(cli: Cli) -> None:
    cli.write(
        "score.py", "def handler(event, context):\n    return {'score': event['hits'] / event['total']}\n"
    )
    cli.write("stepmill.toml", '[functions.score]\ncode = "score.py"\nhandler = "score.handler"\n')
    cli.write("score.json", definition(score("arn:aws:lambda:us-west-2:123456789012:function:score")))
    cli("run", "score.json").ok()
    step = cli.show()["steps"][0]
    assert step["Metadata"]["Lambda"]["OutputParameters"] == [{"Name": "score", "Value": "0.8"}]
    assert [f["name"] for f in cli("functions", "list", "--json").ok().json] == ["score"]


def test_a_function_put_by_hand(cli: Cli) -> None:
    cli.write("code/app.py", "def handler(event, context):\n    return {'score': 1.5}\n")
    arn = cli("functions", "put", "mine", "--code", "code", "--handler", "app.handler").ok().out.strip()
    assert arn == "arn:aws:lambda:us-west-2:123456789012:function:mine"
    assert "app.handler" in cli("functions", "list").ok().out
    again = cli("functions", "put", "mine", "--code", "code", "--handler", "app.handler", "--json").ok().json
    assert again["version"] == 1, "unchanged code changes nothing"
    cli.write("score.json", definition(score(arn)))
    cli("run", "score.json").ok()
    assert cli("functions", "delete", "mine").ok().out == "Removed mine.\n"
    refused = cli("run", "score.json")
    assert refused.code == ExitCode.FAILED
    assert "mine" in refused.err
    assert "stepmill functions put" in refused.err
    unknown = cli("functions", "put", "mine", "--code", "nowhere", "--handler", "app.handler")
    assert unknown.code in (ExitCode.REFUSED, ExitCode.NOT_FOUND)
    assert "nowhere" in unknown.err


def approval() -> dict[str, object]:
    return {
        "Name": "Approve",
        "Type": "Callback",
        "SqsQueueUrl": "https://sqs.us-west-2.amazonaws.com/123456789012/approvals",
        "Arguments": {"model": "best"},
        "OutputParameters": [{"OutputName": "by", "OutputType": "String"}],
    }


def waiting_token(cli: Cli, run: Running) -> str:
    listed = run.until_there_is(lambda: cli("callbacks", "list", "--json").ok().json, "a callback")
    assert listed[0]["step"] == "Approve"
    assert listed[0]["arguments"] == {"model": "best"}
    return str(listed[0]["token"])


def test_a_callback_is_answered_from_another_terminal(cli: Cli) -> None:
    cli.write("approve.json", definition(approval()))
    run = cli.start("run", "approve.json")
    token = waiting_token(cli, run)
    assert token in cli("callbacks", "list").ok().out
    wrong = cli("callbacks", "succeed", token)
    assert wrong.code == ExitCode.REFUSED
    assert "by" in wrong.err
    assert (
        cli("callbacks", "succeed", token, "--output", "by=kim").ok().out == "Answered: the step succeeds.\n"
    )
    run.end().ok()
    assert cli("callbacks", "list").ok().out == "No callback waits.\n"
    twice = cli("callbacks", "succeed", token, "--output", "by=kim")
    assert twice.code in (ExitCode.WRONG_STATE, ExitCode.NOT_FOUND)


def test_a_callback_is_refused(cli: Cli) -> None:
    cli.write("approve.json", definition(approval()))
    run = cli.start("run", "approve.json")
    cli("callbacks", "fail", waiting_token(cli, run), "--reason", "too old").ok()
    ended = run.end()
    assert ended.code == ExitCode.FAILED
    assert "too old" in ended.err
