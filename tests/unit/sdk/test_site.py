from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.arns import Arns
from stepmill.core.errors import InvalidInputError
from stepmill.sdk import FunctionAsset, Parameter
from stepmill.sdk.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


def make_site(folder: Path) -> Site:
    return Site(
        "P", "s3://b/x", folder, Arns("us-west-2", "123456789012"), "arn:aws:iam::123456789012:role/R"
    )


def test_addresses_of_outputs(site: Site) -> None:
    assert site.output_uri("A", "train").expression() == {
        "Std:Join": {
            "On": "/",
            "Values": ["s3://b/x", "P", {"Get": "Execution.PipelineExecutionId"}, "A", "output", "train"],
        }
    }
    assert site.training_uri("A").expression() == {
        "Std:Join": {"On": "/", "Values": ["s3://b/x", "P", {"Get": "Execution.PipelineExecutionId"}, "A"]}
    }


def test_in_a_loop_each_job_has_an_address(site: Site) -> None:
    values = replace(site, in_loop=True).output_uri("A", "train").expression()["Std:Join"]["Values"]
    assert values[4] == {"Get": "Execution.ProcessingJobName"}
    values = replace(site, in_loop=True).checkpoint_uri("A").expression()["Std:Join"]["Values"]
    assert values[4:] == [{"Get": "Execution.TrainingJobName"}, "checkpoints"]


def test_a_site_in_a_loop_gathers_into_the_same_place(site: Site) -> None:
    replace(site, in_loop=True).add_files("code", {"a.py": b"1"})
    assert len(site.assets) == 1


def test_local_paths(site: Site, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    assert site.local("a", "") == tmp_path / "a"
    assert site.local(tmp_path / "a", "") == tmp_path / "a"
    with pytest.raises(InvalidInputError, match=r"does not exist in .*s3://") as caught:
        site.local("b", "step 'A', input 'x'")
    assert caught.value.where == "step 'A', input 'x'"


def test_the_home_folder_is_understood(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "data.csv").write_text("1")
    assert site.local("~/data.csv", "") == tmp_path / "data.csv"


def test_sources(site: Site, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "b.csv").write_text("2")
    assert site.source_uri("s3://b/k", "") == "s3://b/k"
    assert site.source_uri(Parameter("p", "x"), "") == {"Get": "Parameters.p"}
    assert site.assets == {}
    file, folder = site.source_uri("a.csv", ""), site.source_uri(tmp_path / "d", "")
    assert [file.rpartition("/")[2], folder.rpartition("/")[2]] == ["a.csv", ""]
    assert list(site.assets) == [file, f"{folder}b.csv"]


@pytest.mark.parametrize("source", ["http://x", "ftp://x/y", 3, None, ["a"]])
def test_other_sources_are_refused(site: Site, source: object) -> None:
    with pytest.raises(InvalidInputError):
        site.source_uri(source, "")


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,4}", fullmatch=True), st.binary(max_size=20), min_size=1, max_size=4
    )
)
def test_files_lie_together_below_their_digest(files: dict[str, bytes]) -> None:
    site = make_site(Path())
    folder = site.add_files("code", files)
    assert {uri.removeprefix(folder): asset.read() for uri, asset in site.assets.items()} == files
    assert site.add_files("code", files) == folder
    assert len(site.assets) == len(files)


def test_requirements(site: Site, tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("x")
    assert site.requirements_file((), "") == {}
    assert site.requirements_file("r.txt", "") == {"requirements.txt": tmp_path / "r.txt"}
    assert site.requirements_file(["a", "b"], "") == {"requirements.txt": b"a\nb\n"}
    with pytest.raises(InvalidInputError):
        site.requirements_file({"a": 1}, "")


def test_functions_of_one_name_must_agree(site: Site, tmp_path: Path) -> None:
    function = FunctionAsset("f", tmp_path, "a.b")
    site.add_function(function)
    site.add_function(FunctionAsset("f", tmp_path, "a.b"))
    assert site.functions == {"f": function}
    with pytest.raises(InvalidInputError, match="Two functions"):
        site.add_function(FunctionAsset("f", tmp_path, "a.c"))
