"""``stepmill lineage``: which data and code made this, what came of it, what changed between two."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.filesize import decimal
from rich.text import Text

from stepmill.cli.context import AsJson, open_platform
from stepmill.cli.output import Output, counted
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from stepmill.catalog.lineage.finding import Finder
    from stepmill.catalog.lineage.graph import Shown
    from stepmill.jobs.lineage.comparing import Change
    from stepmill.jobs.lineage.sources import SourceFile
    from stepmill.platform import Platform
    from stepmill.storage.lineage import Entity

Reference = Annotated[
    str,
    typer.Argument(
        metavar="WHAT",
        help="GROUP/VERSION, feature-group/NAME, an s3:// address, a path, a job, a step, an execution, or "
        "an ARN.",
        show_default=False,
    ),
]
Depth = Annotated[int, typer.Option(min=1, max=50, help="At most so many steps away.")]
AsGraph = Annotated[bool, typer.Option("--graph", help="Draw it in the order in which things came about.")]
AsDot = Annotated[bool, typer.Option("--dot", help="Write it for Graphviz.")]
AsMermaid = Annotated[bool, typer.Option("--mermaid", help="Write it for Mermaid.")]
AsPage = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a page of its own.", show_default=False)
]

# Two values that are longer together stand one below the other.
_LONGEST_PAIR = 60

lineage_app = typer.Typer(no_args_is_help=True, help="Which data and code made what, and what came of it.")


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.add_typer(lineage_app, name="lineage")


@lineage_app.command("of")
def of_(
    what: Reference,
    depth: Depth = 50,
    graph: AsGraph = False,
    dot: AsDot = False,
    mermaid: AsMermaid = False,
    html: AsPage = None,
    as_json: AsJson = False,
) -> None:
    """Show which data, code, jobs and images led to something."""
    _show(what, depth, upstream=True, graph=graph, dot=dot, mermaid=mermaid, html=html, as_json=as_json)


@lineage_app.command("from")
def from_(
    what: Reference,
    depth: Depth = 50,
    graph: AsGraph = False,
    dot: AsDot = False,
    mermaid: AsMermaid = False,
    html: AsPage = None,
    as_json: AsJson = False,
) -> None:
    """Show what came of something: jobs, data, models."""
    _show(what, depth, upstream=False, graph=graph, dot=dot, mermaid=mermaid, html=html, as_json=as_json)


@lineage_app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="As for `of`.", show_default=False)],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="As for `of`.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Show what changed between two: data, code, parameters, software, metrics."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        _catch_up(platform)
        finder = _finder(platform)
        changes = platform.lineage_comparing.changes(finder.find(before), finder.find(after))
    if as_json:
        output.json_line([_change_document(change) for change in changes], indent=2)
        return
    if not changes:
        output.answer(None, "Nothing that lineage knows of has changed.")
    _print_changes(output, changes, f"{before} -> {after}")


@lineage_app.command()
def code(
    what: Annotated[
        str, typer.Argument(metavar="STEP|JOB", help="A step, a job, a model.", show_default=False)
    ],
    to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the files there.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the code of a step as it ran, or write it to a folder."""
    from stepmill.jobs.lineage.sources import write_sources

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        _catch_up(platform)
        files = _code_of(platform, _finder(platform).find(what))
    if to is not None:
        places = write_sources(files, to)
        output.answer([str(place) for place in places], f"Wrote {counted(len(places), 'file')} to {to}.")
        return
    if as_json:
        output.json_line([{"name": one.name, "text": one.text} for one in files], indent=2)
        return
    for one in files:
        output.answer(None, Text(one.name, style="bold cyan"))
        output.line(one.text if one.text is not None else f"({len(one.data)} bytes, no text)")


