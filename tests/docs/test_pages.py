"""What the pages tell users to do works, and gives what they show.

Each page is played from its top to its end in a folder of its own, which has the examples in it. Its
state is in the ``.stepmill`` of that folder.
"""

from __future__ import annotations

import doctest
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from stepmill.core.settings_file import read_settings
from support.clients import sdk_environment
from support.pages import ROOT, Block, Command, blocks_of, empty_files, name_of, pages

# Long for a busy machine; nothing here takes more than some seconds.
LIMIT_S = 300.0

PAGES = [page for page in pages() if any(True for _ in blocks_of(page.read_text(encoding="utf-8")))]

# Why a block may not be run.
REASONS = {
    "it makes an environment and downloads packages",
    "it is this test",
    "it needs the right to install programs",
    "it needs an AWS account",
    "it needs a terminal",
    "it runs until somebody else ends it",
    "it needs a container engine",
    "it builds an environment and downloads packages",
    "it needs the sagemaker SDK",
    "it runs in a job of several hosts",
}

LANGUAGES = {"console", "python", "toml", "json", "yaml", "text"}


@dataclass
class Player:
    """Does what a page says.

    Args:
        folder: The page's own.
        place: Where its commands have got to with ``cd``.
        code: Exit code of the last command.
    """

    folder: Path
    place: Path
    code: int = 0

    def play(self, block: Block) -> None:
        """Take one block."""
        if "not run" in block.marks:
            assert block.marks["not run"] in REASONS, f"line {block.line}: not a reason"
        elif "file" in block.marks:
            self.write(block.marks["file"], block.text)
        elif "append to" in block.marks:
            name = block.marks["append to"]
            self.write(name, (self.place / name).read_text(encoding="utf-8") + "\n\n" + block.text)
        elif block.language == "console":
            self.run(block)
        elif block.language == "json":
            json.loads(block.text)
        elif block.language == "toml":
            read_settings(block.text, home=self.folder, project=self.folder)
        elif block.language == "python" and ">>> " in block.text:
            run_doctest(block)

    def write(self, name: str, text: str) -> None:
        """Write a file that the page shows."""
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self, block: Block) -> None:
        """Run the commands of a block."""
        commands = block.commands
        for command in commands:
            output = self.run_command(command, block.marks.get("with", ""))
            wanted = int(block.marks.get("exit code", "0")) if command is commands[-1] else 0
            shown = f"line {command.line}: $ {command.text}\n{output}"
            assert self.code == wanted, f"{shown}\nexit code {self.code}"
            if command.output:
                assert fits(command.output, output), f"{shown}\n---- the page shows:\n{command.output}"

    def run_command(self, command: Command, sdk: str = "") -> str:
        """Run a command where the last one has left off; return what it said.

        Args:
            command: The command.
            sdk: The environment, ``sdk2``, whose programs it finds before all others.
        """
        programs = f"PATH='{sdk_environment(int(sdk[-1]))}/bin':$PATH" if sdk else ":"
        left, kept = self.folder / ".place", self.folder / ".variables"
        # As in a shell that goes on: its place, variables and $? are those of the last command.
        script = (
            f"set -a; if [ -e '{kept}' ]; then . '{kept}'; fi; plain=$PATH; {programs}; (exit {self.code})\n"
            f"{command.text}\n"
            f"left=$?; PATH=$plain; pwd > '{left}'; export -p > '{kept}'; exit $left\n"
        )
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.place,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LIMIT_S,
            check=False,
        )
        self.code = done.returncode
        self.place = Path(left.read_text(encoding="utf-8").rstrip("\n"))
        return done.stdout.decode("utf-8", "replace")


def environment() -> dict[str, str]:
    """Return the variables of a user who has Stepmill installed and has set nothing."""
    plain = {
        name: value
        for name, value in os.environ.items()
        if name not in ("COLUMNS", "LINES", "STEPMILL_HOME", "FORCE_COLOR") and not name.startswith("PYTEST")
    }
    return {**plain, "PATH": f"{Path(sys.executable).parent}:{plain['PATH']}", "LC_ALL": "C.UTF-8"}


def run_doctest(block: Block) -> None:
    test = doctest.DocTestParser().get_doctest(block.text, {}, f"line {block.line}", None, block.line)
    assert doctest.DocTestRunner().run(test).failed == 0


