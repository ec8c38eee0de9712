"""Pages of scanned bundles, made by chance: a text and a small picture each. Nothing is downloaded.

A bundle is a letter, some invoices and forms behind it, and perhaps another letter. Texts are short and
pictures blurred, so neither tells the kind of a page alone; what came before helps.
"""

import json
import sys
from pathlib import Path

import numpy as np

KINDS = ("letter", "invoice", "form")
SIDE = 12
WORDS = {
    "letter": "dear sincerely regards enclosed please yours kindly thank meeting reply",
    "invoice": "total amount due tax quantity price payment account net balance",
    "form": "name address signature date box tick birth applicant section number",
}
COMMON = ["the", "of", "and", "to", "a", "in", "is", "for", "on", "with", "that", "by", "please", "date"]
# From which kind of page which kind comes next.
NEXT = np.array([[0.05, 0.65, 0.30], [0.25, 0.60, 0.15], [0.35, 0.05, 0.60]])


def make_pages(bundles: int, seed: int) -> list[dict]:
    """Make the pages of bundles, as dictionaries: bundle, kind, text, picture (SIDE * SIDE grey values)."""
    chance = np.random.default_rng(seed)
    pages = []
    for bundle in range(bundles):
        kind = 0
        for _ in range(int(chance.integers(6, 14))):
            pages.append(
                {
                    "bundle": bundle,
                    "kind": KINDS[kind],
                    "text": _text(chance, KINDS[kind]),
                    "picture": _picture(chance, kind),
                }
            )
            kind = int(chance.choice(3, p=NEXT[kind]))
    return pages


def read_pages(folder: str) -> list[dict]:
    """Read the pages of all files of a channel."""
    files = sorted(Path(folder).rglob("*.jsonl"))
    if not files:
        sys.exit(f"There are no pages in {folder}.")
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def _text(chance: np.random.Generator, kind: str) -> str:
    words = list(chance.choice(COMMON, 8))
    words += list(chance.choice(WORDS[kind].split(), int(chance.integers(0, 3))))
    other = KINDS[int(chance.integers(3))]
    words += list(chance.choice(WORDS[other].split(), 1))
    chance.shuffle(words)
    return " ".join(words)


def _picture(chance: np.random.Generator, kind: int) -> list[float]:
    ink = np.zeros((SIDE, SIDE))
    if kind == 0:
        ink[2::2, 1:-2] = 1
    elif kind == 1:
        ink[4:-2, 2::3] = 1
        ink[-2, 6:] = 1
    else:
        ink[1::4, 1:5] = 1
        ink[3::4, 6:-1] = 1
    return np.round(ink + chance.normal(0, 3, ink.shape), 2).ravel().tolist()
