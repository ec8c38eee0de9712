"""lint and compile."""

from __future__ import annotations

import json
from pathlib import Path

from stepmill.cli.exit_codes import ExitCode
from support.cli import Cli, definition, processing

DIABETES = Path(__file__).parents[3] / "examples" / "diabetes"


def test_lint_finds_nothing(cli: Cli) -> None:
    said = cli("lint", DIABETES / "pipeline.py").ok()
    assert said.out == f"{DIABETES / 'pipeline.py'}: 0 errors, 0 warnings\n"
    assert said.err == ""


def bad_definition() -> dict[str, object]:
    first = processing("Prepare", "s3://code/a.py", CashConfig={})
    second = processing("Train", "s3://code/b.py", DependsOn=["Prepar"])
    third = processing("Train", "s3://code/b.py", arguments=[{"Get": "Steps.Nowhere.ProcessingJobName"}])
    return definition(first, second, third)


def test_lint_tells_everything_at_once(cli: Cli) -> None:
    cli.write("bad.json", bad_definition())
    said = cli("lint", "bad.json")
    assert said.code == ExitCode.FAILED
    assert "'CashConfig'" in said.out
    assert "mend: Did you mean 'CacheConfig'?" in said.out
    assert "at: Steps[1].DependsOn[0]" in said.out
    assert "mend: Did you mean 'Prepare'?" in said.out
    assert "'Nowhere'" in said.out
    assert "bad.json: 4 errors, 0 warnings" in said.out


def test_lint_for_programs(cli: Cli) -> None:
    cli.write("bad.json", bad_definition())
    said = cli("lint", "bad.json", "--json")
    assert said.code == ExitCode.FAILED
    report = said.json
    assert (report["file"], report["errors"], report["warnings"]) == ("bad.json", 4, 0)
    assert len(report["findings"]) == 4
    for finding in report["findings"]:
        assert set(finding) == {"code", "severity", "path", "message", "mend"}
        assert finding["severity"] == "error"


def test_run_refuses_what_lint_refuses(cli: Cli) -> None:
    cli.write("bad.json", bad_definition())
    refused = cli("run", "bad.json", "--json")
    assert refused.code == ExitCode.REFUSED
    assert {f["code"] for f in refused.json["error"]["findings"]} == {
        f["code"] for f in cli("lint", "bad.json", "--json").json["findings"]
    }
    assert cli.executions() == []


def test_warnings_keep_nobody_from_running(cli: Cli) -> None:
    cli.write("hello.py", "print('hello')")
    cli.write("local.json", definition(processing("Hello", "hello.py")))
    said = cli("lint", "local.json").ok()
    assert "warning LOCAL_PATH" in said.out
    assert "local.json: 0 errors, 1 warning" in said.out


def test_lint_tells_what_does_not_run_here_before_a_start_is_refused(cli: Cli) -> None:
    imported = {"Name": "Import", "Type": "BedrockModelImport", "Arguments": {}}
    cli.write("import.json", definition(imported))
    found = cli("lint", "import.json", "--json").ok().json["findings"]
    assert {f["code"] for f in found} == {"UNCHECKED_STEP_TYPE", "NOT_RUN_HERE"}
    refused = cli("run", "import.json")
    assert refused.code == ExitCode.UNSUPPORTED
    assert "Import (BedrockModelImport)" in refused.err


def test_compile_prints_a_definition(cli: Cli) -> None:
    document = cli("compile", DIABETES / "pipeline.py").ok().json
    assert document["Version"] == "2020-12-01"
    assert [step["Name"] for step in document["Steps"]] == ["Prepare", "Train", "Evaluate", "GoodEnough"]
    assert not cli.home.exists(), "who only compiles needs no home"


def test_compile_gives_the_same_text_each_time(cli: Cli) -> None:
    assert cli("compile", DIABETES / "pipeline.py").ok().out == cli("compile", DIABETES / "pipeline.py").out


def test_what_was_compiled_runs(cli: Cli) -> None:
    """The definition with its code, moved to another machine's folder by hand."""
    said = cli("compile", DIABETES / "pipeline.py", "--output", "build", "--code", "s3://my-bucket/p").ok()
    assert "Upload:  aws s3 sync build/s3/my-bucket s3://my-bucket" in said.out
    text = (cli.folder / "build" / "definition.json").read_text()
    named = [word for word in text.replace("\\", "").split('"') if word.startswith("s3://my-bucket/p/")]
    assert named
    for uri in named:
        assert (cli.folder / "build" / "s3" / uri.removeprefix("s3://")).exists(), uri
    json.loads(text)
    assert cli("lint", "build/definition.json").ok().out.endswith(": 0 errors, 0 warnings\n")


def test_compile_writes_no_definition_of_a_definition(cli: Cli) -> None:
    cli.write("plain.json", definition())
    refused = cli("compile", "plain.json", "-o", "build")
    assert refused.code == ExitCode.REFUSED
    assert "plain.json is a definition already." in refused.err


def test_several_pipelines_in_one_file(cli: Cli) -> None:
    cli.write("a.py", "print('a')")
    cli.write(
        "two.py",
        "from stepmill import Pipeline, ProcessingStep\n"
        "one = Pipeline('One', [ProcessingStep('A', image='python', code='a.py')])\n"
        "two = Pipeline('Two', [ProcessingStep('A', image='python', code='a.py')])\n",
    )
    refused = cli("lint", "two.py")
    assert refused.code == ExitCode.REFUSED
    assert "The file makes 2 pipelines: One, Two." in refused.err
    assert "--pipeline" in refused.err
    cli("lint", "two.py", "--pipeline", "Two").ok()
    missed = cli("lint", "two.py", "-p", "Tow")
    assert missed.code == ExitCode.NOT_FOUND
    assert "'Two'" in missed.err


def test_what_compile_wrote_is_told_to_programs(cli: Cli) -> None:
    cli("init").ok()
    said = cli("compile", "pipeline.py", "--output", "build", "--json").ok().json
    assert said["definition"] == "build/definition.json"
    assert len(said["assets"]) == 3
    assert all((cli.folder / "build" / uri.replace("s3://", "s3/")).is_file() for uri in said["assets"])
    assert [upload.split()[:3] for upload in said["uploads"]] == [["aws", "s3", "sync"]]


def test_a_log_that_gc_removed(cli: Cli) -> None:
    cli.write("hello.py", "print('hello')")
    cli.write(
        "pipeline.py",
        "from stepmill import Pipeline, ProcessingStep\n"
        "pipeline = Pipeline('Hi', [ProcessingStep('Hello', code='hello.py')])",
    )
    cli("run", "pipeline.py").ok()
    assert cli("logs", "Hello").ok().out == "hello\n"
    cli("gc", "--days", "0").ok()
    refused = cli("logs", "Hello")
    assert refused.code == 4
    assert "The log of step 'Hello' is not kept any more." in refused.err
