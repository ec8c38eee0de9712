from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.jobs.surroundings import ENVIRONMENT_KIND, Environments, digest_of, packages_of, this_machine
from support.keeping import Keeping, keeping


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        yield opened


@pytest.fixture
def python(tmp_path: Path) -> str:
    site = tmp_path / "env" / "lib" / "python3.11" / "site-packages"
    for name in ("scikit_learn-1.5.0.dist-info", "numpy-2.0.0.dist-info", "numpy"):
        (site / name).mkdir(parents=True)
    return str(tmp_path / "env" / "bin" / "python")


def test_packages_of_another_environment_are_read_from_its_folder(python: str) -> None:
    assert packages_of(python) == {"python": "3.11", "scikit-learn": "1.5.0", "numpy": "2.0.0"}


def test_packages_of_this_environment_are_those_that_it_has() -> None:
    found = packages_of(sys.executable)
    assert found["pytest"] == pytest.__version__
    assert found["python"].split(".")[:2] == [str(part) for part in sys.version_info[:2]]


@pytest.mark.parametrize("python", ["", "/nowhere/bin/python"])
def test_of_what_is_not_there_nothing_is_told(python: str, kept: Keeping) -> None:
    assert packages_of(python) == {}
    assert Environments(kept.records).keep(python) == ""


def test_a_list_is_kept_once_however_many_runs_have_it(kept: Keeping, python: str) -> None:
    digest = Environments(kept.records).keep(python)
    assert Environments(kept.records).keep(python) == digest == digest_of(packages_of(python))
    (record,) = kept.records.list(ENVIRONMENT_KIND).records
    assert (record.name, record.body["packages"]) == (digest, packages_of(python))


def test_another_version_is_another_environment() -> None:
    assert digest_of({"a": "1", "b": "2"}) == digest_of({"b": "2", "a": "1"})
    assert len({digest_of({"a": "1"}), digest_of({"a": "2"}), digest_of({"b": "1"}), digest_of({})}) == 4


def test_the_machine_is_told() -> None:
    machine = this_machine()
    assert machine["host"] is not None
    assert isinstance(machine["cpus"], int)
    assert machine["cpus"] >= 1
