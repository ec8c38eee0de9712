"""Small files that a job leaves are read with suspicion."""

from __future__ import annotations

import os
from pathlib import Path

from stepmill.jobs.kinds import read_small_file


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "failure").write_bytes(b"too \xff long\0!")
    assert read_small_file(tmp_path / "failure", 100) == "too \ufffd long!"
    assert read_small_file(tmp_path / "failure", 3) == "too"
    assert read_small_file(tmp_path / "nothing", 3) == ""


def test_links_pipes_and_folders_are_passed_over(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "failure").write_text("s3cr3t")
    (tmp_path / "link").symlink_to(secret / "failure")
    (tmp_path / "output").symlink_to(secret)
    os.mkfifo(tmp_path / "pipe")
    for path in ("link", "output/failure", "pipe", "secret"):
        assert read_small_file(tmp_path / path, 100) == ""
