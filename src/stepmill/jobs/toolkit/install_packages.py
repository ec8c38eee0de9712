"""Installs a requirements.txt on top of the image's environment, for many jobs to use.

Runs as a job of its own, by the Python of the image (3.8 or newer), without Stepmill: standard library
only. What the image has is not installed again, and never touched. The exit code is pip's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def lay_out(home: Path) -> Path:
    """Make an environment with nothing in it but a view of the image's; return its interpreter."""
    packages = home / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    packages.mkdir(parents=True, exist_ok=True)
    (home / "bin").mkdir(exist_ok=True)
    base = Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()
    # Not called python: its folder comes on the search path of jobs, where that name is the image's.
    interpreter = home / "bin" / "interpreter"
    interpreter.symlink_to(base)
    settings = f"home = {base.parent}\ninclude-system-site-packages = false\n"
    (home / "pyvenv.cfg").write_text(settings, "utf-8")
    image = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    lines = (f"import site; site.addsitedir({path!r})\n" for path in image)
    (packages / "image.pth").write_text("".join(lines), "utf-8")
    return interpreter


def pip(interpreter: Path, words: Sequence[str]) -> int:
    """Run pip in that environment; return its exit code."""
    # PIP_PYTHON would send pip elsewhere.
    environment = {n: value for n, value in os.environ.items() if n not in ("PYTHONPATH", "PIP_PYTHON")}
    command = [str(interpreter), "-m", "pip", "--disable-pip-version-check", "--no-input", *words]
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode


def main() -> int:
    """Install; write what pip says about libraries that do not go together into a file."""
    # The place may be a link; programs that pip installs remember where they lie.
    interpreter = lay_out(Path(os.environ["STEPMILL_PACKAGES"]).resolve())
    code = pip(interpreter, ["install", "-r", str(BASE / "requirements.txt")])
    if code == 0:
        environment = {n: value for n, value in os.environ.items() if n not in ("PYTHONPATH", "PIP_PYTHON")}
        with (BASE / "conflicts.txt").open("wb") as conflicts:
            subprocess.run(
                [str(interpreter), "-m", "pip", "check"], env=environment, stdout=conflicts, check=False
            )
    return code


if __name__ == "__main__":
    sys.exit(main())
