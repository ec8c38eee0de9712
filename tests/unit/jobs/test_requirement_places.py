from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from stepmill.jobs.requirement_places import requirements_of, requirements_of_processing
from stepmill.sdk.processing import _INSTALL

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


class TestProcessing:
    """What ``FrameworkProcessor`` and ``stepmill.ProcessingStep`` send."""

    CODE = "/opt/ml/processing/input/code"
    ENTRY = "/opt/ml/processing/input/entrypoint"
    SCRIPT = (
        "#!/bin/bash\nset -e\nif [[ -f 'requirements.txt' ]]; then\n    pip install -r requirements.txt\nfi\n"
    )

    def find(
        self, folder: Path, script: str, files: dict[str, str], command: tuple[str, ...] = ()
    ) -> Path | None:
        for name in ("code", "entry", "home"):
            (folder / name).mkdir()
        (folder / "entry" / "runproc.sh").write_text(script)
        with tarfile.open(folder / "code" / "sourcedir.tar.gz", "w:gz") as archive:
            for name, text in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text.encode()))
        shown = {self.CODE: folder / "code", self.ENTRY: folder / "entry"}
        words = command or ("/bin/bash", f"{self.ENTRY}/runproc.sh")
        return requirements_of_processing(words, shown, folder / "home", 1000)

    def test_a_file_in_the_archive_of_the_source(self, tmp_path: Path) -> None:
        found = self.find(tmp_path, self.SCRIPT, {"main.py": "", "requirements.txt": "rich\n"})
        assert found is not None
        assert found.read_text() == "rich\n"
        assert found.parent == tmp_path / "home"

    def test_another_name_that_sdk_3_was_given(self, tmp_path: Path) -> None:
        script = self.SCRIPT.replace("requirements.txt", "reqs/cpu.txt")
        found = self.find(tmp_path, script, {"requirements.txt": "no", "reqs/cpu.txt": "rich"})
        assert found is not None
        assert found.read_text() == "rich"

    @pytest.mark.parametrize(
        ("script", "files"),
        [
            (SCRIPT, {"main.py": ""}),
            ("python main.py", {"requirements.txt": "rich"}),
            ("", {"requirements.txt": "rich"}),
            # The address of the index is another one each time.
            (SCRIPT + "aws codeartifact login --tool pip", {"requirements.txt": "rich"}),
        ],
    )
    def test_jobs_that_install_for_themselves(
        self, tmp_path: Path, script: str, files: dict[str, str]
    ) -> None:
        assert self.find(tmp_path, script, files) is None

    @pytest.mark.parametrize(
        "command",
        [
            ("python3", "/opt/ml/processing/input/code/main.py"),
            ("/bin/bash", "/elsewhere/runproc.sh"),
            ("/bin/bash", "-c"),
            ("/bin/bash", "-c", "pip install -r /opt/ml/processing/input/code/requirements.txt"),
        ],
    )
    def test_other_commands(self, tmp_path: Path, command: tuple[str, ...]) -> None:
        assert self.find(tmp_path, self.SCRIPT, {"requirements.txt": "rich"}, command) is None

    def test_no_code(self, tmp_path: Path) -> None:
        assert requirements_of_processing(("/bin/bash", "x/runproc.sh"), {}, tmp_path, 10) is None

    def test_a_step_in_python(self, code: Path) -> None:
        command = ("/bin/bash", "-c", _INSTALL, "install", "python3", f"{self.CODE}/main.py")
        found = requirements_of_processing(command, {self.CODE: code}, Path("/nowhere"), 10)
        assert found == code / "requirements.txt"
