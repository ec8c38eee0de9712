"""Installing is a function of the test here; tests/integration/jobs runs pip."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stepmill.compute.spec import Ending, JobSpec, Mount
from stepmill.core.errors import ComputeClosedError
from stepmill.core.settings import Isolation
from stepmill.images.environments import ignore_progress
from stepmill.jobs import packages as module
from stepmill.jobs.packages import (
    PLACE,
    Kept,
    Packages,
    Wanted,
    conflicts,
    image_folders,
    installed_in,
    kept_for,
    key_of,
    replaced,
)
from support.fake_compute import FakeCompute, FakeImages

SITE = "lib/python3.11/site-packages"


class Pip:
    """Does what the job that installs does."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.said = ""
        self.code = 0

    def __call__(self, spec: JobSpec) -> int:
        shown = {mount.target: mount.source for mount in spec.mounts}
        text = (shown["/opt/ml"] / "requirements.txt").read_text()
        self.runs.append(text)
        assert (shown["/opt/ml"] / "install_packages.py").is_file()
        for line in text.splitlines():
            name, _, version = line.partition("==")
            (shown[PLACE] / SITE / f"{name}-{version or '1.0'}.dist-info").mkdir(parents=True)
        (shown["/opt/ml"] / "conflicts.txt").write_text(self.said)
        return self.code


@pytest.fixture
def pip() -> Pip:
    return Pip()


@pytest.fixture
def compute(pip: Pip) -> FakeCompute:
    return FakeCompute(pip)


@pytest.fixture
def packages(tmp_path: Path, compute: FakeCompute) -> Packages:
    return Packages(tmp_path / "kept", compute)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An image's interpreter, whose environment holds numpy."""
    (tmp_path / "image" / SITE / "numpy-2.4.6.dist-info").mkdir(parents=True)
    python = tmp_path / "image" / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    return python


Ask = Callable[..., Kept | None]


@pytest.fixture
def ask(packages: Packages, image: Path) -> Ask:
    def provide(*lines: str, **changes: object) -> Kept | None:
        wanted = Wanted(lines, {}, image, Isolation.AUTO)
        return packages.provide(replace(wanted, **changes), ignore_progress)  # type: ignore[arg-type]

    return provide


def test_they_are_installed_once(ask: Ask, pip: Pip) -> None:
    first, second = ask("rich==14.0", "polars"), ask("rich==14.0", "polars")
    assert first == second
    assert first is not None
    assert first.installed == ("polars 1.0", "rich 14.0")
    assert first.packages == SITE
    assert pip.runs == ["rich==14.0\npolars\n"]


def test_the_order_of_lines_changes_nothing(ask: Ask, pip: Pip) -> None:
    assert ask("a", "b") == ask("b", "a", "a")
    assert len(pip.runs) == 1


@pytest.mark.parametrize(
    "changes",
    [{"lines": ("a==2",)}, {"variables": {"PIP_INDEX_URL": "https://x.io"}}, {"isolation": Isolation.NONE}],
)
def test_what_decides_makes_others(ask: Ask, pip: Pip, changes: dict[str, object]) -> None:
    first, second = ask("a==1"), ask("a==1", **changes)
    assert first is not None
    assert second is not None
    assert first.key != second.key
    assert len(pip.runs) == 2


def test_another_library_in_the_image_makes_others(ask: Ask, pip: Pip, image: Path) -> None:
    ask("a==1")
    (image.parent.parent / SITE / "pandas-2.3.dist-info").mkdir()
    ask("a==1")
    assert len(pip.runs) == 2


def test_what_the_image_has_is_not_installed(ask: Ask, pip: Pip, tmp_path: Path) -> None:
    assert ask("numpy>=2") is None
    assert pip.runs == []
    assert not (tmp_path / "kept").exists()


def test_a_failure_leaves_nothing_and_is_tried_again(ask: Ask, pip: Pip, tmp_path: Path) -> None:
    pip.code = 1
    assert ask("a") is None
    assert [path for path in (tmp_path / "kept").iterdir() if path.is_dir()] == []
    pip.code = 0
    assert ask("a") is not None
    assert len(pip.runs) == 2


@pytest.mark.parametrize("ending", [Ending.LOST, Ending.TIMED_OUT, Ending.NOT_STARTED])
def test_an_end_that_is_none_of_pips_is_a_failure(ask: Ask, compute: FakeCompute, ending: Ending) -> None:
    compute.ending = ending
    assert ask("a") is None


def test_what_was_half_installed_is_begun_anew(ask: Ask, pip: Pip, tmp_path: Path) -> None:
    kept = ask("a")
    assert kept is not None
    home = tmp_path / "kept" / kept.key
    (home / "complete.json").write_text("{")
    (home / "spec.json").unlink()
    assert ask("a") == kept
    assert len(pip.runs) == 2


def test_a_job_that_installs_and_was_left_is_picked_up(
    ask: Ask, pip: Pip, compute: FakeCompute, tmp_path: Path
) -> None:
    kept = ask("a")
    assert kept is not None
    home = tmp_path / "kept" / kept.key
    (home / "complete.json").unlink()
    compute.program = lambda _spec: 0  # it had ended, and its folder is as it left it
    assert ask("a") == kept
    assert len(pip.runs) == 1


