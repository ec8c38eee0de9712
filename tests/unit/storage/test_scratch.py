from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stepmill.storage.scratch import scratch_folder

DIE = """
import os, pathlib, signal, sys
from stepmill.storage.scratch import scratch_folder
with scratch_folder(pathlib.Path(sys.argv[1]), "work-") as folder:
    (folder / "half").write_text("done")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_it_is_gone_at_the_end_also_after_an_error(tmp_path: Path) -> None:
    parent = tmp_path / "not" / "there"

    def fail() -> None:
        with scratch_folder(parent, "work-") as folder:
            assert folder.parent == parent
            (folder / "file").write_text("x")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert list(parent.iterdir()) == []


def test_what_a_killed_process_left_goes_and_what_is_in_use_stays(tmp_path: Path) -> None:
    (tmp_path / "other-file").write_text("x")
    (tmp_path / "work-file").write_text("x")
    with scratch_folder(tmp_path, "work-") as mine:
        done = subprocess.run([sys.executable, "-c", DIE, str(tmp_path)], check=False)
        assert done.returncode < 0
        assert len(list(tmp_path.iterdir())) == 4
        with scratch_folder(tmp_path, "work-") as another:
            there = {path for path in tmp_path.iterdir() if path.is_dir()}
            assert there == {mine, another}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other-file", "work-file"]


def test_many_at_once_never_lose_theirs(tmp_path: Path) -> None:
    lost: list[Path] = []

    def work() -> None:
        for _ in range(20):
            with scratch_folder(tmp_path, "work-") as folder:
                (folder / "a").write_text("x")
                if not (folder / "a").is_file():
                    lost.append(folder)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lost == []
    assert list(tmp_path.iterdir()) == []
