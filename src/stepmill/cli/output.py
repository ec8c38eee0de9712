"""What is said, and where: answers on standard output, remarks and errors on standard error."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TextIO

import msgspec
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from stepmill.cli.terminal import SafeConsole, harmless
from stepmill.core.errors import DefinitionError, InvalidRowsError, StepmillError
from stepmill.core.findings import Finding, Severity

_WIDE = 200
# Whoever was refused reads the first ones; `stepmill lint` is there for all.
_MOST_FINDINGS = 50
_SEVERITY_STYLE = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}


class Output:
    """Speaks to whoever started the command.

    Args:
        as_json: One JSON document (or, of what is followed live, one a line) instead of text.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        # A file or a pipe has no width to fit into.
        width = None if sys.stdout.isatty() else _WIDE
        self.console = SafeConsole(highlight=False, width=width)
        self.remarks = SafeConsole(stderr=True, highlight=False, soft_wrap=True)

    @property
    def is_live(self) -> bool:
        """Whether standard output is a terminal on which lines can be drawn again."""
        return self.console.is_terminal and not self.as_json

    def answer(self, document: object, *renderables: RenderableType) -> None:
        """Give the answer: the document as JSON, or else these, one after another."""
        if self.as_json:
            self.json_line(document, indent=2)
            return
        for renderable in renderables:
            self.console.print(renderable)

    def json_line(self, document: object, *, indent: int = 0) -> None:
        """Write one JSON document to standard output, and out of the buffer."""
        text = msgspec.json.encode(document, enc_hook=_json_of)
        if indent:
            text = msgspec.json.format(text, indent=indent)
        _write(sys.stdout, text.decode() + "\n")

    def line(self, text: str) -> None:
        """Write one line of text without markup or wrapping; but for a terminal just as it is."""
        _write(sys.stdout, (harmless(text) if sys.stdout.isatty() else text) + "\n")

    def remark(self, text: str, style: str = "") -> None:
        """Say something beside the answer."""
        self.remarks.print(Text(text, style=style))

    def error(self, error: StepmillError) -> None:
        """Say what is wrong, where, and how to mend it; of a definition, all findings."""
        if self.as_json:
            self.json_line({"error": _error_document(error)}, indent=2)
            return
        if isinstance(error, DefinitionError | InvalidRowsError):
            for finding in error.findings[:_MOST_FINDINGS]:
                self.remarks.print(finding_text(finding))
            more = len(error.findings) - _MOST_FINDINGS
            if more > 0:
                way = "`stepmill lint`" if isinstance(error, DefinitionError) else "--json"
                self.remark(f"... and {more} more: {way} shows all.")
            return
        self.remarks.print(Text("error: ", "bold red").append(error.what, "default"))
        if error.where:
            self.remarks.print(Text(f"   at: {error.where}", "cyan"))
        if error.mend:
            self.remarks.print(Text(f" mend: {error.mend}", "green"))


def finding_text(finding: Finding) -> Text:
    """Return a finding as three short lines: what, where, mend."""
    text = Text()
    text.append(f"{finding.severity}", _SEVERITY_STYLE[finding.severity])
    text.append(f" {finding.code}", "bold").append(f": {finding.message}")
    text.append(f"\n   at: {finding.path or 'the document'}", "cyan")
    if finding.mend:
        text.append(f"\n mend: {finding.mend}", "green")
    return text


def finding_document(finding: Finding) -> dict[str, str]:
    """Return a finding as a JSON object."""
    return {
        "code": finding.code,
        "severity": str(finding.severity),
        "path": finding.path,
        "message": finding.message,
        "mend": finding.mend,
    }


def table(columns: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> Table:
    """Return a plain table: no frame, one line a row, no line of titles if there are none."""
    made = Table(box=None, pad_edge=False, header_style="bold", show_header=any(columns))
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(escape(cell) if isinstance(cell, str) else cell for cell in row))
    return made


def duration(span: timedelta | None) -> str:
    """Return a span as people say it.

    Example:
        >>> [duration(timedelta(seconds=s)) for s in (0.0421, 12.34, 75, 7322)]
        ['42 ms', '12.3 s', '1 min 15 s', '2 h 2 min']
    """
    if span is None:
        return ""
    seconds = span.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def counted(count: int, noun: str) -> str:
    """Return a number of things.

    Example:
        >>> counted(0, "error"), counted(1, "error")
        ('0 errors', '1 error')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def moment(at: datetime | None) -> str:
    """Return a moment in the reader's own time zone, to the second."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else ""


def shortened(text: str, most: int = 300) -> str:
    """Return a text of at most so many characters; of a longer one the beginning, and how long it is.

    Example:
        >>> shortened("abc"), shortened("abcdef", 3)
        ('abc', 'abc... (6 characters)')
    """
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"


def number(value: float) -> str:
    """Return a metric's value, short.

    Example:
        >>> [number(v) for v in (0.123456789, 3.0, 2859.69, 1e-9)]
        ['0.1235', '3', '2860', '1e-09']
    """
    return f"{value:.4g}"


def _error_document(error: StepmillError) -> dict[str, object]:
    document: dict[str, object] = {
        "type": type(error).__name__,
        "what": error.what,
        "where": error.where,
        "mend": error.mend,
    }
    if isinstance(error, DefinitionError | InvalidRowsError):
        document["findings"] = [finding_document(finding) for finding in error.findings]
    return document


def _json_of(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value)


def _write(stream: TextIO, text: str) -> None:
    # A log may hold what the terminal's encoding cannot show.
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
