"""Bookings that several processes share."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from stepmill.compute.supervision.files import LOCK
from stepmill.jobs.machine.booking import Amount, Capacity, Ticket
from stepmill.jobs.machine.ledger import Entry, Ledger, still_holds

SMALL = Capacity(2.0, 100)
JOB = Path("/jobs/none")


def ticket(key: str, cpus: float = 1.0, at: float = 0.0, gpus: int = 0) -> Ticket:
    return Ticket(key, at, Amount(cpus, 1, gpus))


def begins(ledger: Ledger, asked: Ticket) -> bool:
    return next(each for each in ledger.ask(asked, JOB) if each.key == asked.key).has_begun


def entries_in(folder: Path) -> list[Entry]:
    line = (folder / "bookings.json").read_bytes().partition(b"\n")[0]
    return msgspec.json.decode(line, type=list[Entry])


def test_what_one_has_booked_the_other_has_not(tmp_path: Path) -> None:
    one, other = Ledger(tmp_path, SMALL), Ledger(tmp_path, SMALL)
    assert begins(one, ticket("a", 2))
    assert not begins(other, ticket("b"))
    one.leave("a")
    assert other.look({"b"}) == {"b"}


def test_asking_twice_books_once(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, SMALL)
    assert begins(ledger, ticket("a"))
    assert begins(ledger, ticket("a"))
    assert begins(ledger, ticket("b"))
    assert not begins(ledger, ticket("c"))


def test_leaving_what_was_never_booked_is_nothing(tmp_path: Path) -> None:
    Ledger(tmp_path, SMALL).leave("a")


def test_one_that_runs_already_is_booked_though_there_is_no_room(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, SMALL)
    assert begins(ledger, ticket("a", 2))
    running = Ticket("b", 1.0, Amount(2.0, 1), has_begun=True)
    assert begins(ledger, running)
    ledger.leave("a")
    assert not begins(ledger, ticket("c"))


def test_who_asked_first_keeps_his_place_after_a_restart(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, SMALL)
    assert begins(ledger, ticket("a", 2, at=1))
    assert not begins(ledger, ticket("late", 2, at=3))
    assert not begins(ledger, ticket("early", 2, at=2))
    ledger.leave("a")
    assert ledger.look({"late"}) == set()
    assert ledger.look({"early"}) == {"early"}


def test_who_waits_and_is_not_in_the_row_any_more_asks_again(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, SMALL)
    assert begins(ledger, ticket("a", 2))
    assert not begins(ledger, ticket("b", 2))
    (tmp_path / "bookings.json").unlink()
    assert ledger.look({"b"}) == {"b"}


def test_what_a_killed_process_booked_is_cleared_away(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from stepmill.jobs.machine.booking import *; from stepmill.jobs.machine.ledger import Ledger;"
        "Ledger(Path(sys.argv[1]), Capacity(2.0, 100)).ask(Ticket('a', 0.0, Amount(2.0, 1)), Path('/none'))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    (left,) = entries_in(tmp_path)
    assert left.has_begun
    assert not still_holds(left)
    assert begins(Ledger(tmp_path, SMALL), ticket("b", 2))


def test_a_job_that_runs_without_its_process_holds(tmp_path: Path) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    entry = Entry("a", 0.0, 1.0, 1, 0, str(folder), pid=0, pid_started=0, has_begun=True)
    assert not still_holds(entry)
    code = (
        "import sys; from pathlib import Path; from stepmill.compute.supervision.files import take_lock;"
        "take_lock(Path(sys.argv[1])); print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as supervisor:
        assert supervisor.stdout is not None
        supervisor.stdout.readline()
        assert (folder / LOCK).exists()
        assert still_holds(entry)
    assert not still_holds(entry)


def test_a_number_of_a_process_that_came_again_does_not_hold() -> None:
    entry = Entry("a", 0.0, 1.0, 1, 0, "/none", pid=os.getpid(), pid_started=1, has_begun=True)
    assert not still_holds(entry)


@pytest.mark.parametrize("text", [b"", b"[{", b"{}", b"[1]"])
def test_a_file_that_was_cut_is_as_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "bookings.json").write_bytes(text)
    assert begins(Ledger(tmp_path, SMALL), ticket("a", 2))


def test_what_is_left_of_many_is_looked_after(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, Capacity(1e9, 1 << 40), holds=lambda _entry: False)
    for index in range(250):
        assert begins(ledger, ticket(str(index)))
    assert len(entries_in(tmp_path)) <= 201


def test_what_is_left_of_a_longer_line_is_not_read(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, SMALL)
    assert begins(ledger, ticket("a" * 500))
    assert begins(ledger, ticket("b"))
    ledger.leave("a" * 500)
    assert [entry.key for entry in entries_in(tmp_path)] == ["b"]
    assert begins(ledger, ticket("c"))
    assert not begins(ledger, ticket("d"))


def test_threads_never_book_too_much(tmp_path: Path) -> None:
    ledgers = [Ledger(tmp_path, SMALL) for _ in range(6)]
    begun: list[str] = []

    def ask(index: int) -> None:
        if begins(ledgers[index], ticket(str(index))):
            begun.append(str(index))

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(begun) == 2


def test_gpus_are_each_one_jobs(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, Capacity(8.0, 100, ("0", "1")))
    first = ledger.ask(ticket("a", gpus=1), JOB)
    second = ledger.ask(ticket("b", gpus=1), JOB)
    assert (first[0].gpus, second[1].gpus) == (("0",), ("1",))
    assert not begins(ledger, ticket("c", gpus=1))
