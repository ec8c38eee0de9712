"""Digests of what jobs took and gave: of all of it in the end, and nobody waits for them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from stepmill.jobs.lineage.digesting import SMALL_BYTES, Digesting
from stepmill.storage.lineage import Entity
from stepmill.storage.objects.uri import S3Uri
from support.cli import eventually
from support.lineage import SECOND, Recording, recording

FAST, SLOW = 1 << 40, 1


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Recording]:
    with recording(tmp_path) as home:
        yield home


@contextmanager
def digesting(home: Recording, *, small: int = 4, bytes_s: int = FAST) -> Iterator[Digesting]:
    """Open one that takes more than so many bytes for large."""
    made = Digesting(
        home.store, home.versions, home.kept.folder / "turn", largest_small_bytes=small, bytes_s=bytes_s
    )
    try:
        yield made
    finally:
        made.close()


def take(home: Recording, **data: str) -> None:
    """Say that a job took each of these as a file of its own."""
    for name, text in data.items():
        path = home.kept.folder / name
        path.write_text(text)
        os.utime(path, (0, 0))
    home.train("fit-" + "-".join(data), {name: name for name in data})
    home.recorder.catch_up()


def digest_of(home: Recording, name: str) -> str:
    return home.artifact((home.kept.folder / name).as_uri()).digest


def expected(text: str) -> str:
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def is_digested(home: Recording, name: str) -> Callable[[], bool]:
    return lambda: digest_of(home, name).startswith("sha256:")


def test_more_than_64_mib_are_read_behind_everybodys_back(home: Recording) -> None:
    path = home.kept.folder / "large"
    with path.open("wb") as file:
        file.truncate(SMALL_BYTES + 1)
    os.utime(path, (0, 0))
    take(home, small="abc")
    home.train("fit", {"large": "large"})
    home.recorder.catch_up()
    assert home.digesting.complete() == 1, "nobody who asks waits for what is large"
    assert (digest_of(home, "small"), digest_of(home, "large")) == (
        expected("abc"),
        f"pending:{SMALL_BYTES + 1:020}",
    )
    with digesting(home, small=SMALL_BYTES) as digests:
        digests.wake()
        eventually(is_digested(home, "large"), "the digest")
    assert digest_of(home, "large") == f"sha256:{sha256(bytes(SMALL_BYTES + 1)).hexdigest()}"


def test_small_ones_do_not_starve_behind_large_ones(home: Recording) -> None:
    take(home, **{f"large{n}": f"large {n}" for n in range(5)})
    take(home, small="abc")
    assert home.digesting.complete(largest_bytes=4, most=1) == 1
    assert digest_of(home, "small") == expected("abc")


def test_small_ones_that_come_later_do_not_wait_for_a_large_one(home: Recording) -> None:
    take(home, large="a" * 1000)
    with digesting(home, bytes_s=SLOW) as digests:
        digests.wake()
        take(home, small="abc")
        digests.wake()
        eventually(is_digested(home, "small"), "the digest")
        assert digest_of(home, "large").startswith("pending:")


def test_it_stops_in_the_middle_and_somebody_else_goes_on(home: Recording) -> None:
    take(home, large="a" * 1000)
    with digesting(home, bytes_s=SLOW) as digests:
        digests.wake()
    assert digest_of(home, "large").startswith("pending:")
    with digesting(home) as digests:
        digests.wake()
        eventually(is_digested(home, "large"), "the digest")
    assert digest_of(home, "large") == expected("a" * 1000)


def test_objects_that_were_read_are_not_read_again(home: Recording) -> None:
    for name in "ab":
        path = home.kept.folder / name
        path.write_text(name * 1000)
        home.kept.objects.put_file(S3Uri("bucket", f"raw/{name}"), path)
    home.kept.clock.advance(SECOND)
    home.train("fit", {"raw": "s3://bucket/raw"})
    home.recorder.catch_up()
    raw, read = home.artifact("s3://bucket/raw"), list[int]()

    def passed(size_bytes: int) -> None:
        read.append(size_bytes)
        if sum(read) > 1000:
            raise KeyError

    with pytest.raises(KeyError):
        home.versions.digest(raw.source_uri, str(raw.body["stamp"]), passed)
    assert sum(read) == 2000
    read.clear()
    assert home.versions.digest(raw.source_uri, str(raw.body["stamp"]), passed).startswith("sha256:")
    assert sum(read) == 1000


def test_whoever_wants_to_wait_has_everything_read(home: Recording) -> None:
    take(home, large="a" * 1000, small="abc")
    with digesting(home, bytes_s=SLOW) as digests:
        assert digests.everything() == (2, 1003)
        assert digests.everything() == (0, 0)
    assert digest_of(home, "large") == expected("a" * 1000)


def test_one_process_at_a_time_reads_what_is_large(home: Recording) -> None:
    take(home, large="a" * 1000, small="abc")
    turn = home.kept.folder / "turn"
    with turn.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with digesting(home) as digests:
            digests.wake()
            eventually(is_digested(home, "small"), "the digest")
            digests.close()
    assert digest_of(home, "large").startswith("pending:")


def test_whoever_closes_reads_what_is_small(home: Recording) -> None:
    take(home, large="a" * 1000)
    with digesting(home, bytes_s=SLOW) as digests:
        digests.wake()
        take(home, small="abc")
        digests.wake()
        digests.close()
        digests.close()
        digests.wake()
    assert digest_of(home, "small") == expected("abc")
    assert digest_of(home, "large").startswith("pending:")


def test_what_is_other_data_by_now_is_never_digested(home: Recording) -> None:
    take(home, large="a" * 1000)
    (home.kept.folder / "large").write_text("other")
    with digesting(home) as digests:
        digests.wake()
        eventually(lambda: not digest_of(home, "large").startswith("pending:"), "it was looked at")
    assert digest_of(home, "large") == ""


def test_what_ends_badly_is_tried_again(home: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    take(home, small="abc")
    real, failures = home.store.pending, iter([OSError("no disk")])

    def pending(first: str, last: str, *, limit: int) -> list[Entity]:
        if error := next(failures, None):
            raise error
        return real(first, last, limit=limit)

    monkeypatch.setattr(home.store, "pending", pending)
    with digesting(home) as digests:
        digests.wake()
        eventually(lambda: next(failures, None) is None, "the digest")
        digests.wake()
        eventually(is_digested(home, "small"), "the digest")
    assert digest_of(home, "small") == expected("abc")
