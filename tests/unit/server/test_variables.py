from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepmill.core.endpoint import PLUGIN, PLUGIN_FOLDER, PLUGIN_VARIABLE, AccessKey, Endpoint
from stepmill.server.variables import shell_lines, variables_of

ENDPOINT = Endpoint("http://127.0.0.1:7070", "us-west-2", AccessKey("AKIA", "secret", "default"))


def test_what_is_on_the_path_stays_there() -> None:
    once = variables_of(ENDPOINT, {"PYTHONPATH": "/a:/b", PLUGIN_VARIABLE: "mine=mine"})
    assert once["PYTHONPATH"] == f"{PLUGIN_FOLDER}:/a:/b"
    assert once[PLUGIN_VARIABLE] == f"mine=mine,{PLUGIN}"
    assert variables_of(ENDPOINT, once) == once


def test_the_plugins_folder_holds_one_module_and_nothing_else() -> None:
    found = {path.name for path in PLUGIN_FOLDER.iterdir()} - {"__pycache__"}
    assert found == {"stepmill_endpoint.py"}


@settings(max_examples=15)
@given(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=40))
def test_a_shell_takes_any_value_as_it_is(value: str) -> None:
    lines = "\n".join(shell_lines({"V": value}, ["W"], "sh"))
    told = "import os, json; print(json.dumps([os.environ['V'], os.environ.get('W')]))"
    done = subprocess.run(
        ["sh", "-c", f'{lines}\nexec "$0" -c "$1"', sys.executable, told],
        capture_output=True,
        check=True,
        env={"W": "1", "LC_ALL": "C.UTF-8"},
    )
    assert json.loads(done.stdout) == [value, None]


@pytest.mark.parametrize("shell", ["sh", "fish"])
def test_each_variable_is_a_line(shell: str) -> None:
    assert len(shell_lines({"A": "1", "B": "2"}, ["C"], shell)) == 3
