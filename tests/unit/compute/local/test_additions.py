from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stepmill.compute.local.additions import Additions, additions, with_additions
from stepmill.compute.local.pythons import PythonFacts, Pythons
from support.wheels import write_wheel

FACTS = Pythons().facts(Path(sys.executable))


def _lay_out(own: Additions) -> None:
    for path, mode in own.folders:
        Path(path).mkdir(mode, parents=True)
    for path, target in own.links:
        Path(path).symlink_to(target)
    for path, mode, text in own.files:
        Path(path).write_text(text)
        Path(path).chmod(mode)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "packages"
    _lay_out(additions(FACTS, str(place)))
    return place


def _environment(place: Path, **more: str) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
    packages = additions(FACTS, str(place)).packages
    return with_additions({"PATH": path, "HOME": str(place), **more}, str(place), packages)


def _run(*command: str, environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("command", [("pip",), ("pip3",), ("python", "-m", "pip")])
def test_pip_installs_beside_the_image_and_the_image_s_python_finds_it(
    command: tuple[str, ...], place: Path, tmp_path: Path
) -> None:
    wheel = write_wheel(tmp_path, "stepmill_test_extra", "1.5")
    environment = _environment(place)
    _run(*command, "install", "--no-index", str(wheel), environment=environment)
    found = _run(
        "python", "-c", "import stepmill_test_extra as x; print(x.__file__)", environment=environment
    )
    assert found.startswith(str(place))


def test_what_the_image_has_is_not_installed_again(place: Path) -> None:
    out = _run("pip", "install", "--no-index", "numpy", environment=_environment(place))
    assert "already satisfied" in out


def test_another_version_goes_before_that_of_the_image_which_stays(place: Path, tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, "humanfriendly_stepmill", "2")
    image = tmp_path / "image"
    image.mkdir()
    (image / "humanfriendly_stepmill.py").write_text("version = '1'\n")
    environment = _environment(place, PYTHONPATH="")
    _run("pip", "install", "--no-index", str(wheel), environment=environment)
    ask = "import sys; sys.path.append(sys.argv[1]); import humanfriendly_stepmill as h; print(h.version)"
    assert _run("python", "-c", ask, str(image), environment=environment).strip() == "2"


def test_removing_what_the_image_has_removes_nothing(place: Path) -> None:
    _run("pip", "uninstall", "--yes", "pytest", environment=_environment(place))
    assert _run("python", "-c", "import pytest", environment=_environment(place)) == ""


def test_the_interpreter_of_the_job_stays_the_image_s(place: Path) -> None:
    found = _run("python", "-c", "import sys; print(sys.prefix)", environment=_environment(place))
    assert found.strip() == sys.prefix


def test_a_search_path_of_the_job_s_own_goes_first(place: Path) -> None:
    environment = _environment(place, PYTHONPATH="/mine")
    assert environment["PYTHONPATH"] == f"/mine{os.pathsep}{additions(FACTS, str(place)).packages}"


def test_packages_that_are_kept_come_after_its_own_and_their_programs_are_found() -> None:
    environment = with_additions({"PATH": "/bin"}, "/own", "/own/lib", "/kept/lib/python3.11/site-packages")
    assert environment["PYTHONPATH"] == "/own/lib:/kept/lib/python3.11/site-packages"
    assert environment["PATH"] == "/own/bin:/kept/bin:/bin"


def test_folders_are_named_for_the_version() -> None:
    base = Path("/usr/bin/python3.12")
    facts = PythonFacts(Path("/v/bin/python"), (3, 12, 1), (), base, ("/v/lib/site-packages", "/v/a\nb"))
    own = additions(facts)
    assert own.packages == "/opt/stepmill/packages/lib/python3.12/site-packages"
    texts = {path: text for path, _, text in own.files}
    assert "home = /usr/bin\n" in texts["/opt/stepmill/packages/pyvenv.cfg"]
    # A name with a line break would be a line of code in a .pth file.
    assert texts[f"{own.packages}/image.pth"] == "import site; site.addsitedir('/v/lib/site-packages')\n"
