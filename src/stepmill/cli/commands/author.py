"""Commands for whoever writes a pipeline or a state machine: init, lint, compile."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from stepmill.cli.context import AsJson
from stepmill.cli.exit_codes import ExitCode
from stepmill.cli.machines.files import is_machine_file, read_machine_file
from stepmill.cli.output import Output, counted, finding_document, finding_text
from stepmill.cli.pipeline_file import read_pipeline_file
from stepmill.core.errors import ConflictError, InvalidInputError
from stepmill.core.findings import Finding, Severity

PipelineName = Annotated[
    str,
    typer.Option("--pipeline", "-p", help="Which pipeline, if the file makes several.", show_default=False),
]
FileArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="A pipeline.py, or a definition as .json or .yaml.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(init)
    app.command()(lint)
    app.command("compile")(compile_)


def init(
    folder: Annotated[Path, typer.Argument(help="Where to; made if it is not there.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Start a project with a small pipeline that runs."""
    output = Output(as_json=as_json)
    template = resources.files("stepmill.cli") / "template"
    files = [item for item in template.iterdir() if item.is_file()]
    taken = [item.name for item in files if (folder / item.name).exists()]
    if taken:
        raise ConflictError(
            f"{', '.join(sorted(taken))} already there; nothing was written.",
            where=str(folder),
            mend="Choose an empty folder.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for item in files:
        (folder / item.name).write_bytes(item.read_bytes())
    made = sorted(item.name for item in files)
    place = "" if folder == Path() else f"cd {shlex.quote(str(folder))} && "
    output.answer(
        {"folder": str(folder.resolve()), "files": made},
        Text(f"Made {', '.join(made)} in {folder.resolve()}."),
        Text(f"Run it:  {place}stepmill run pipeline.py"),
    )


def lint(file: FileArgument, pipeline: PipelineName = "", as_json: AsJson = False) -> None:
    """Check a pipeline or a state machine. What is wrong, where, how to mend it. Exit code 1 on errors."""
    output = Output(as_json=as_json)
    findings = _findings(file, pipeline)
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    summary = f"{file}: {counted(errors, 'error')}, {counted(len(findings) - errors, 'warning')}"
    output.answer(
        {
            "file": str(file),
            "errors": errors,
            "warnings": len(findings) - errors,
            "findings": [finding_document(finding) for finding in findings],
        },
        *map(finding_text, findings),
        Text(summary),
    )
    if errors:
        raise typer.Exit(ExitCode.FAILED)


def _findings(file: Path, pipeline: str) -> Sequence[Finding]:
    from stepmill.core.service_models import service_model

    if is_machine_file(file):
        from stepmill.language.states.linting.door import lint as lint_machine

        return lint_machine(read_machine_file(file, "machine").definition, service_model).findings
    from stepmill.language.pipelines.checking import check
    from stepmill.language.pipelines.supported import unsupported_findings

    checked = check(read_pipeline_file(file, pipeline).definition, service_model)
    unsupported = unsupported_findings(checked.definition) if checked.definition else ()
    return (*checked.findings, *unsupported)


def compile_(
    file: FileArgument,
    pipeline: PipelineName = "",
    code: Annotated[
        str, typer.Option(help="Where the code will lie: s3://BUCKET/PREFIX. [default: the local bucket]")
    ] = "",
    folder: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write definition.json and the code there instead.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the definition that AWS would take. With --output, write it and all the code that it names."""
    output = Output(as_json=as_json)
    source = read_pipeline_file(file, pipeline, code_prefix=code)
    if folder is None:
        output.line(source.definition)
        return
    if source.compiled is None:
        raise InvalidInputError(f"{file.name} is a definition already.", mend="Give the Python file.")
    definition = source.compiled.write(folder)
    assets = [asset.uri for asset in source.compiled.assets]
    uploads = [
        f"aws s3 sync {folder}/s3/{bucket} s3://{bucket}"
        for bucket in sorted({uri.split("/")[2] for uri in assets})
    ]
    if as_json:
        output.json_line({"definition": str(definition), "assets": assets, "uploads": uploads}, indent=2)
        return
    output.line(f"Wrote {definition} and {counted(len(assets), 'file')} of code.")
    for command in uploads:
        output.line(f"Upload:  {command}")
