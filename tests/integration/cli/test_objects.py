"""What lies at s3:// addresses: put there, listed, fetched, removed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stepmill.cli.exit_codes import ExitCode
from support.cli import Cli


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """Two objects below ``s3://data/raw/``, and one beside it; nobody changes them."""
    folder = tmp_path_factory.mktemp("objects")
    (folder / "project" / "raw" / "more").mkdir(parents=True)
    cli = Cli(folder / "project", folder / "home")
    cli.write("raw/a.csv", "1,2\n")
    cli.write("raw/more/b.csv", "3,4\n")
    cli.write("beside.csv", "5\n")
    said = cli("objects", "put", "raw", "s3://data/raw/").ok().out
    assert said == "Copied 2 files.\n"
    assert cli("objects", "put", "beside.csv", "s3://data/").ok().out == "Copied s3://data/beside.csv.\n"
    with closing(cli):
        yield cli


@pytest.fixture
def stocked(kept: Cli, tmp_path: Path) -> Iterator[Cli]:
    """The same, to be changed."""
    shutil.copytree(kept.home, tmp_path / "home")
    shutil.copytree(kept.folder, tmp_path / "project")
    with closing(Cli(tmp_path / "project", tmp_path / "home")) as cli:
        yield cli


def addresses(cli: Cli, *arguments: str) -> list[str]:
    return [found["uri"] for found in cli("objects", "list", *arguments, "--json").ok().json]


def test_objects_are_listed_in_the_order_of_their_addresses(kept: Cli) -> None:
    assert addresses(kept) == ["s3://data/beside.csv", "s3://data/raw/a.csv", "s3://data/raw/more/b.csv"]
    assert addresses(kept, "s3://data/ra") == ["s3://data/raw/a.csv", "s3://data/raw/more/b.csv"]
    assert addresses(kept, "s3://data/nothing") == []
    shown = kept("objects", "list", "--limit", "1").ok()
    assert "4 bytes" not in shown.out, "the first one has 2"
    assert "There are more" in shown.err


def test_what_was_put_is_fetched_as_it_was(stocked: Cli) -> None:
    assert stocked("objects", "get", "s3://data/raw/", "copy").ok().out == "Copied 2 files.\n"
    assert (stocked.folder / "copy" / "more" / "b.csv").read_text() == "3,4\n"
    stocked("objects", "get", "s3://data/raw/a.csv").ok()
    assert (stocked.folder / "a.csv").read_text() == "1,2\n", "here, under its own name"


def test_an_object_is_removed_and_its_neighbours_stay(stocked: Cli) -> None:
    assert stocked("objects", "delete", "s3://data/raw/a.csv").ok().out == "Removed 1 object.\n"
    assert addresses(stocked, "s3://data/raw") == ["s3://data/raw/more/b.csv"]
    assert stocked("objects", "delete", "s3://data/raw/", "--json").ok().json == {"deleted": 1}
    assert addresses(stocked) == ["s3://data/beside.csv"]


def test_a_bucket_is_emptied_only_if_it_is_said_so(stocked: Cli) -> None:
    refused = stocked("objects", "delete", "s3://data")
    assert refused.code == ExitCode.REFUSED
    assert "Write s3://data/ if all that lies in it shall go." in refused.err
    assert len(addresses(stocked)) == 3
    assert stocked("objects", "delete", "s3://data/").ok().out == "Removed 3 objects.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["get", "s3://data/none"], ExitCode.NOT_FOUND, "There is no object s3://data/none"),
        (["get", "s3://none/a", "-"], ExitCode.NOT_FOUND, "none"),
        (["delete", "s3://data/none"], ExitCode.NOT_FOUND, "none"),
        (["delete", "s3://data/none/"], ExitCode.NOT_FOUND, "There is no object below s3://data/none/"),
        (["put", "nofile", "s3://data/x"], ExitCode.NOT_FOUND, "There is no file 'nofile'."),
        (["put", "beside.csv", "s3://b/x"], ExitCode.REFUSED, "'b' cannot be the name of a bucket."),
        (["list", "data/raw"], ExitCode.REFUSED, "data/raw"),
    ],
)
def test_what_cannot_be_done_is_told(kept: Cli, arguments: list[str], code: ExitCode, said: str) -> None:
    refused = kept("objects", *arguments)
    assert refused.code == code
    assert said in refused.err
    assert refused.out == ""
