"""Where things lie."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from stepmill.core.errors import StorageError
from stepmill.storage.layout import HomeLayout


def test_everything_lies_in_the_home(tmp_path: Path) -> None:
    layout = HomeLayout(tmp_path)
    assert layout.database == tmp_path / "stepmill.db"
    folders = [layout.objects, layout.jobs, layout.engines, layout.environments, layout.roots]
    assert [folder.name for folder in folders] == ["objects", "jobs", "engines", "environments", "roots"]
    assert {folder.parent for folder in folders} == {tmp_path}


def test_nobody_else_may_look_into_a_new_home(tmp_path: Path) -> None:
    layout = HomeLayout(tmp_path / "project" / ".stepmill")
    layout.create()
    for folder in (
        layout.home,
        layout.objects,
        layout.jobs,
        layout.engines,
        layout.environments,
        layout.roots,
    ):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_git_passes_over_a_new_home(tmp_path: Path) -> None:
    layout = HomeLayout(tmp_path / ".stepmill")
    layout.create()
    assert (layout.home / ".gitignore").read_text() == "*\n"


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    layout = HomeLayout(tmp_path)
    tmp_path.chmod(0o755)
    layout.jobs.mkdir()
    (layout.jobs / "mine").write_text("data")
    layout.create()
    layout.create()
    assert (layout.jobs / "mine").read_text() == "data"
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert not (tmp_path / ".gitignore").exists()


def test_a_home_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        HomeLayout(tmp_path / "file").create()


def test_a_new_home_has_a_reserve_that_can_be_given_up(tmp_path: Path) -> None:
    layout = HomeLayout(tmp_path / ".stepmill")
    layout.create()
    assert layout.reserve.stat().st_size == 1024 * 1024
    layout.give_up_reserve()
    assert not layout.reserve.exists()
    layout.give_up_reserve()
    layout.create()
    assert not layout.reserve.exists(), "it was given up for a reason"
    layout.keep_reserve()
    layout.keep_reserve()
    assert layout.reserve.exists()


def test_no_room_for_a_reserve_is_no_error(tmp_path: Path) -> None:
    layout = HomeLayout(tmp_path / "nowhere")
    layout.keep_reserve()
    layout.give_up_reserve()
    assert not layout.home.exists()
