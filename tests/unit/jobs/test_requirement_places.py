from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepmill.jobs.requirement_places import requirements_of

DRIVER = (
    "/bin/bash",
    "-c",
    "chmod +x /opt/ml/input/data/sm_drivers/sm_train.sh && /opt/ml/input/data/sm_drivers/x",
)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    (folder / "sub").mkdir(parents=True)
    (folder / "requirements.txt").write_text("rich\n")
    (folder / "sub" / "more.txt").write_text("rich\n")
    (tmp_path / "secret.txt").write_text("rich\n")
    return folder


@pytest.fixture
def drivers(tmp_path: Path) -> Path:
    folder = tmp_path / "drivers"
    folder.mkdir()
    return folder


def test_beside_the_script_of_script_mode(code: Path) -> None:
    assert requirements_of("train.py", (), code, {}) == code / "requirements.txt"


@pytest.mark.parametrize("program", ["", "run.sh", "run"])
def test_other_programs_see_to_themselves(code: Path, program: str) -> None:
    assert requirements_of(program, (), code, {}) is None


def test_a_package_is_installed_instead(code: Path) -> None:
    (code / "setup.py").touch()
    assert requirements_of("train.py", (), code, {}) is None


def test_none_is_there(code: Path) -> None:
    (code / "requirements.txt").unlink()
    assert requirements_of("train.py", (), code, {}) is None


def test_an_entry_point_of_its_own_comes_before_script_mode(code: Path) -> None:
    assert requirements_of("train.py", ("python", "x.py"), code, {}) is None


class TestDrivers:
    """What SDK 3 sends."""

    def find(
        self, code: Path, drivers: Path, document: object, command: tuple[str, ...] = DRIVER
    ) -> Path | None:
        text = document if isinstance(document, str) else json.dumps(document)
        (drivers / "sourcecode.json").write_text(text)
        shown = {"/opt/ml/input/data/code": code, "/opt/ml/input/data/sm_drivers": drivers}
        return requirements_of("", command, Path("/nowhere"), shown)

    @pytest.mark.parametrize(
        ("name", "path"),
        [
            ("requirements.txt", "requirements.txt"),
            ("auto", "requirements.txt"),
            ("sub/more.txt", "sub/more.txt"),
        ],
    )
    def test_their_document_names_it(self, code: Path, drivers: Path, name: str, path: str) -> None:
        assert self.find(code, drivers, {"requirements": name}) == code / path

    @pytest.mark.parametrize(
        "document",
        [
            {},
            [],
            "{",
            "",
            {"requirements": None},
            {"requirements": 3},
            {"requirements": ""},
            {"requirements": "none.txt"},
            {"requirements": "sub"},
            {"requirements": "../secret.txt"},
            {"requirements": "sub/../../secret.txt"},
            {"requirements": "/etc/hostname"},
            {"requirements": "a\0b"},
        ],
    )
    def test_what_names_none_of_the_code_is_left(self, code: Path, drivers: Path, document: object) -> None:
        assert self.find(code, drivers, document) is None

    def test_a_link_out_of_the_code_is_not_followed(self, code: Path, drivers: Path) -> None:
        (code / "link.txt").symlink_to(code.parent / "secret.txt")
        (code / "folder").symlink_to(code.parent)
        assert self.find(code, drivers, {"requirements": "link.txt"}) is None
        assert self.find(code, drivers, {"requirements": "folder/secret.txt"}) is None

    def test_another_entry_point_is_none_of_theirs(self, code: Path, drivers: Path) -> None:
        assert self.find(code, drivers, {"requirements": "auto"}, ("python", "main.py")) is None

    def test_channels_that_are_not_there(self, code: Path) -> None:
        assert requirements_of("", DRIVER, code, {"/opt/ml/input/data/code": code}) is None
