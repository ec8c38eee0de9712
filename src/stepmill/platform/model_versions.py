"""Versions of models with all that is known of them, put together from registry, store and jobs."""

from __future__ import annotations

from pathlib import Path

from stepmill.catalog.model_reports.comparison import Version
from stepmill.catalog.model_reports.parts import Table
from stepmill.catalog.model_reports.sources import read_reports
from stepmill.core.json import JsonObject
from stepmill.jobs.model_downloads import Download, download
from stepmill.jobs.model_origins import origin_of
from stepmill.platform.platform import Platform


def version_name(described: JsonObject) -> str:
    """Return what people call a package: ``churn/3``, or its own name."""
    if "ModelPackageVersion" in described:
        return f"{described['ModelPackageGroupName']}/{described['ModelPackageVersion']}"
    return str(described["ModelPackageName"])


def read_version(platform: Platform, name_or_arn: str) -> Version:
    """Return a version with its reports and what made it.

    Raises:
        NotFoundError: If there is none.
        InvalidInputError: If that names none.
    """
    registry = platform.models
    described = registry.describe(name_or_arn)
    return Version(
        version_name(described),
        described,
        read_reports(described, platform.objects),
        registry.model_data_digests(name_or_arn),
        origin_of(described, registry.source(name_or_arn), platform.records),
    )


def history_of(platform: Platform, name_or_arn: str) -> list[Table]:
    """Return tables of the decisions about a version, and of the stages of its life.

    Raises:
        NotFoundError: If there is none.
    """
    registry = platform.models
    decisions = tuple(
        (one.at, str(one.status), one.description, one.by) for one in registry.approvals(name_or_arn)
    )
    stages = tuple(
        (one.at, one.stage, one.status, one.description, one.by) for one in registry.stages(name_or_arn)
    )
    tables = [
        Table("Decisions", ("DECIDED", "STATUS", "WHY", "BY"), decisions),
        Table("Stages", ("ENTERED", "STAGE", "STATUS", "WHY", "BY"), stages),
    ]
    return [table for table in tables if table.rows]


def download_version(platform: Platform, name_or_arn: str, folder: Path) -> Download:
    """Copy a version to a folder. See ``stepmill.jobs.model_downloads.download``."""
    described = platform.models.describe(name_or_arn)
    return download(described, folder, platform.objects, platform.settings.project)
