"""``stepmill models``: what is registered is listed, shown, compared, copied, decided about and deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from stepmill.cli.app import command_line
from stepmill.cli.exit_codes import ExitCode
from stepmill.platform import Platform, load_settings
from stepmill.storage.objects.uri import S3Uri
from support.model_reports import ANALYSIS, REGRESSION, put_reports, tar_of

DATA = "s3://bucket/model.tar.gz"


@dataclass(frozen=True)
class Models:
    """The commands, in this process, over a home with two versions of one group."""

    platform: Platform
    folder: Path

    def put(self, uri: str, data: str) -> str:
        self.platform.objects.put_bytes(S3Uri.parse(uri), data.encode())
        return uri

    def register(self, mse: float, **more: Any) -> None:
        quality = {"regression_metrics": {**REGRESSION["regression_metrics"], "mse": {"value": mse}}}
        sources = put_reports(self, f"s3://bucket/{mse}", quality=quality, bias=ANALYSIS)
        metrics = {"ModelQuality": {"Statistics": sources["quality"]}, "Bias": {"Report": sources["bias"]}}
        container = {"Image": "x:1", "ModelDataUrl": DATA}
        self.platform.models.create(
            {
                "ModelPackageGroupName": "churn",
                "InferenceSpecification": {"Containers": [container]},
                "ModelMetrics": metrics,
                **more,
            }
        )

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(command_line(), ["models", *arguments])

    def ok(self, *arguments: str) -> str:
        result = self(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Models]:
    home, folder = tmp_path / "home", tmp_path / "project"
    folder.mkdir()
    monkeypatch.setenv("STEPMILL_HOME", str(home))
    monkeypatch.chdir(folder)
    with Platform(load_settings(folder, {"STEPMILL_HOME": str(home)})) as platform:
        platform.objects.create_bucket("bucket")
        platform.objects.put_bytes(S3Uri.parse(DATA), tar_of(("model.json", b"{}")))
        made = Models(platform, folder)
        made.register(2.0)
        made.register(1.0, CustomerMetadataProperties={"owner": "Ada “the” <b>Lovelace</b>"})
        yield made


def test_show_has_the_reports(models: Models) -> None:
    text = models.ok("show", "churn/2")
    for words in ("churn/2", "Ada “the” <b>Lovelace</b>", "Model quality: statistics", "sex[0]", "SHAP"):
        assert words in text
    assert "Decisions" not in text
    document = json.loads(models.ok("show", "churn/2", "--json"))
    assert document == models.platform.models.describe("churn/2")


def test_a_page_is_written(models: Models) -> None:
    assert models.ok("show", "churn/2", "--html", "page.html") == "Wrote page.html.\n"
    page = (models.folder / "page.html").read_text(encoding="utf-8")
    assert "<b>Lovelace" not in page
    assert "&lt;b&gt;Lovelace" in page
    assert "<svg" in page
    assert models.ok("compare", "churn/1", "churn/2", "--html", "page.html") == "Wrote page.html.\n"
    assert "What differs" in (models.folder / "page.html").read_text(encoding="utf-8")
    refused = models("show", "churn/2", "--html", "no/such/folder/page.html")
    assert refused.exit_code == ExitCode.REFUSED
    assert "no/such/folder/page.html cannot be written" in refused.stderr


def test_decisions_and_stages_are_kept_and_shown(models: Models) -> None:
    assert models.ok("reject", "churn/1", "--reason", "too “slow”") == "churn/1 is Rejected.\n"
    assert models.ok("approve", "churn/1") == "churn/1 is Approved.\n"
    assert models.ok("stage", "churn/1", "Production", "Live", "--reason", "go") == (
        "churn/1 is in Production: Live.\n"
    )
    text = models.ok("show", "churn/1")
    for words in ("Decisions", "too “slow”", "Rejected", "Stages", "Production", "Live", "go"):
        assert words in text
    listed = models.ok("list")
    assert "Production: Live" in listed
    assert [version["ModelPackageVersion"] for version in json.loads(models.ok("list", "--json"))] == [2, 1]
    for options in (["--status", "Approved"], ["--stage", "Production"]):
        found = json.loads(models.ok("list", "churn", *options, "--json"))
        assert [version["ModelPackageVersion"] for version in found] == [1]
    assert models.ok("list", "--stage", "QA") == "No version is so.\n"
    wrong = models("list", "--status", "approved")
    assert wrong.exit_code == ExitCode.REFUSED
    refused = models("stage", "churn/1", "Not a stage", "Live")
    assert refused.exit_code == ExitCode.REFUSED
    assert "cannot be the name of a stage" in refused.stderr
    assert len(models.platform.models.stages("churn/1")) == 1


def test_compare_tells_what_differs(models: Models) -> None:
    text = models.ok("compare", "churn/1", "churn/2")
    assert "1 ▲" in text
    assert "Lovelace" in text
    assert "--all shows them" in text
    assert "x:1" not in text
    assert "x:1" in models.ok("compare", "churn/1", "churn/2", "--all")
    document = json.loads(models.ok("compare", "churn/2", "churn/1", "--json"))
    assert document["versions"] == ["churn/2", "churn/1"]
    assert document["differences"][0] == {
        "section": "Metrics", "name": "mse", "values": [1.0, 2.0], "changes": [None, "worse"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (["churn/1"], ExitCode.REFUSED, "2 to 20 versions can be compared, not 1."),
        (["churn/1", "churn/9"], ExitCode.NOT_FOUND, "no model package 'churn/9'"),
        (["churn/1", "churn/x"], ExitCode.REFUSED, "does not name a model package"),
    ],
)
def test_what_cannot_be_compared(models: Models, arguments: list[str], code: ExitCode, what: str) -> None:
    result = models("compare", *arguments)
    assert (result.exit_code, what in result.stderr) == (code, True)


def test_download(models: Models) -> None:
    assert "Copied churn/1 to churn-1: 5 files." in models.ok("download", "churn/1")
    assert (models.folder / "churn-1" / "model" / "model" / "model.json").read_text() == "{}"
    again = models("download", "churn/1")
    assert again.exit_code == ExitCode.WRONG_STATE
    assert "--to" in again.stderr
    document = json.loads(models.ok("download", "churn/1", "--to", "else/where", "--json"))
    assert document["folder"] == "else/where"
    assert len(document["files"]) == 5
    assert document["problems"] == []


def test_delete(models: Models) -> None:
    held = models("delete", "churn")
    assert held.exit_code == ExitCode.WRONG_STATE
    assert "still holds versions" in held.stderr
    assert models.ok("delete", "churn/2") == "Deleted churn/2.\n"
    assert models("delete", "churn/2").exit_code == ExitCode.NOT_FOUND
    models.register(3.0)
    found = json.loads(models.ok("list", "--json"))
    assert [version["ModelPackageVersion"] for version in found] == [3, 1], "no number is given twice"
    arn = models.platform.models.describe("churn/3")["ModelPackageArn"]
    assert json.loads(models.ok("delete", str(arn), "--json")) == {"deleted": arn}
    models.ok("delete", "churn/1")
    group = str(models.platform.models.groups.describe("churn")["ModelPackageGroupArn"])
    assert models.ok("delete", group) == f"Deleted {group}.\n"
    assert models("delete", "churn").exit_code == ExitCode.NOT_FOUND
