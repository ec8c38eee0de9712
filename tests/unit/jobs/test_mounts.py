"""What a job sees where, when one input lies below another."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepmill.compute.spec import Mount
from stepmill.core.errors import InvalidInputError
from stepmill.jobs.mounts import Placement, arrange


@pytest.fixture
def user(tmp_path: Path) -> Path:
    folder = tmp_path / "user"
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "a.csv").write_text("1")
    (folder / "sub" / "b.csv").write_text("2")
    return folder


def folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def test_mounts_come_nearest_to_the_root_first(tmp_path: Path) -> None:
    a, b = folder(tmp_path / "a"), folder(tmp_path / "b")
    mounts = arrange(
        [Placement(a, "/opt/ml/x/y/z", read_only=True), Placement(b, "/opt/ml/x2", read_only=False)]
    )
    assert mounts == (Mount(b, "/opt/ml/x2", read_only=False), Mount(a, "/opt/ml/x/y/z", read_only=True))


def test_a_place_is_made_in_a_folder_of_ours(tmp_path: Path) -> None:
    outer, inner = folder(tmp_path / "outer"), folder(tmp_path / "inner")
    file = tmp_path / "file"
    file.touch()
    arrange(
        [
            Placement(outer, "/in", read_only=True, ours=True),
            Placement(inner, "/in/code/x", read_only=True, ours=True),
            Placement(file, "/in/y/file", read_only=True),
        ]
    )
    assert (outer / "code" / "x").is_dir()
    assert (outer / "y" / "file").is_file()


def test_a_folder_of_the_user_is_taken_apart_and_never_touched(tmp_path: Path, user: Path) -> None:
    inner = folder(tmp_path / "inner")
    before = sorted(user.rglob("*"))
    mounts = arrange(
        [Placement(user, "/in", read_only=True), Placement(inner, "/in/sub/deep/code", read_only=True)]
    )
    assert sorted(user.rglob("*")) == before
    assert mounts == (
        Mount(user / "a.csv", "/in/a.csv", read_only=True),
        Mount(user / "sub" / "b.csv", "/in/sub/b.csv", read_only=True),
        Mount(inner, "/in/sub/deep/code", read_only=True),
    )


def test_an_inner_placement_hides_what_has_its_name(tmp_path: Path, user: Path) -> None:
    inner = folder(tmp_path / "inner")
    mounts = arrange([Placement(user, "/in", read_only=True), Placement(inner, "/in/sub", read_only=True)])
    assert mounts == (
        Mount(user / "a.csv", "/in/a.csv", read_only=True),
        Mount(inner, "/in/sub", read_only=True),
    )


def test_two_for_the_same_place_are_refused(tmp_path: Path) -> None:
    a, b = folder(tmp_path / "a"), folder(tmp_path / "b")
    with pytest.raises(InvalidInputError, match="want the folder /in"):
        arrange([Placement(a, "/in", read_only=True), Placement(b, "/in", read_only=True)])


def test_nothing_lies_below_a_file(tmp_path: Path, user: Path) -> None:
    inner = folder(tmp_path / "inner")
    with pytest.raises(InvalidInputError, match="is a file"):
        arrange(
            [
                Placement(user / "a.csv", "/in/a.csv", read_only=True),
                Placement(inner, "/in/a.csv/x", read_only=True),
            ]
        )
    ours = folder(tmp_path / "ours")
    (ours / "code").touch()
    with pytest.raises(InvalidInputError, match="below a file"):
        arrange(
            [
                Placement(ours, "/in", read_only=True, ours=True),
                Placement(inner, "/in/code/x", read_only=True),
            ]
        )
