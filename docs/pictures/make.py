"""Draw demo.svg: the terminal as the demo leaves it. What it shows was run a moment before::

python docs/pictures/make.py
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "examples" / "diabetes" / "pipeline.py"
COLUMNS = 92
RUNS = ([], ["--param", "n_estimators=50"])
# What a terminal is told when the live drawing ends: show the cursor again.
END_OF_DRAWING = "\x1b[?25h"

# Dark text on light ground, readable on pages of either colour: black, red, green, ... white; then bright.
_NORMAL = [(40, 44, 52), (190, 50, 40), (30, 120, 60), (150, 100, 0), (40, 80, 170), (140, 50, 140)]
_BRIGHT = [(110, 110, 110), (210, 60, 50), (40, 140, 70), (170, 120, 0), (50, 100, 200), (160, 60, 160)]
THEME = TerminalTheme(
    (250, 250, 247),
    (40, 44, 52),
    [*_NORMAL, (0, 110, 130), (120, 120, 120)],
    [*_BRIGHT, (0, 130, 150), (90, 90, 90)],
)

# rich's own page takes its font from the network; this one takes what there is.
FORMAT = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<style>
text {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }}
.{unique_id}-matrix {{ font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def run(home: Path, arguments: list[str]) -> str:
    """Run the demo in a home; return what it leaves on a terminal, with its colours."""
    done = subprocess.run(
        [sys.executable, "-m", "stepmill", "run", str(EXAMPLE), *arguments],
        env={
            **os.environ,
            "STEPMILL_HOME": str(home),
            "FORCE_COLOR": "1",
            "COLUMNS": str(COLUMNS),
            "TERM": "xterm",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    return done.stdout.decode().rpartition(END_OF_DRAWING)[2].strip("\r\n")


def draw(told: list[tuple[str, str]]) -> str:
    """Return the picture of commands and what they said."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for command, said in told:
        console.print(Text.assemble(("$ ", "green"), (command, "bold")))
        for line in said.splitlines():
            console.print(Text.from_ansi(line.rstrip()), no_wrap=True, crop=False)
        console.print()
    return console.export_svg(title="stepmill", theme=THEME, code_format=FORMAT, unique_id="demo")


def main() -> None:
    """Run the demo, and draw."""
    with tempfile.TemporaryDirectory() as folder:
        told = [
            (" ".join(["stepmill run examples/diabetes/pipeline.py", *more]), run(Path(folder), more))
            for more in RUNS
        ]
    (HERE / "demo.svg").write_text(draw(told), encoding="utf-8")


if __name__ == "__main__":
    main()
