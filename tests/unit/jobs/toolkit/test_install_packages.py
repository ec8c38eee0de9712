"""The installer of what is kept, run as its job would run it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stepmill.jobs.toolkit import install_packages
from support.wheels import write_wheel


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "ml").mkdir()
    (tmp_path / "real").mkdir()
    (tmp_path / "packages").symlink_to(tmp_path / "real")
    shutil.copy(install_packages.__file__, tmp_path / "ml")
    return tmp_path / "ml"


def install(base: Path, *lines: str) -> subprocess.CompletedProcess[str]:
    (base / "requirements.txt").write_text("".join(f"{line}\n" for line in lines))
    places = {"SAGEMAKER_BASE_DIR": str(base), "STEPMILL_PACKAGES": str(base.parent / "packages")}
    return subprocess.run(
        [sys.executable, str(base / "install_packages.py")],
        env={"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", **places},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_the_image_lacks_is_installed_and_what_does_not_fit_is_said(base: Path) -> None:
    new = write_wheel(base, "stepmill_new", "1.0")
    # The hypothesis of this environment needs another one.
    older = write_wheel(base, "sortedcontainers", "0.1")
    done = install(base, str(new), str(older), "pytest")
    assert done.returncode == 0, done.stdout + done.stderr
    home = base.parent / "real"
    (site,) = home.glob("lib/python3*/site-packages")
    brought = sorted(path.name for path in site.glob("*.dist-info"))
    assert brought == ["sortedcontainers-0.1.dist-info", "stepmill_new-1.0.dist-info"]
    said = (base / "conflicts.txt").read_text()
    assert "hypothesis" in said
    assert "but you have sortedcontainers 0.1" in said
    # By the place where it really lies, which is what jobs see.
    ask = [str(home / "bin" / "interpreter"), "-c", "import pytest, stepmill_new, sys; print(sys.prefix)"]
    assert subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip() == str(home)
    assert not (home / "bin" / "python").exists()


def test_the_exit_code_is_pips(base: Path) -> None:
    done = install(base, "no-such-package-of-ours")
    assert done.returncode == 1
    assert "no-such-package-of-ours" in done.stderr
    assert not (base / "conflicts.txt").exists()