def fits(shown: str, said: str) -> bool:
    """Say whether an output is the one that a page shows.

    A line ``...`` in the page stands for any lines, or none, and ``...`` in a line for anything in it. What
    differs from run to run (times, moments, ids, the width of columns) may differ.
    """
    pattern = "".join(
        r"(?:.*\n)*" if line == "..." else ".*".join(map(re.escape, line.split("..."))) + r"\n"
        for line in plain(shown).splitlines()
    )
    return re.fullmatch(pattern, plain(said) + "\n") is not None


def plain(text: str) -> str:
    """Return a text in which all that differs from run to run is the same."""
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?", "MOMENT", text)
    text = re.sub(r"\b\d\d:\d\d:\d\d(\.\d+)?\b", "CLOCK", text)
    text = re.sub(r"\b(\d+ h \d+ min|\d+ min \d+ s|\d+\.\d s|\d+ ms)(?!\w)", "TIME", text)
    text = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "ID", text)
    text = re.sub(r"\b[0-9a-z]{12}\b", "ID", text)
    text = re.sub(r"\b[\d.]+ (bytes|kB|MB|GB)", "SIZE", text)
    lines = (re.sub(r"[ \t]+", " ", line).rstrip() for line in text.strip().splitlines())
    return "\n".join(line for line in lines if line)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns(".stepmill"))
    player = Player(tmp_path, start_of(page, tmp_path))
    for name in empty_files(text):
        player.write(name, "")
    try:
        for block in blocks_of(text):
            player.play(block)
        run_the_rest(text, player.place)
    finally:
        end_servers(tmp_path)


def end_servers(folder: Path) -> None:
    """End the server that a page which came to no good end has left running, as ``$server``."""
    kept = folder / ".variables"
    left = re.search(r'^declare -x server="(\d+)"$', kept.read_text() if kept.exists() else "", re.MULTILINE)
    if left:
        with suppress(ProcessLookupError):
            os.kill(int(left[1]), signal.SIGTERM)


def start_of(page: Path, folder: Path) -> Path:
    """Return where a reader of the page is: in the example that it is about, or in a folder of their own."""
    return folder / page.parent.relative_to(ROOT) if "examples" in page.parts else folder


def run_the_rest(text: str, folder: Path) -> None:
    """Run the Python of a page that went into no file."""
    parts = [
        b.text for b in blocks_of(text) if b.language == "python" and not b.marks and ">>> " not in b.text
    ]
    if not parts:
        return
    (folder / "rest_of_page.py").write_text("\n\n".join(parts), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "rest_of_page.py"],
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_command_and_no_code_hides_in_plain_text(page: Path) -> None:
    for block in blocks_of(page.read_text(encoding="utf-8")):
        assert block.language in LANGUAGES, f"line {block.line}: {block.language!r} says not what it is"
        hidden = re.search(r"^(\$ |stepmill |pip |make |import |from )", block.text, re.MULTILINE)
        assert block.language != "text" or not hidden, f"line {block.line}: make it a console or python block"


def test_what_differs_from_run_to_run_may_differ() -> None:
    shown = "✓ Succeeded   3.1 s  trees ...\nWines 8f7pthso5fky  2026-11-21 08:52:45"
    assert fits(shown, "✓ Succeeded 940 ms  trees 200\nWines 6ctgqoaqiw3e  2027-01-01 00:00:00\n")
    assert fits("order d9db53d2-0b0a-45ef-aeba-f8822a5c539d", "order 5ed52ca3-eed2-4efe-bcff-524de2066482")
    assert not fits("order d9db53d2-0b0a-45ef-aeba-f8822a5c539d", "order 5ed52ca3-eed2")
    assert fits("a\n...\nb", "a\nb")
    assert fits("a\n...\nb", "a\nx\ny\nb")
    assert not fits("a\n...\nb", "a\nx\ny\nbb")
    assert not fits("a ...", "a x\ny")
    assert not fits(shown, "✗ Failed 940 ms  trees 200\nWines 6ctgqoaqiw3e  2027-01-01 00:00:00\n")


def test_a_block_knows_its_commands_and_what_they_show() -> None:
    (block,) = blocks_of("text\n\n<!-- exit code: 1 -->\n```console\n$ a \\\n>   b\nx\ny\n$ c\n```\n")
    assert block.marks == {"exit code": "1"}
    assert block.commands == [Command("a \\\n  b", "x\ny", 5), Command("c", "", 9)]
