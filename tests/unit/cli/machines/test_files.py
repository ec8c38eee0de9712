"""Definitions and inputs, as JSON and YAML."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from stepmill.cli.machines.files import is_machine_file, read_input, read_machine_file
from stepmill.core.errors import InvalidInputError, NotFoundError

MACHINE = '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize("name", ["m.asl.json", "M.ASL.JSON", "m.asl.yaml", "m.asl.yml", "m.yaml"])
def test_the_name_tells(tmp_path: Path, name: str) -> None:
    assert is_machine_file(tmp_path / name)


def test_what_is_in_a_json_file_tells(tmp_path: Path) -> None:
    assert is_machine_file(written(tmp_path, "a.json", MACHINE))
    assert not is_machine_file(written(tmp_path, "b.json", '{"Version": "2020-12-01", "Steps": []}'))
    assert not is_machine_file(written(tmp_path, "c.json", "{"))
    assert not is_machine_file(tmp_path / "nothing.json")
    assert not is_machine_file(tmp_path / "pipeline.py")


def test_a_definition_in_json_stays_as_it_was_written(tmp_path: Path) -> None:
    read = read_machine_file(written(tmp_path, "my machine.asl.json", MACHINE))
    assert (read.name, read.definition) == ("my-machine", MACHINE)
    assert read_machine_file(tmp_path / "my machine.asl.json", "other").name == "other"


def test_a_definition_in_yaml_becomes_json(tmp_path: Path) -> None:
    text = "StartAt: A\nStates:\n  A: {Type: Wait, Timestamp: 2026-01-01T00:00:00Z, End: true}\n"
    read = read_machine_file(written(tmp_path, "m.asl.yaml", text))
    assert json.loads(read.definition)["States"]["A"]["Timestamp"] == "2026-01-01T00:00:00Z"


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no file"):
        read_machine_file(tmp_path / "m.asl.json")
    (tmp_path / "b.asl.json").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInputError, match="UTF-8"):
        read_machine_file(tmp_path / "b.asl.json")
    with pytest.raises(InvalidInputError, match="No name"):
        read_machine_file(written(tmp_path, "日本.asl.json", MACHINE))


class TestInput:
    def test_none_is_an_empty_object(self) -> None:
        assert read_input("") == "{}"

    @pytest.mark.parametrize("text", ['{"a":  1.0}', "[1]", '"x"'])
    def test_json_itself_is_kept_as_it_was_written(self, text: str) -> None:
        assert read_input(text) == text

    def test_a_file(self, tmp_path: Path) -> None:
        assert read_input(str(written(tmp_path, "i.json", "  1.50 "))) == "  1.50 "
        assert json.loads(read_input(str(written(tmp_path, "i.yml", "a: [1, yes-no]")))) == {
            "a": [1, "yes-no"]
        }

    def test_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("[2]"))
        assert read_input("-") == "[2]"

    @pytest.mark.parametrize(
        ("name", "text", "said"),
        [
            ("i.json", "{", "not valid JSON"),
            ("i.yaml", "a: [", "not YAML"),
            ("i.yaml", "a: .nan", "nothing like it"),
            ("i.yaml", "a: !!python/object/apply:os.system [ls]", "not YAML"),
            ("i.yaml", "a: !!binary eA==", "nothing like it"),
            ("i.yaml", "? [1, 2]\n: 3", "not YAML|nothing like it"),
        ],
    )
    def test_what_cannot_be_read(self, tmp_path: Path, name: str, text: str, said: str) -> None:
        with pytest.raises(InvalidInputError, match=said):
            read_input(str(written(tmp_path, name, text)))

    def test_aliases_of_aliases_are_refused(self, tmp_path: Path) -> None:
        levels = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
        levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
        with pytest.raises(InvalidInputError, match=r"has more than \d+ values"):
            read_input(str(written(tmp_path, "bomb.yaml", "\n".join(levels))))

    def test_a_name_that_is_no_file(self) -> None:
        with pytest.raises(NotFoundError, match=r"There is no file 'nowhere\.json'"):
            read_input("nowhere.json")
