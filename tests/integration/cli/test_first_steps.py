"""What a newcomer types: help, init, run, and mistakes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from stepmill.cli.exit_codes import ExitCode
from support.cli import Cli

TEMPLATE = Path(__file__).parents[3] / "src" / "stepmill" / "cli" / "template"


def test_init_then_run(cli: Cli) -> None:
    said = cli("init").ok().out
    assert "Made pipeline.py, stepmill.toml" in said
    assert "stepmill run pipeline.py" in said
    ran = cli("run", "pipeline.py").ok()
    assert "evaluate: succeeded in" in ran.out
    assert "wines/1" in ran.out
    assert "5/5 steps" in ran.out
    assert ran.err == ""
    assert not (cli.folder / ".stepmill").exists(), "STEPMILL_HOME says where the state is"
    again = cli("run", "pipeline.py").ok()
    assert again.out.count("(cached)") == 3
    assert cli("models", "list", "--json").ok().json[0]["ModelPackageVersion"] == 2


def test_init_elsewhere_says_how_to_get_there(cli: Cli) -> None:
    said = cli("init", "new/project").ok().out
    assert "cd new/project && stepmill run pipeline.py" in said
    assert (cli.folder / "new" / "project" / "pipeline.py").is_file()


def test_init_writes_over_nothing(cli: Cli) -> None:
    mine = cli.write("pipeline.py", "mine")
    refused = cli("init")
    assert refused.code == ExitCode.WRONG_STATE
    assert "error: pipeline.py already there; nothing was written." in refused.err
    assert "mend: Choose an empty folder." in refused.err
    assert mine.read_text() == "mine"
    assert not (cli.folder / "stepmill.toml").exists()


def test_the_template_s_settings_are_the_defaults(cli: Cli) -> None:
    """Whoever takes a line away changes nothing."""
    from stepmill.core.settings_file import read_settings

    text = (TEMPLATE / "stepmill.toml").read_text()
    here = Path()
    assert read_settings(text, home=here, project=here) == read_settings("", home=here, project=here)
    assert set(tomllib.loads(text)) >= {"region", "account", "isolation", "warm", "log_limit_mb"}


def test_the_state_lies_beside_the_project(cli: Cli) -> None:
    """Without STEPMILL_HOME it is the project's .stepmill, from any folder inside; git does not see it."""
    cli.write("hello.py", "print('hello')")
    cli.write(
        "pipeline.py",
        "from stepmill import Pipeline, ProcessingStep\n"
        "pipeline = Pipeline('Hello', [ProcessingStep('Hello', image='python', code='hello.py')])\n",
    )
    cli("run", "pipeline.py", STEPMILL_HOME="").ok()
    assert (cli.folder / ".stepmill" / ".gitignore").read_text() == "*\n"
    assert cli.folder.joinpath(".stepmill").stat().st_mode & 0o077 == 0
    (cli.folder / "deep" / "inside").mkdir(parents=True)
    inside = Cli(cli.folder / "deep" / "inside", cli.home)
    assert "Hello" in inside("list", STEPMILL_HOME="").ok().out


def test_version(cli: Cli) -> None:
    import stepmill

    assert cli("--version").ok().out == f"stepmill {stepmill.__version__}\n"


def test_help_lists_every_command(cli: Cli) -> None:
    said = cli("--help").ok().out
    for command in (
        "init",
        "lint",
        "compile",
        "run",
        "list",
        "show",
        "logs",
        "stop",
        "retry",
        "resume",
        "history",
        "redrive",
        "gc",
    ):
        assert f"\n  {command} " in said, command
    # Each line is whole: a sentence that is cut is one that nobody reads.
    assert "..." not in said.partition("Commands:")[2]


def test_a_command_that_is_not_there(cli: Cli) -> None:
    refused = cli("rum")
    assert refused.code == ExitCode.USAGE
    assert "No such command 'rum'" in refused.err
    assert "run" in refused.err.partition("No such command")[2]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion(cli: Cli, shell: str) -> None:
    assert "stepmill" in cli("--show-completion", shell).ok().out


def test_completing_an_execution(cli: Cli) -> None:
    """What a shell asks when Tab is pressed behind `stepmill show`."""
    cli.write("hello.json", '{"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": []}')
    completing = {
        "_STEPMILL_COMPLETE": "complete_bash",
        "COMP_WORDS": "stepmill show ",
        "COMP_CWORD": "2",
    }
    assert cli(**completing).out.strip() == ""


