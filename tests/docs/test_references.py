"""The pages that list what the program has list all of it, and nothing else."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from stepmill.aws import calls
from stepmill.cli.exit_codes import ExitCode
from stepmill.core.errors import DefinitionError
from stepmill.core.settings import Settings
from stepmill.core.settings_file import read_settings
from stepmill.jobs.integrations import integrations
from stepmill.language.pipelines.definition import StepType
from stepmill.language.pipelines.supported import SUPPORTED
from support.pages import ROOT

HOME = Path("home")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_page_of_the_command_line_is_what_its_script_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs" / "reference")
    made = importlib.import_module("make_cli").page()
    assert text_of("docs/reference/cli.md") == f"{made}\n", "run: python docs/reference/make_cli.py"


def test_the_page_of_the_operations_is_what_its_script_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs" / "reference")
    made = importlib.import_module("make_operations").page()
    said = "run: python docs/reference/make_operations.py"
    assert text_of("docs/reference/aws-operations.md") == f"{made}\n", said


def test_the_page_of_the_integrations_is_what_its_script_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs" / "reference")
    made = importlib.import_module("make_integrations").page()
    said = "run: python docs/reference/make_integrations.py"
    assert text_of("docs/reference/integrations.md") == f"{made}\n", said


def test_every_exit_code_is_listed() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", text_of("docs/reference/exit-codes.md"), re.MULTILINE)
    assert [(int(number), name) for number, name in rows] == [(code.value, code.name) for code in ExitCode]


def known_keys(text: str) -> set[str]:
    """Return the keys that the program says it knows, when it is given one that it does not."""
    with pytest.raises(DefinitionError) as caught:
        read_settings(text, home=HOME, project=HOME)
    (mend,) = {found.mend for found in caught.value.findings if found.code == "UNKNOWN_KEY"}
    return set(mend.removeprefix("Known keys: ").rstrip(".").split(", "))


def listed_settings() -> dict[str, str]:
    """Return key -> default, as text, of the page's first table."""
    return dict(
        re.findall(
            r"^\| `(\w+)` \| (?:`([^`]+)`|none) \|", text_of("docs/reference/settings.md"), re.MULTILINE
        )
    )


def test_every_setting_is_listed() -> None:
    page = text_of("docs/reference/settings.md")
    tables = {"images", "functions", "notifications", "machine", "queries", "spot"}
    assert set(listed_settings()) | tables == known_keys("qqq = 1")
    assert set(re.findall(r"^\| `images\.NAME\.(\w+)`", page, re.MULTILINE)) == known_keys(
        '[images.x]\npython = "p"\nqqq = 1'
    )
    assert set(re.findall(r"^\| `functions\.NAME\.(\w+)`", page, re.MULTILINE)) == known_keys(
        '[functions.x]\ncode = "c"\nhandler = "h"\nqqq = 1'
    )
    assert set(re.findall(r"^\| `notifications\.(\w+)`", page, re.MULTILINE)) == known_keys(
        "[notifications]\nqqq = 1"
    )
    assert set(re.findall(r"^\| `queries\.(\w+)`", page, re.MULTILINE)) == known_keys("[queries]\nqqq = 1")
    assert set(re.findall(r"^\| `machine\.(\w+)`", page, re.MULTILINE)) == known_keys("[machine]\nqqq = 1")
    assert set(re.findall(r"^\| `spot\.(\w+)`", page, re.MULTILINE)) == known_keys("[spot]\nqqq = 1")


def test_defaults_of_settings_are_those_listed() -> None:
    lines = [f"{key} = {default}" for key, default in listed_settings().items() if default]
    assert len(lines) > 4
    assert read_settings("\n".join(lines), home=HOME, project=HOME) == Settings(home=HOME, project=HOME)


def test_the_readme_says_which_step_types_run() -> None:
    rows = re.findall(r"^\| ((?:\w+…?(?:, )?)+) \| (run|are read)", text_of("README.md"), re.MULTILINE)
    listed = {said: set(names.split(", ")) for names, said in rows}
    assert listed["run"] == {str(kind) for kind in SUPPORTED}
    others = {str(kind) for kind in StepType if kind not in SUPPORTED}
    named = {name for name in others if not name.startswith("Bedrock")}
    assert named <= listed["are read"]
    assert not {str(kind) for kind in SUPPORTED} & listed["are read"]


def test_the_reference_of_definitions_says_which_step_types_run() -> None:
    page = text_of("docs/reference/definitions.md")
    rows = re.findall(r"^\| ((?:`\w+…?`(?:, )?)+) \|.*\| (yes|no) \|$", page, re.MULTILINE)
    runs = {name for names, answer in rows if answer == "yes" for name in re.findall(r"`(\w+)", names)}
    assert runs == {str(kind) for kind in SUPPORTED}


@pytest.mark.parametrize("page", [calls.PAGE, integrations.PAGE])
def test_a_page_that_errors_send_users_to_exists(page: str) -> None:
    assert (ROOT / page).is_file()
