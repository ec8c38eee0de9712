from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from stepmill.compute.supervision import roots
from stepmill.compute.supervision.layout import Skeleton
from stepmill.compute.supervision.roots import give_back_root, hold_root, take_root, tidy

_A_WEEK_ON = 8 * 24 * 3600.0


@pytest.fixture
def bones() -> Skeleton:
    bones = Skeleton()
    bones.add_folder("/opt/ml")
    bones.add_folder("/tmp", 0o1777)
    return bones


def test_a_root_is_used_again(tmp_path: Path, bones: Skeleton) -> None:
    first = take_root(tmp_path, bones)
    Path(first, "left-over").write_text("x")
    inode = Path(first).stat().st_ino
    give_back_root(first, bones, hold_root(first))
    second = take_root(tmp_path, bones)
    assert Path(second).stat().st_ino == inode
    assert not Path(second, "left-over").exists()


def test_nobody_gets_a_root_that_another_has(tmp_path: Path, bones: Skeleton) -> None:
    given = [take_root(tmp_path, bones) for _ in range(5)]
    for root in given:
        give_back_root(root, bones, hold_root(root))
    taken: list[str] = []
    threads = [threading.Thread(target=lambda: taken.append(take_root(tmp_path, bones))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(taken)) == 10


def test_different_skeletons_have_different_shelves(tmp_path: Path, bones: Skeleton) -> None:
    first = take_root(tmp_path, bones)
    give_back_root(first, bones, hold_root(first))
    bones.add_folder("/opt/ml/model")
    second = take_root(tmp_path, bones)
    assert Path(second).parent != Path(first).parent
    assert Path(second, "opt/ml/model").is_dir()


def test_a_root_that_cannot_be_restored_is_removed(tmp_path: Path, bones: Skeleton) -> None:
    root = take_root(tmp_path, bones)
    Path(root, "tmp").rmdir()
    give_back_root(root, bones, hold_root(root))
    assert not list(Path(root).parent.iterdir())


def test_there_are_never_more_than_enough(
    tmp_path: Path, bones: Skeleton, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roots, "_MOST_FREE", 2)
    given = [take_root(tmp_path, bones) for _ in range(4)]
    for root in given:
        give_back_root(root, bones, hold_root(root))
    assert len(list(Path(given[0]).parent.iterdir())) == 2


def test_what_nobody_holds_is_tidied_after_its_time(tmp_path: Path, bones: Skeleton) -> None:
    held, abandoned = take_root(tmp_path, bones), take_root(tmp_path, bones)
    lock = hold_root(held)
    tidy(tmp_path, time.time())
    assert Path(abandoned).exists()
    tidy(tmp_path, time.time() + 2 * 3600)
    assert not Path(abandoned).exists()
    assert Path(held).exists()
    os.close(lock)


def test_a_shelf_that_nobody_has_used_for_a_week_goes(tmp_path: Path, bones: Skeleton) -> None:
    root = take_root(tmp_path, bones)
    tidy(tmp_path, time.time() + _A_WEEK_ON)
    assert not Path(root).exists()
    root = take_root(tmp_path, bones)
    give_back_root(root, bones, hold_root(root))
    tidy(tmp_path, time.time() + _A_WEEK_ON)
    assert not list(tmp_path.iterdir())
    tidy(tmp_path / "missing", time.time())


def test_a_held_root_cannot_be_held_twice(tmp_path: Path, bones: Skeleton) -> None:
    root = take_root(tmp_path, bones)
    lock = hold_root(root)
    with pytest.raises(BlockingIOError):
        hold_root(root)
    os.close(lock)
    os.close(hold_root(root))
