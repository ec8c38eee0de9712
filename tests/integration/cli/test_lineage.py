"""``stepmill lineage``: which data and code made a model, what came of data, what changed between two."""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from stepmill.catalog.package_reviews import ModelApprovalStatus
from stepmill.cli.app import command_line
from stepmill.cli.exit_codes import ExitCode
from stepmill.storage.lineage import Edge, EntitySelection, LineageKind
from stepmill.storage.objects.uri import S3Uri
from support.keeping import EXECUTION
from support.lineage import SECOND, Recording, recording

RAW, PREPARED = "s3://bucket/raw", "s3://bucket/prepared"


def packed(**files: str) -> bytes:
    """Return an archive of files; double underscores stand for slashes, one for a dot."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name.replace("__", "/").replace("_", "."))
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return data.getvalue()


class Home:
    """The commands, in this process, over a home in which two versions of a model were trained."""

    def __init__(self, home: Recording) -> None:
        self.home = home
        for number, rate in enumerate(("0.1", "0.2"), start=1):
            home.kept.clock.advance(SECOND)
            home.kept.put(f"{RAW}/a.csv", f"data {number}")
            code = f"s3://bucket/code-{number}.tar.gz"
            home.kept.put(code, packed(train_py=f"rate = {rate}\nprint(rate)\n").decode("latin-1"))
            home.kept.objects.put_bytes(S3Uri.parse(code), packed(train_py=f"rate = {rate}\nprint(rate)\n"))
            prepared = f"{PREPARED}-{number}"
            home.process(f"prepare-{number}", {"raw": RAW}, {"train": prepared}, f"data {number}",
                         ["--rows", str(number), "--fast"])  # fmt: skip
            model = home.train(f"fit-{number}", {"train": prepared}, code, rate=rate)
            package = home.register("churn", model, step="register")
            home.recorder.catch_up()
            version = home.artifact(package)
            run = replace(
                version, arn=f"arn:run-{number}", id=0, kind=LineageKind.CONTEXT, type="PipelineExecution",
                name=f"run-{number}", source_uri=f"arn:x/execution/run-{number}", place="",
                body={"Properties": {"Status": "Succeeded", "Parameter.rate": rate}},
            )  # fmt: skip
            home.store.record([run], [Edge(run.arn, version.arn, "AssociatedWith", run.created_at)])

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(command_line(), ["lineage", *arguments])

    def ok(self, *arguments: str) -> str:
        result = self(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))

    def refused(self, *arguments: str) -> str:
        result = self(*arguments)
        assert result.exit_code in (ExitCode.REFUSED, ExitCode.NOT_FOUND, ExitCode.WRONG_STATE), result.output
        return result.output


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with recording(tmp_path_factory.mktemp("home")) as kept:
        yield Home(kept)


@pytest.fixture
def home(shared: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPMILL_HOME", str(shared.home.kept.folder))
    return shared


def named(document: Any) -> list[str]:
    return [entity["name"] for entity in document["entities"]]


class TestQuestions:
    def test_which_data_and_code_made_this_model(self, home: Home) -> None:
        said = home.ok("of", "churn/1")
        assert said.startswith("model version churn/1")
        for told in (
            "made by training job fit", "from code s3://bucket/code-1.tar.gz", f"from data {RAW}",
            "image image:1", "in execution p abcdefghijkl", "approval",
        ):  # fmt: skip
            assert told in said
        assert "code-2" not in said

    def test_what_came_of_this_data(self, home: Home) -> None:
        said = home.ok("from", RAW)
        assert f"data {RAW}" in said.splitlines()[0]
        for told in ("used by processing job prepare", "made model", "used by model version churn/2"):
            assert told in said
        assert "churn/1" not in said, "that was other data at the same address"

    def test_as_a_document(self, home: Home) -> None:
        found = home.json("of", "churn/2")
        assert (found["direction"], found["more"]) == ("upstream", {})
        assert {"churn/2", "fit", "prepare", RAW} <= set(named(found))
        assert all(edge["source"] != edge["destination"] for edge in found["edges"])
        digests = [one["digest"] for one in found["entities"] if one["type"] == "DataSet"]
        assert all(digest.startswith("sha256:") for digest in digests)
        assert named(home.json("of", "churn/2", "--depth", "1"))[0] == "churn/2"
        assert "prepare" not in named(home.json("of", "churn/2", "--depth", "1"))

    @pytest.mark.parametrize(
        ("what", "first"),
        [
            ("churn", "churn/2"),
            ("fit-1", "fit"),
            ("fit", "fit"),
            ("arn:aws:sagemaker:us-west-2:123456789012:training-job/fit-1", "fit"),
            ("arn:aws:sagemaker:us-west-2:123456789012:model-package/churn/1", "churn/1"),
            ("s3://bucket/prepared-1/", f"{PREPARED}-1"),
            ("s3://bucket/prepared-1/part.csv", f"{PREPARED}-1"),
            ("abcdefghijkl", "p abcdefghijkl"),
            (EXECUTION, "p abcdefghijkl"),
            ("image:1", "image:1"),
            ("register", "churn/2"),
        ],
    )
    def test_things_are_found_by_what_people_call_them(self, home: Home, what: str, first: str) -> None:
        assert named(home.json("from", what))[0] == first

    def test_reviews_of_a_version_are_shown(self, home: Home) -> None:
        kept = home.home.kept
        kept.clock.advance(SECOND)
        model = home.home.train("reviewed", {})
        stage = {"Stage": "Staging", "StageStatus": "Tested"}
        package = home.home.register("reviewed", model, ModelLifeCycle=stage)
        kept.registry.set_approval(package, ModelApprovalStatus.APPROVED, description="good enough")
        home.home.recorder.catch_up()
        said = home.ok("of", "reviewed/1")
        assert "approval PendingManualApproval" in said
        assert re.search(r"approval Approved  \d{4}-\d\d-\d\d \d\d:\d\d  good enough", said)
        assert "stage Staging Tested" in said
        actions = {
            one["type"] for one in home.json("of", "reviewed/1")["entities"] if one["kind"] == "Action"
        }
        assert actions == {"Approval", "ModelLifeCycle"}

    def test_a_slip_of_the_fingers_is_found(self, home: Home) -> None:
        assert "Did you mean churn/2" in home.refused("of", "churm/2")
        assert "churn/1" in home.refused("from", "churn/7")
        assert "Did you mean prepare, " in home.refused("of", "prepaer")
        assert "Name an ARN" in home.refused("of", "nothing of the kind")

    def test_things_are_found_by_the_content_of_a_file_here(self, home: Home, tmp_path: Path) -> None:
        home.ok("from", RAW)
        (tmp_path / "mine.csv").write_text(f"data 2 {PREPARED}-2")
        home.home.kept.clock.advance(SECOND)
        home.home.train("by-file", {"one": f"{PREPARED}-2/part.csv"})
        home.home.recorder.catch_up()
        assert named(home.json("from", str(tmp_path / "mine.csv")))[0] == f"{PREPARED}-2/part.csv"
        (tmp_path / "other.csv").write_text("nobody has seen this")
        assert "knows nothing" in home.refused("from", str(tmp_path / "other.csv"))

    def test_a_feature_group_is_on_the_way(self, home: Home) -> None:
        store, job = home.home.store, home.home.all(LineageKind.COMPONENT)[0]
        group = replace(
            job,
            id=0,
            arn="arn:group",
            kind=LineageKind.CONTEXT,
            type="Vault",
            name="vault",
            source_uri="arn:v",
        )
        store.record([group], [Edge("arn:group", job.arn, "ContributedTo", job.created_at)])
        assert "from Vault vault" in home.ok("of", job.arn)
        assert "in execution p abcdefghijkl" in home.ok("of", job.arn)

    def test_what_reused_a_result_did_not_lead_to_it(self, home: Home) -> None:
        store = home.home.store
        later = replace(
            home.home.artifact("image:1"), id=0, arn="arn:later", kind=LineageKind.CONTEXT, name="later",
            type="PipelineExecution", created_at=home.home.kept.clock.now() + SECOND,
        )  # fmt: skip
        job = store.page(EntitySelection(LineageKind.COMPONENT, limit=1))[0][0]
        assert "arn:later" not in [one["arn"] for one in home.json("of", job.arn)["entities"]]
        store.record([later], [Edge("arn:later", job.arn, "AssociatedWith", later.created_at)])
        assert "arn:later" not in [one["arn"] for one in home.json("of", job.arn)["entities"]]
        assert job.arn in [one["arn"] for one in home.json("from", "arn:later")["entities"]]

    def test_what_is_unknown_is_refused_with_what_it_may_have_meant(self, home: Home) -> None:
        said = home.refused("of", "prepare-")
        assert "Did you mean" in said
        assert "prepare-2" in said
        assert "knows nothing" in home.refused("from", "churn/99")
        assert "knows nothing" in home.refused("of", "")
        assert "exclude one another" in home.refused("of", "churn/1", "--dot", "--graph")

    def test_nothing_led_to_the_first_data(self, home: Home) -> None:
        assert "Nothing is known that led to it." in home("of", RAW).output


class TestGraphs:
    def test_rows_are_in_the_order_in_which_things_came_about(self, home: Home) -> None:
        said = home.ok("of", "churn/2", "--graph")
        names = ("prepare ", f"{PREPARED}-2", "fit ", "churn/2")
        places = [said.index(name) for name in names]
        assert places == sorted(places)

    def test_dot_and_mermaid(self, home: Home) -> None:
        dot = home.ok("of", "churn/1", "--dot")
        assert dot.startswith("digraph lineage {")
        assert 'label="training job\\nfit"' in dot
        mermaid = home.ok("of", "churn/1", "--mermaid")
        assert mermaid.startswith("flowchart LR")
        assert '"training job<br/>fit"' in mermaid

    def test_a_page_of_its_own(self, home: Home, tmp_path: Path) -> None:
        assert home.ok("of", "churn/1", "--html", "page.html") == "Wrote page.html.\n"
        page = (tmp_path / "page.html").read_text()
        assert "<script" not in page
        svg = ET.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
        texts = [one.text for one in svg.iter("{http://www.w3.org/2000/svg}text")]
        assert {"fit", "churn/1"} <= set(texts)
        assert "cannot be written" in home.refused("of", "churn/1", "--html", "missing/page.html")


class TestChanges:
    def test_between_two_versions(self, home: Home) -> None:
        said = home.ok("diff", "churn/1", "churn/2")
        for told in ("-rate = 0.1", "+rate = 0.2", "parameter rate  0.1 -> 0.2", "step fit"):
            assert told in said
        assert "image" not in said
        assert said.splitlines()[:2] == ["churn/1 -> churn/2", "  pipeline parameter rate  0.1 -> 0.2"]
        assert "argument --rows  1 -> 2" in said
        assert "argument --fast" not in said

    def test_long_values_stand_below_each_other(self, home: Home) -> None:
        lines = home.ok("diff", "churn/1", "churn/2").splitlines()
        data = lines[lines.index("  data train") + 1 :][:2]
        assert [line[:6] for line in data] == ["    - ", "    + "]
        assert f"bytes  {PREPARED}-1" in data[0]

    def test_a_step_that_only_one_has(self, home: Home) -> None:
        assert "only in the first: fit-1" in home.ok("diff", "fit-1", "prepare-2")

    def test_as_a_document(self, home: Home) -> None:
        found = home.json("diff", "fit-1", "fit-2")
        whats = {(one["step"], one["what"], one["name"]) for one in found}
        assert {
            ("fit", "data", "train"),
            ("fit", "code", "sourcedir"),
            ("fit", "parameter", "rate"),
            ("prepare", "data", "raw"),
        } <= whats
        assert home.json("diff", "churn/1", "churn/1") == []
        assert "Nothing" in home.ok("diff", "churn/1", "churn/1")


class TestDigests:
    def test_all_of_them_on_demand(self, home: Home) -> None:
        large = home.home.kept.folder / "large"
        large.write_text("x" * 1000)
        os.utime(large, (0, 0))
        home.home.train("digested", {"large": str(large)})
        home.home.recorder.catch_up()
        assert home.json("digest") == {"artifacts": 1, "bytes": 1000}
        assert home.ok("digest") == "Everything is digested.\n"
        assert "sha256:" in home.ok("from", str(large)).splitlines()[0]


class TestCode:
    def test_it_is_shown_and_written(self, home: Home, tmp_path: Path) -> None:
        assert home.ok("code", "fit-1") == "train.py\nrate = 0.1\nprint(rate)\n\n"
        assert home.json("code", "churn/2") == [{"name": "train.py", "text": "rate = 0.2\nprint(rate)\n"}]
        assert home.ok("code", "fit-2", "--to", "out") == "Wrote 1 file to out.\n"
        assert (tmp_path / "out" / "train.py").read_text() == "rate = 0.2\nprint(rate)\n"
        assert "something at this place" in home.refused("code", "fit-2", "--to", "out")
        assert "no code" in home.refused("code", "prepare-1")

    def test_links_are_not_followed_out_of_the_folder(self, home: Home, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "train.py").symlink_to(outside / "x.py")
        assert "something at this place" in home.refused("code", "fit-2", "--to", "out")
        assert list(outside.iterdir()) == []


class TestBounds:
    def test_huge_fan_outs_are_counted(self, home: Home) -> None:
        store, start = home.home.store, home.home.artifact("image:1")
        many = [home.home.lineage.create(
            {"Source": {"SourceUri": f"hub-{n}"}, "ArtifactType": "DataSet"}, _artifact()
        ) for n in range(60)]  # fmt: skip
        store.record([], [Edge(many[0], other, "", start.created_at) for other in many[1:]])
        said = home.ok("from", "hub-0")
        assert "... and 34 more" in said
        assert "34 more" in home.ok("from", "hub-0", "--graph")
        assert "34 more" in home.ok("from", "hub-0", "--dot")
        assert "34 more" in home.ok("from", "hub-0", "--mermaid")
        assert list(home.json("from", "hub-0")["more"].values()) == [34]

    def test_hostile_names_stay_names(self, home: Home, tmp_path: Path) -> None:
        name = '</title><script>alert(1)</script>"];\n x -> y [\\\x1b[2J'
        request = {"Source": {"SourceUri": name}, "ArtifactType": "DataSet"}
        arn = home.home.lineage.create(request, _artifact())
        dot = home.ok("of", arn, "--dot")
        assert dot.count("\n") == 5
        assert '\\"];' in dot
        mermaid = home.ok("of", arn, "--mermaid")
        assert "<script>" not in mermaid
        assert len(mermaid.splitlines()) == 3
        home.ok("of", arn, "--html", "page.html")
        page = (tmp_path / "page.html").read_text()
        assert "<script" not in page
        assert "\x1b" not in page
        assert "\x1b[2J" not in home.ok("of", arn)


def _artifact() -> Any:
    from stepmill.catalog.lineage.documents import ARTIFACT

    return ARTIFACT
