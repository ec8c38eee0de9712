"""``stepmill models``: what pipelines have registered, and what reviewers say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from stepmill.cli.context import AsJson, open_platform
from stepmill.cli.output import Output, moment, table
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import JsonObject, write_json

if TYPE_CHECKING:
    from stepmill.catalog.model_reports.comparison import Version as ReadVersion
    from stepmill.catalog.registry import ModelRegistry

Version = Annotated[
    str, typer.Argument(metavar="GROUP/VERSION", help="Such as diabetes/3, or the ARN.", show_default=False)
]
Reason = Annotated[str, typer.Option(help="Why; kept with the decision.")]
HtmlFile = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write one page, with pictures.", show_default=False),
]

models_app = typer.Typer(no_args_is_help=True, help="Model package groups and their versions.")

# Members that have a place of their own, or are for programs.
_NOT_LISTED = frozenset(
    (
        "ModelMetrics",
        "DriftCheckBaselines",
        "ModelPackageStatusDetails",
        "CertifyForMarketplace",
        "CreatedBy",
        "LastModifiedBy",
    )
)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.add_typer(models_app, name="models")


@models_app.command("list")
def list_(
    group: Annotated[str, typer.Argument(help="Only the versions of this group.", show_default=False)] = "",
    status: Annotated[
        str, typer.Option(help="Only those that are Approved, Rejected or PendingManualApproval.")
    ] = "",
    stage: Annotated[str, typer.Option(help="Only those in this stage of their lives.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the registered versions, group by group, newest first."""
    from stepmill.catalog.package_reviews import ModelApprovalStatus

    output = Output(as_json=as_json)
    wanted = ModelApprovalStatus.read(status) if status else None
    with open_platform(output) as platform:
        versions = _versions(platform.models, group)
    versions = [
        version
        for version in versions
        if (wanted is None or version.get("ModelApprovalStatus") == wanted)
        and (not stage or _stage(version).partition(":")[0] == stage)
    ]
    rows = [
        [
            f"{version['ModelPackageGroupName']}/{version['ModelPackageVersion']}",
            _text(version, "ModelApprovalStatus"),
            _stage(version),
            moment(datetime.fromisoformat(_text(version, "CreationTime"))),
            _model_data(version),
        ]
        for version in versions
    ]
    nothing = (
        "No version is so."
        if status or stage
        else "No model has been registered yet. A RegisterModel step does it."
    )
    output.answer(
        versions, table(["VERSION", "APPROVAL", "STAGE", "CREATED", "MODEL DATA"], rows) if rows else nothing
    )


@models_app.command()
def show(version: Version, html: HtmlFile = None, as_json: AsJson = False) -> None:
    """Show a version: its model data, metrics and other reports, what made it, decisions and stages."""
    from stepmill.catalog.model_reports.page import version_page
    from stepmill.cli.plots import part_lines, report_lines
    from stepmill.platform.model_versions import history_of, read_version

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        found = read_version(platform, version)
        history = history_of(platform, version)
    if html is not None:
        _write_page(html, version_page(found, history))
    if html is not None and not as_json:
        output.answer(None, f"Wrote {html}.")
        return
    lines: list[RenderableType] = [table(["", ""], _about(found))]
    lines += [line for one in history for line in part_lines(one)]
    lines += [line for report in found.reports for line in report_lines(report)]
    output.answer(found.described, *lines)


@models_app.command()
def compare(
    versions: Annotated[
        list[str], typer.Argument(metavar="GROUP/VERSION...", help="Two or more.", show_default=False)
    ],
    everything: Annotated[bool, typer.Option("--all", help="Show what is the same, too.")] = False,
    html: HtmlFile = None,
    as_json: AsJson = False,
) -> None:
    """Compare versions: metrics, parameters, data, images, code, review. What differs comes first.

    Metrics are held against the first version: ▲ better, ▼ worse, ≠ other, where nobody knows which is good.
    """
    from stepmill.catalog.model_reports.comparison import compare as compared
    from stepmill.catalog.model_reports.page import comparison_page
    from stepmill.cli.plots import comparison_lines
    from stepmill.platform.model_versions import read_version

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        found = [read_version(platform, version) for version in versions]
    comparison = compared(found)
    if html is not None:
        _write_page(html, comparison_page(comparison, found))
    if html is not None and not as_json:
        output.answer(None, f"Wrote {html}.")
        return
    output.answer(comparison.document(), *comparison_lines(comparison, with_common=everything))


