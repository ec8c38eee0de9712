"""``stepmill models``: what pipelines have registered."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from stepmill.cli.context import AsJson, open_platform
from stepmill.cli.output import Output, moment, table
from stepmill.core.json import JsonObject, write_json

if TYPE_CHECKING:
    from stepmill.catalog.registry import ModelRegistry

Version = Annotated[
    str, typer.Argument(metavar="GROUP/VERSION", help="Such as diabetes/3, or the ARN.", show_default=False)
]
Reason = Annotated[str, typer.Option(help="Why; kept with the decision.")]

models_app = typer.Typer(no_args_is_help=True, help="Model package groups and their versions.")


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.add_typer(models_app, name="models")


@models_app.command("list")
def list_(
    group: Annotated[str, typer.Argument(help="Only the versions of this group.", show_default=False)] = "",
    as_json: AsJson = False,
) -> None:
    """List the registered versions, group by group, newest first."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        versions = _versions(platform.models, group)
    rows = [
        [
            f"{version['ModelPackageGroupName']}/{version['ModelPackageVersion']}",
            _text(version, "ModelApprovalStatus"),
            moment(datetime.fromisoformat(_text(version, "CreationTime"))),
            _model_data(version),
        ]
        for version in versions
    ]
    output.answer(
        versions,
        table(["VERSION", "APPROVAL", "CREATED", "MODEL DATA"], rows)
        if rows
        else "No model has been registered yet. A RegisterModel step does it.",
    )


@models_app.command()
def show(version: Version, as_json: AsJson = False) -> None:
    """Show a version: its model data, metrics, and approvals."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        found = platform.models.describe(version)
        approvals = platform.models.approvals(version)
    shown: list[list[str | Text]] = [[name, Text(_shown(value))] for name, value in found.items()]
    decisions = [[moment(datetime.fromisoformat(a.at)), str(a.status), a.description] for a in approvals]
    output.answer(
        found,
        table(["", ""], shown),
        *([table(["DECIDED", "STATUS", "WHY"], decisions)] if decisions else []),
    )


@models_app.command()
def approve(version: Version, reason: Reason = "", as_json: AsJson = False) -> None:
    """Approve a version."""
    _decide(version, "Approved", reason, as_json=as_json)


@models_app.command()
def reject(version: Version, reason: Reason = "", as_json: AsJson = False) -> None:
    """Reject a version."""
    _decide(version, "Rejected", reason, as_json=as_json)


def _decide(version: str, status: str, reason: str, *, as_json: bool) -> None:
    from stepmill.catalog.package_reviews import ModelApprovalStatus

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        found = platform.models.set_approval(version, ModelApprovalStatus(status), description=reason)
    output.answer(found, f"{found['ModelPackageGroupName']}/{found['ModelPackageVersion']} is {status}.")


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


def _text(document: JsonObject, key: str) -> str:
    return str(document.get(key, ""))


def _shown(value: object) -> str:
    return value if isinstance(value, str) else write_json(value)
