"""Every link of the pages leads somewhere."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.pages import ROOT, anchors_of, links_of, name_of, pages

PAGES = pages()

# Places outside that the pages may name. Nothing here asks whether they answer.
HOSTS = {"docs.aws.amazon.com", "github.com", "keepachangelog.com", "semver.org"}


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links_of(text_of(page)):
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme == "https", link
            assert parts.hostname in HOSTS, link
            continue
        target = (page.parent / parts.path).resolve() if parts.path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if parts.fragment:
            assert parts.fragment in anchors_of(text_of(target)), link


def test_every_page_can_be_reached_from_the_readme() -> None:
    found: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in found or page.suffix != ".md":
            continue
        found.add(page)
        links = (urlsplit(link) for link in links_of(text_of(page)))
        waiting += [(page.parent / link.path).resolve() for link in links if link.path and not link.scheme]
    assert sorted(name_of(page) for page in PAGES if page not in found) == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.is_relative_to(ROOT / "docs")], ids=name_of)
def test_a_page_says_first_whom_it_serves(page: Path) -> None:
    title, _, rest = text_of(page).partition("\n")
    assert title.startswith("# ")
    first = rest.strip().splitlines()[0]
    assert first.startswith("*For "), first


def test_anchors_are_those_of_headings() -> None:
    assert anchors_of("# The `a` and B!\n```text\n# no\n```\n## Two words\n## Two words\n") == {
        "the-a-and-b",
        "two-words",
        "two-words-1",
    }