@models_app.command()
def download(
    version: Version,
    to: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="New or empty. [default: GROUP-VERSION]", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Copy a version to a folder: its description, its reports, and its model data, unpacked."""
    from stepmill.platform.model_versions import download_version, version_name

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        name = version_name(platform.models.describe(version))
        done = download_version(platform, version, to or Path(name.replace("/", "-")))
    for title, why in done.problems:
        output.remark(f"{title}: {why}", "yellow")
    document = {
        "folder": str(done.folder),
        "files": [str(path) for path in done.files],
        "problems": [{"report": title, "problem": why} for title, why in done.problems],
    }
    output.answer(document, f"Copied {name} to {done.folder}: {len(done.files)} files.")


@models_app.command()
def approve(version: Version, reason: Reason = "", as_json: AsJson = False) -> None:
    """Approve a version."""
    _decide(version, "Approved", reason, as_json=as_json)


@models_app.command()
def reject(version: Version, reason: Reason = "", as_json: AsJson = False) -> None:
    """Reject a version."""
    _decide(version, "Rejected", reason, as_json=as_json)


@models_app.command()
def stage(
    version: Version,
    stage: Annotated[str, typer.Argument(help="Such as Production.", show_default=False)],
    status: Annotated[str, typer.Argument(help="Such as Approved.", show_default=False)],
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Let a version enter a stage of its life. Stages and their statuses are names that you choose."""
    from stepmill.platform.model_versions import version_name

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        found = platform.models.set_stage(version, stage, status, description=reason)
    output.answer(found, f"{version_name(found)} is in {stage}: {status}.")


@models_app.command()
def delete(
    name: Annotated[
        str, typer.Argument(metavar="GROUP/VERSION|GROUP", help="A version, or a group without any.")
    ],
    as_json: AsJson = False,
) -> None:
    """Delete a version, or a group that has none. Its number is not given again; its data stays."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        if "/" not in name or ":model-package-group/" in name:
            platform.models.groups.delete(name)
        else:
            platform.models.delete(name)
    output.answer({"deleted": name}, f"Deleted {name}.")


def _decide(version: str, status: str, reason: str, *, as_json: bool) -> None:
    from stepmill.catalog.package_reviews import ModelApprovalStatus
    from stepmill.platform.model_versions import version_name

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        found = platform.models.set_approval(version, ModelApprovalStatus(status), description=reason)
    output.answer(found, f"{version_name(found)} is {status}.")


def _about(version: ReadVersion) -> list[list[str | Text]]:
    origin = version.origin
    made = {"pipeline": origin.pipeline, "execution": origin.execution, "training job": origin.job}
    parameters = ", ".join(f"{name}={value}" for name, value in origin.parameters.items())
    shown = {
        **{name: _shown(value) for name, value in version.described.items() if name not in _NOT_LISTED},
        **{name: value for name, value in made.items() if value},
        **({"parameters": parameters} if parameters else {}),
    }
    return [[name, Text(value)] for name, value in shown.items()]


def _write_page(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise InvalidInputError(
            f"{path} cannot be written: {error.strerror}.", where="--html", mend="Choose another file."
        ) from error


def _versions(registry: ModelRegistry, group: str) -> list[JsonObject]:
    if group:
        return _pages_of_versions(registry, group)
    from stepmill.catalog.groups import BY_NAME

    versions: list[JsonObject] = []
    token: str | None = None
    while True:
        groups, token = registry.groups.list(replace(BY_NAME, after=token))
        for found in groups:
            versions += _pages_of_versions(registry, str(found["ModelPackageGroupName"]))
        if token is None:
            return versions


def _pages_of_versions(registry: ModelRegistry, group: str) -> list[JsonObject]:
    versions, token = registry.versions(group)
    while token is not None:
        more, token = registry.versions(group, after=token)
        versions += more
    return versions


def _model_data(version: JsonObject) -> str:
    from stepmill.catalog.packages import containers, model_data_of

    return ", ".join(uri for container in containers(version) for _, uri, _ in model_data_of(container))


def _stage(version: JsonObject) -> str:
    cycle = version.get("ModelLifeCycle")
    return f"{cycle['Stage']}: {cycle['StageStatus']}" if isinstance(cycle, Mapping) else ""


def _text(document: JsonObject, key: str) -> str:
    return str(document.get(key, ""))


def _shown(value: object) -> str:
    return value if isinstance(value, str) else write_json(value)
