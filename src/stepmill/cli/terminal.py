"""What a terminal may be sent of texts that a job or a definition wrote.

A terminal obeys control characters: a log could rename the window, put words into the clipboard, or
draw over what was printed before. So on a terminal only colours, tabs and line ends get through as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

# Colours and styles: "Select Graphic Rendition" of ECMA-48.
_COLOUR = r"\x1b\[[0-9;:]*m"
# C0 but for tab and line feed, DEL, C1; and what turns the direction of writing, so the order of words.
_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
_COLOUR_OR_CONTROL = re.compile(f"{_COLOUR}|{_CONTROL}")
_ANY_CONTROL = re.compile(_CONTROL)
_RESET = "\x1b[0m"


def harmless(text: str) -> str:
    r"""Return a text with its control characters spelt out, but for colours, which end with it.

    Example:
        >>> harmless("\x1b[31mred\x1b]0;title\x07")
        '\x1b[31mred\\x1b]0;title\\x07\x1b[0m'
        >>> harmless("10%\r20%\r\n")
        '10%\n20%\n'
    """
    # A progress bar that draws over itself: every state of it a line.
    text = text.replace("\r\n", "\n").rstrip("\r").replace("\r", "\n")
    shown = _COLOUR_OR_CONTROL.sub(lambda found: found[0] if len(found[0]) > 1 else _spelt(found), text)
    return shown + _RESET if "\x1b" in shown else shown


def plain(text: str) -> str:
    r"""Return a text with all control characters spelt out, colours too.

    Example:
        >>> plain("a\x1b[2Jb\tc")
        'a\\x1b[2Jb\tc'
    """
    return _ANY_CONTROL.sub(_spelt, text)


def _spelt(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


class SafeConsole(Console):
    """A console whose texts reach the terminal with their control characters spelt out."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as rich does; what rich itself tells the terminal goes through as it is."""
        for segment in super().render(renderable, options):
            if segment.control or not _ANY_CONTROL.search(segment.text):
                yield segment
            else:
                yield Segment(plain(segment.text), segment.style)