def test_nothing_has_run_yet(cli: Cli) -> None:
    assert cli("list").ok().out == "No executions yet. Start one with `stepmill run FILE`.\n"
    assert cli("list", "--json").ok().json == []
    assert "No model has been registered yet" in cli("models", "list").ok().out
    assert cli("resume").ok().err == "No execution waits to be resumed.\n"
    for command in ("show", "retry"):
        refused = cli(command)
        assert refused.code == ExitCode.NOT_FOUND, command
        assert "error: Nothing has been run here yet." in refused.err
        assert "mend: Start with `stepmill run FILE`." in refused.err


def test_an_execution_that_is_not_there(cli: Cli) -> None:
    refused = cli("show", "nosuch")
    assert refused.code == ExitCode.NOT_FOUND
    assert "nosuch" in refused.err
    as_json = cli("show", "nosuch", "--json")
    assert as_json.code == ExitCode.NOT_FOUND
    assert as_json.json["error"]["type"] == "NotFoundError"


@pytest.mark.parametrize(
    ("name", "text", "code", "said"),
    [
        ("missing.py", None, ExitCode.NOT_FOUND, "There is no file 'missing.py'."),
        ("notes.txt", "hello", ExitCode.REFUSED, "notes.txt is neither Python nor JSON."),
        ("none.py", "x = 1", ExitCode.NOT_FOUND, "The file makes no pipeline."),
        ("broken.py", "x = 1\ndef (", ExitCode.REFUSED, "broken.py:2"),
        ("raises.py", "import json\njson.loads('{')", ExitCode.REFUSED, "raises.py:2"),
        ("list.json", "[1, 2]", ExitCode.REFUSED, "error"),
        ("half.json", '{"Version": ', ExitCode.REFUSED, "error"),
        ("binary.json", "\0\x01\x02", ExitCode.REFUSED, "error"),
    ],
)
def test_a_file_that_is_no_pipeline(cli: Cli, name: str, text: str | None, code: ExitCode, said: str) -> None:
    if text is not None:
        cli.write(name, text)
    refused = cli("run", name)
    assert refused.code == code, refused.err
    assert said in refused.err
    assert "Traceback" not in refused.err
    assert "mend:" in refused.err
    assert cli.executions() == []


def test_settings_with_mistakes(cli: Cli) -> None:
    cli.write("stepmill.toml", 'isolaton = "none"\nwarm = "yes"\n')
    refused = cli("list")
    assert refused.code == ExitCode.REFUSED
    assert "at: stepmill.toml: isolaton" in refused.err
    assert "mend: Did you mean 'isolation'?" in refused.err
    assert "at: stepmill.toml: warm" in refused.err


def test_a_home_that_cannot_be_made(cli: Cli) -> None:
    cli.home.write_text("a file")
    refused = cli("list")
    assert refused.code == ExitCode.SYSTEM
    assert str(cli.home) in refused.err
    assert "Traceback" not in refused.err


def test_a_wrong_definition_makes_no_version(cli: Cli) -> None:
    cli.write("words.json", {"Version": "2020-12-01", "Steps": [{"Name": "A", "Type": "Fail"}]})
    assert cli("run", "words.json").code == ExitCode.REFUSED
    fails = {"Name": "A", "Type": "Fail", "Arguments": {"ErrorMessage": "as planned"}}
    cli.write("words.json", {"Version": "2020-12-01", "Steps": [fails]})
    cli("run", "words.json")
    assert cli("list", "words", "--json").ok().json[0]["version"] == 1


def test_the_executions_of_no_pipeline_cannot_be_listed(cli: Cli) -> None:
    refused = cli("list", "words")
    assert refused.code == ExitCode.NOT_FOUND
    assert "There is no pipeline 'words'." in refused.err


def test_an_object_is_printed(cli: Cli) -> None:
    cli.write("a.txt", "one\ntwo\n")
    cli("objects", "put", "a.txt", "s3://data/a.txt").ok()
    assert cli("objects", "get", "s3://data/a.txt", "-").ok().out == "one\ntwo\n"


def test_show_has_all_values_of_a_metric_also_of_a_cached_step(cli: Cli) -> None:
    cli.write("train.py", "for loss in (3, 2, 1):\n    print(f'loss={loss}')")
    cli.write(
        "pipeline.py",
        """
from stepmill import Pipeline, TrainingStep

train = TrainingStep("Train", entry_point="train.py", metrics={"loss": "loss=([0-9]+)"})
pipeline = Pipeline("Curve", [train], cache=True)
""",
    )
    for _ in range(2):
        cli("run", "pipeline.py").ok()
        shown = cli("show", "--json").ok().json
        assert shown["metrics"] == {"Train": {"loss": 1}}
        assert [point["value"] for point in shown["series"]["Train"]["loss"]] == [3, 2, 1]
    assert "CacheHitResult" in shown["steps"][0]
