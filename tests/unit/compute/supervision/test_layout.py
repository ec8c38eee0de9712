from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from stepmill.compute.supervision.layout import (
    LayoutError,
    clear_away,
    governing,
    lay_out,
    make_nested_places,
    restore,
    skeleton,
)
from stepmill.compute.supervision.order import Bind, SandboxPlan


@pytest.fixture
def plan(tmp_path: Path) -> SandboxPlan:
    return SandboxPlan(
        root=str(tmp_path / "roots" / "one"),
        binds=(
            Bind("/usr", "/usr"),
            Bind("/etc/hostname", "/run/host/name", is_folder=False),
            Bind("/dev/null", "/dev/nvidia0", device=True, is_folder=False),
            Bind(str(tmp_path), "/opt/ml", read_only=False),
            Bind(str(tmp_path), "/opt/ml/input/data"),
        ),
        links=(("/bin", "usr/bin"),),
        folders=(("/opt/ml", 0o755), ("/root", 0o700), ("/tmp", 0o1777)),
        files=(("/opt/bin/python", 0o755, "#!/bin/sh\n"),),
    )


def _tree(root: str) -> dict[str, int]:
    paths = Path(root).rglob("*")
    return {str(path).removeprefix(root): path.lstat().st_mode & 0o7777 for path in paths}


def test_a_root_has_all_that_things_are_mounted_on_and_no_more(plan: SandboxPlan) -> None:
    lay_out(plan.root, skeleton(plan))
    assert _tree(plan.root) == {
        "/bin": 0o777,
        "/opt": 0o755,
        "/opt/bin": 0o755,
        "/opt/bin/python": 0o755,
        "/opt/ml": 0o755,
        "/root": 0o700,
        "/run": 0o755,
        "/run/host": 0o755,
        "/run/host/name": 0o644,
        "/tmp": 0o1777,
        "/usr": 0o755,
    }
    assert str(Path(plan.root, "bin").readlink()) == "usr/bin"


def test_modes_do_not_depend_on_the_mask(plan: SandboxPlan) -> None:
    mask = os.umask(0o077)
    try:
        lay_out(plan.root, skeleton(plan))
    finally:
        assert os.umask(mask) == 0o077
    assert _tree(plan.root)["/tmp"] == 0o1777


def _leave_files(root: Path) -> None:
    (root / "model.joblib").write_text("x")
    (root / "root/.cache/pip").mkdir(parents=True)
    (root / "tmp/link").symlink_to("/etc/passwd")
    (root / "opt/ml/unasked").mkdir()


def _change_modes(root: Path) -> None:
    (root / "tmp").chmod(0)
    (root / "root").chmod(0o777)


def _leave_what_cannot_be_entered(root: Path) -> None:
    (root / "tmp/a/b").mkdir(parents=True)
    (root / "tmp/a").chmod(0)


@pytest.mark.parametrize("deed", [_leave_files, _change_modes, _leave_what_cannot_be_entered])
def test_a_root_is_as_new_after_it_was_restored(plan: SandboxPlan, deed: Callable[[Path], None]) -> None:
    bones = skeleton(plan)
    lay_out(plan.root, bones)
    before = _tree(plan.root)
    deed(Path(plan.root))
    assert restore(plan.root, bones)
    assert _tree(plan.root) == before
    assert Path("/etc/passwd").exists()


def _replace_a_link(root: Path) -> None:
    (root / "bin").unlink()
    (root / "bin").symlink_to("/evil")


def _change_a_program(root: Path) -> None:
    (root / "opt/bin/python").write_text("#!/bad/sh")


def _grow_a_program(root: Path) -> None:
    (root / "opt/bin/python").write_text("#!/bin/sh\nevil")


def _remove_a_folder(root: Path) -> None:
    (root / "usr").rmdir()


def _replace_a_folder_by_a_link(root: Path) -> None:
    (root / "usr").rmdir()
    (root / "usr").symlink_to("/etc")


@pytest.mark.parametrize(
    "deed",
    [_replace_a_link, _change_a_program, _grow_a_program, _remove_a_folder, _replace_a_folder_by_a_link],
)
def test_what_cannot_be_restored_is_not_used_again(plan: SandboxPlan, deed: Callable[[Path], None]) -> None:
    bones = skeleton(plan)
    lay_out(plan.root, bones)
    deed(Path(plan.root))
    assert not restore(plan.root, bones)


def test_nested_places_are_made_in_what_may_be_written(tmp_path: Path) -> None:
    ml, data, one = tmp_path / "ml", tmp_path / "data", tmp_path / "one.json"
    ml.mkdir()
    data.mkdir()
    one.write_text("{}")
    binds = (
        Bind(str(ml), "/opt/ml", read_only=False),
        Bind(str(data), "/opt/ml/input/data/train"),
        Bind(str(one), "/opt/ml/input/config/one.json", is_folder=False),
    )
    make_nested_places(SandboxPlan(str(tmp_path / "root"), binds))
    assert (ml / "input/data/train").is_dir()
    assert (ml / "input/config/one.json").read_text() == ""


def test_nothing_is_made_in_what_is_read_only(tmp_path: Path) -> None:
    (tmp_path / "ml").mkdir()
    binds = (Bind(str(tmp_path / "ml"), "/opt/ml"), Bind(str(tmp_path), "/opt/ml/model", read_only=False))
    with pytest.raises(LayoutError, match="/opt/ml/model cannot be shown to the job: it lies below /opt/ml"):
        make_nested_places(SandboxPlan("", binds))
    assert not list((tmp_path / "ml").iterdir())
    (tmp_path / "ml/model").mkdir()
    make_nested_places(SandboxPlan("", binds))


def test_a_place_that_is_something_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "ml").mkdir()
    (tmp_path / "ml/input").write_text("a file")
    binds = (
        Bind(str(tmp_path / "ml"), "/opt/ml", read_only=False),
        Bind(str(tmp_path), "/opt/ml/input/data"),
    )
    with pytest.raises(LayoutError, match="Not a directory"):
        make_nested_places(SandboxPlan("", binds))


def test_the_innermost_of_what_is_shown_governs() -> None:
    binds = (Bind("/1", "/opt"), Bind("/2", "/opt/ml"), Bind("/3", "/opt/mlx"), Bind("/4", "/opt/ml"))
    assert governing(binds, "/opt/ml/model") == binds[3]
    assert governing(binds, "/opt/mlx") == binds[2]
    assert governing(binds, "/opt/m") == binds[0]
    assert governing(binds, "/etc") is None


def test_a_folder_is_cleared_away_however_it_was_locked(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "a/b").mkdir(parents=True)
    (folder / "a/b/file").write_text("x")
    (folder / "a/outside").symlink_to(tmp_path)
    (folder / "a/b").chmod(0)
    (folder / "a").chmod(0)
    clear_away(folder)
    assert list(tmp_path.iterdir()) == []
    clear_away(folder)
