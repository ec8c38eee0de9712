"""Pages of documentation as tests see them: their blocks, links and headings.

A block that a test shall not simply take as it stands has a comment right above it, which readers of
the page do not see::

    <!-- file: pipeline.py -->       the block is the content of that file, in the page's folder
    <!-- append to: pipeline.py -->  and this one goes on where the other ended
    <!-- exit code: 1 -->            the last command of the block fails so
    <!-- with: sdk2 -->              its commands are run where that SDK is installed
    <!-- not run: why -->            it is not run; the test lists the reasons that count

``<!-- empty files: a.py, b.py -->`` may stand anywhere: the page's folder has these files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)$")
_MARK = re.compile(r"^ *<!-- (?P<name>[a-z ]+): (?P<value>.+) -->$")
_LINK = re.compile(r"(?<!\\)\]\((?P<target>[^)\s]+)\)")
_REFERENCE = re.compile(r"^\[[^\]]+\]: (?P<target>\S+)$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} (?P<text>.+)$")


@dataclass(frozen=True)
class Command:
    """A command of a console block, and the output that the page shows below it."""

    text: str
    output: str
    line: int


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Args:
        language: What stands behind the fence.
        text: Without the indentation of its fence.
        line: Number of its first line in the page.
        marks: The comments right above it.
    """

    language: str
    text: str
    line: int
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def commands(self) -> list[Command]:
        """The commands of a console block.

        A command goes on in lines that begin with ``> ``, or after a backslash at a line's end.
        """
        found: list[tuple[list[str], list[str], int]] = []
        for number, line in enumerate(self.text.splitlines(), self.line):
            if line.startswith("$ "):
                found.append(([line[2:]], [], number))
            elif not found:
                raise ValueError(f"line {number}: a console block begins with a command")
            elif not found[-1][1] and (line.startswith("> ") or found[-1][0][-1].endswith("\\")):
                found[-1][0].append(line.removeprefix("> "))
            else:
                found[-1][1].append(line)
        return [Command("\n".join(words), "\n".join(output), number) for words, output, number in found]


def pages() -> list[Path]:
    """Return all pages of documentation."""
    files = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    return sorted(path for path in files if ".stepmill" not in path.parts)


def name_of(page: Path) -> str:
    """Return a page's path in the project."""
    return page.relative_to(ROOT).as_posix()


def blocks_of(text: str) -> Iterator[Block]:
    """Give the fenced blocks of a page."""
    lines = text.splitlines()
    marks: dict[str, str] = {}
    number = 0
    while number < len(lines):
        if mark := _MARK.match(lines[number]):
            marks[mark["name"]] = mark["value"]
        elif fence := _FENCE.match(lines[number]):
            indent = len(fence["indent"])
            first = number = number + 1
            while lines[number].strip() != "```":
                number += 1
            content = "".join(f"{line[indent:]}\n" for line in lines[first:number])
            yield Block(fence["language"], content, first + 1, marks)
            marks = {}
        else:
            marks = {}
        number += 1


def empty_files(text: str) -> list[str]:
    """Return the names of the empty files that a page wants to have."""
    return [name for names in re.findall(r"<!-- empty files: (.+) -->", text) for name in names.split(", ")]


def prose_of(text: str) -> str:
    """Return a page without its fenced blocks and its code in backticks."""
    kept: list[str] = []
    inside = False
    for line in text.splitlines():
        if line.strip().startswith("```"):
            inside = not inside
        elif not inside:
            kept.append(re.sub(r"`[^`]*`", "", line))
    return "\n".join(kept)


def links_of(text: str) -> list[str]:
    """Return where the links and pictures of a page lead."""
    prose = prose_of(text)
    return [found["target"] for pattern in (_LINK, _REFERENCE) for found in pattern.finditer(prose)]


def anchors_of(text: str) -> set[str]:
    """Return the anchors that a page's headings get where it is shown: GitHub's rule."""
    anchors: set[str] = set()
    inside = False
    for line in text.splitlines():
        if line.strip().startswith("```"):
            inside = not inside
        heading = None if inside else _HEADING.match(line)
        if heading:
            name = re.sub(r"[^\w\- ]", "", heading["text"].lower()).replace(" ", "-")
            count = sum(
                anchor == name or re.fullmatch(rf"{re.escape(name)}-\d+", anchor) is not None
                for anchor in anchors
            )
            anchors.add(f"{name}-{count}" if count else name)
    return anchors