@lineage_app.command()
def digest(as_json: AsJson = False) -> None:
    """Compute the digests of all data that has none yet, and wait for it."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        platform.lineage.catch_up()
        count, size_bytes = platform.lineage_digesting.everything()
    told = f"Digested {counted(count, 'artifact')}, {decimal(size_bytes)}."
    output.answer({"artifacts": count, "bytes": size_bytes}, told if count else "Everything is digested.")


def _show(
    what: str,
    depth: int,
    *,
    upstream: bool,
    graph: bool,
    dot: bool,
    mermaid: bool,
    html: Path | None,
    as_json: bool,
) -> None:
    if sum((graph, dot, mermaid, html is not None, as_json)) > 1:
        raise InvalidInputError(
            "These ways of showing exclude one another.", mend="Give one of --graph, --dot, --mermaid, "
            "--html and --json."
        )  # fmt: skip
    from stepmill.catalog.lineage.graph import shown

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        _catch_up(platform)
        start = _finder(platform).find(what)
        found = shown(platform.lineage.store, start, upstream=upstream, depth=depth)
    _answer(output, found, what, graph=graph, dot=dot, mermaid=mermaid, html=html)


def _answer(
    output: Output, found: Shown, what: str, *, graph: bool, dot: bool, mermaid: bool, html: Path | None
) -> None:
    from stepmill.cli.lineage import graphs, page, tree, words

    if html is not None:
        title = f"{'What led to' if found.upstream else 'What came of'} {what}"
        text = page.page_of(found, title).encode("utf-8", "replace")
        try:
            html.write_bytes(text)
        except OSError as error:
            raise ConflictError(f"The page cannot be written: {error.strerror}.", where=str(html)) from error
        output.answer({"file": str(html)}, f"Wrote {html}.")
    elif dot or mermaid:
        output.line(graphs.dot_of(found) if dot else graphs.mermaid_of(found))
    elif output.as_json:
        output.json_line(words.document_of(found), indent=2)
    else:
        output.answer(None, tree.rows_of(found) if graph else tree.tree_of(found))
        if len(found.entities) == 1:
            nothing = "Nothing is known that led to it." if found.upstream else "Nothing has come of it yet."
            output.remark(nothing)


def _catch_up(platform: Platform) -> None:
    platform.lineage.catch_up()
    platform.lineage_digesting.complete()


def _finder(platform: Platform) -> Finder:
    return platform.lineage_finder


def _code_of(platform: Platform, entity: Entity) -> list[SourceFile]:
    """Return the code that something is, or that it directly came of; of a model that of its job."""
    from stepmill.jobs.lineage.sources import source_files

    if entity.type == "Code":
        return source_files(platform.kept_code, entity)
    jobs = platform.lineage_comparing.jobs(entity)
    found = list(jobs.values())[-1:] if jobs else []
    artifacts = [one for job in found for one in job.inputs.values() if one.type == "Code"]
    if not artifacts:
        raise NotFoundError(
            "It came of no code that lineage knows of.", mend="`stepmill lineage of` shows what it came of."
        )
    if len(artifacts) == 1:
        return source_files(platform.kept_code, artifacts[0])
    named = {name: one for job in found for name, one in job.inputs.items() if one.type == "Code"}
    from stepmill.jobs.lineage.sources import SourceFile

    return [
        SourceFile(f"{name}/{file.name}", file.data)
        for name, one in named.items()
        for file in source_files(platform.kept_code, one)
    ]


def _print_changes(output: Output, changes: Sequence[Change], title: str) -> None:
    step: str | None = None
    for change in changes:
        if change.step != step:
            step = change.step
            output.answer(None, Text(f"step {step}" if step else title, style="bold"))
        output.answer(None, _line_of(change))
        for text in change.lines:
            style = {"+": "green", "-": "red", "@": "cyan"}.get(text[:1], "")
            output.answer(None, Text(f"    {text}", style=style))


def _line_of(change: Change) -> Text:
    line = Text.assemble("  ", (f"{change.what} ", "cyan"), (change.name, ""))
    before, after = change.before, change.after
    if change.what == "step":
        only = "the second" if before is None else "the first"
        return Text.assemble("  ", (f"only in {only}: ", "cyan"), after or before or "")
    if change.lines:
        return line
    if before is not None and after is not None and len(before) + len(after) <= _LONGEST_PAIR:
        return line.append(f"  {before}", "red").append(" -> ", "dim").append(after, "green")
    for sign, value, style in (("-", before, "red"), ("+", after, "green")):
        if value is not None:
            line.append(f"\n    {sign} {value}", style)
    return line


def _change_document(change: Change) -> dict[str, object]:
    return {
        "step": change.step,
        "what": change.what,
        "name": change.name,
        "before": change.before,
        "after": change.after,
        **({"diff": list(change.lines)} if change.lines else {}),
    }