def test_two_at_once_install_once(ask: Ask, pip: Pip) -> None:
    found: list[Kept | None] = []
    threads = [threading.Thread(target=lambda: found.append(ask("a"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pip.runs) == 1
    assert len(found) == 4
    assert len(set(found)) == 1


def test_whoever_waits_is_let_go_at_the_end(packages: Packages, ask: Ask, compute: FakeCompute) -> None:
    compute.held = True
    ends: list[type[BaseException]] = []

    def wait() -> None:
        try:
            ask("a")
        except ComputeClosedError as error:
            ends.append(type(error))

    thread = threading.Thread(target=wait)
    thread.start()
    while not compute.specs:
        time.sleep(0.005)
    packages.close()
    thread.join(60)
    assert ends == [ComputeClosedError]
    with pytest.raises(ComputeClosedError):
        ask("b")


def test_it_is_told(packages: Packages, image: Path, pip: Pip) -> None:
    told: list[str] = []
    lines = ("--index-url https://me:secret@x.io/simple", "a==1", "b @ https://me:secret@x.io/b.whl")
    pip.code = 1
    packages.provide(Wanted(lines, {}, image, Isolation.AUTO), told.append)
    assert told == [
        "installing requirements.txt once, for all jobs that ask for it: a==1",
        "requirements.txt could not be installed; the job's log says why",
    ]


def test_the_job_that_installs_is_isolated_as_others(ask: Ask, compute: FakeCompute, image: Path) -> None:
    ask("a", variables={"PIP_INDEX_URL": "https://x.io"}, isolation=Isolation.BUBBLEWRAP)
    (spec,) = compute.specs
    assert (spec.isolation, spec.python, spec.network) == (Isolation.BUBBLEWRAP, image, True)
    assert spec.environment["PIP_INDEX_URL"] == "https://x.io"
    assert spec.environment["STEPMILL_PACKAGES"] == PLACE
    assert spec.timeout == module.LONGEST_BUILD


def test_a_job_is_shown_them_read_only(packages: Packages, tmp_path: Path) -> None:
    given = JobSpec("j", tmp_path, ("python", "x.py"), {"A": "1"}, Path("/p"), warm=True, remarks=("before",))
    kept = Kept("k", SITE, ("rich 14.0", "x 1"), ("numpy is replaced",))
    spec = packages.shown(given, kept)
    assert spec.mounts == (Mount(tmp_path / "kept" / "k" / "packages", PLACE, read_only=True),)
    assert spec.packages == f"{PLACE}/{SITE}"
    assert spec.environment == {"A": "1", "STEPMILL_PACKAGES": PLACE}
    # A warm parent may have imported what they replace.
    assert not spec.warm
    assert spec.remarks == (
        "before",
        "Stepmill: requirements.txt is kept installed: rich 14.0, x 1.",
        "Stepmill: numpy is replaced.",
    )


def test_a_library_that_is_replaced_is_said(ask: Ask, pip: Pip) -> None:
    pip.said = (
        "scikit-learn 1.9.1 has requirement numpy>=2, but you have numpy 1.26.4.\n"
        "old 1.0 requires missing, which is not installed.\n"
    )
    kept = ask("numpy==1.26.4", "rich")
    assert kept is not None
    assert kept.remarks == (
        "requirements.txt brings numpy 1.26.4 in place of 2.4.6, which the image has",
        (
            "requirements.txt does not go together with the image: "
            "scikit-learn 1.9.1 has requirement numpy>=2, but you have numpy 1.26.4"
        ),
    )


def test_what_stays_or_is_new_replaces_nothing() -> None:
    assert replaced({"a": "1", "b": "2"}, {"a": "1", "c": "3"}) == ()


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("", 0),
        ("No broken requirements found.\n", 0),
        ("x 1 requires rich, which is not installed.", 1),
        ("Rich 1 requires x, which is not installed.", 1),
        ("enriched 1 requires x, which is not installed.", 0),
        ("rich 1 \x1b[31m", 0),
        ("rich 1 needs x.\n" * 50, 10),
    ],
)
def test_of_what_does_not_go_together_only_new_things_are_said(said: str, count: int) -> None:
    assert len(conflicts(said, {"rich": "1"})) == count


def test_the_folders_of_an_interpreter(image: Path, tmp_path: Path) -> None:
    assert image_folders(image) == (tmp_path / "image" / SITE,)
    assert image_folders(tmp_path / "nowhere" / "bin" / "python") == ()
    wanted = Wanted(("a",), {}, image, Isolation.AUTO)
    assert key_of(wanted, installed_in(image_folders(image))) != key_of(wanted, {})


class TestJobs:
    """Which jobs find them."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "requirements.txt"
        path.write_text("rich\n")
        return path

    def find(
        self,
        packages: Packages | None,
        file: Path | None,
        environment: dict[str, str] | None = None,
        oci: str = "",
    ) -> Kept | None:
        image = replace(FakeImages().resolve("i"), oci_image=oci, python=Path("/nowhere/bin/python"))
        return kept_for(packages, file, environment or {}, image, Isolation.AUTO, ignore_progress)

    def test_one_with_a_plain_file(self, packages: Packages, file: Path) -> None:
        found = self.find(packages, file, {"PIP_INDEX_URL": "https://x.io", "EPOCHS": "1"})
        assert found is not None
        assert found.installed == ("rich 1.0",)

    def test_others_do_not(self, packages: Packages, file: Path, pip: Pip) -> None:
        assert self.find(None, file) is None
        assert self.find(packages, None) is None
        assert self.find(packages, file, oci="team/image") is None
        assert self.find(packages, file, {"PIP_FIND_LINKS": "."}) is None
        for text in ("", "# none", "-e .", "rich\n" + "#" * module.LARGEST_FILE_BYTES):
            file.write_text(text)
            assert self.find(packages, file) is None
        file.unlink()
        file.symlink_to("/etc/hostname")
        assert self.find(packages, file) is None
        assert pip.runs == []
