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
    ledger = Ledger(tmp_path, SMALL)
    assert begins(ledger, ticket("b", 2))
    ledger.leave("a")
    assert not begins(ledger, ticket("c")), "what another one has booked is still his"


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
    assert (first[0].given, second[1].given) == (("0",), ("1",))
    assert not begins(ledger, ticket("c", gpus=1))


class Time:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class TestKeptMachines:
    """Machines that are kept for jobs that match: ``m``."""

    @pytest.fixture
    def time(self) -> Time:
        return Time()

    @pytest.fixture
    def ledger(self, tmp_path: Path, time: Time) -> Ledger:
        # A kept entry holds by the test's time, all others always.
        return Ledger(tmp_path, SMALL, lambda entry: not entry.until or entry.until > time.now, time)

    @staticmethod
    def ask(ledger: Ledger, key: str, matches: str = "m", at: float = 0.0, *, keeps: bool = True) -> Entry:
        entries = ledger.ask(ticket(key, 2, at), JOB, matches, keeps=keeps)
        return next(entry for entry in entries if entry.key == key)

    def test_they_are_given_to_one_that_matches_with_all_that_goes_with_them(
        self, ledger: Ledger, time: Time, tmp_path: Path
    ) -> None:
        first = self.ask(ledger, "a")
        assert first.pool
        assert ledger.keep("a", until=1_600)
        time.now = 1_100
        second = self.ask(ledger, "b")
        assert (second.has_begun, second.took_over, second.pool) == (True, "a", first.pool)
        assert (second.since, second.cpus) == (1_000, 2)
        assert [entry.key for entry in entries_in(tmp_path)] == ["b"]

    def test_others_wait_until_they_are_given_back(self, ledger: Ledger, time: Time) -> None:
        self.ask(ledger, "a")
        ledger.keep("a", until=1_600)
        other = self.ask(ledger, "b", "other", keeps=False)
        assert (other.has_begun, other.pool) == (False, "")
        assert ledger.look({"b"}) == set()
        time.now = 1_601
        assert ledger.look({"b"}) == {"b"}

    def test_one_that_waits_already_gets_them_before_whoever_came_earlier(self, ledger: Ledger) -> None:
        self.ask(ledger, "a")
        assert not self.ask(ledger, "early", "other", at=1).has_begun
        assert not self.ask(ledger, "late", at=2).has_begun
        ledger.keep("a", until=1_600)
        assert ledger.look({"early", "late"}) == {"late"}

    def test_of_two_that_match_the_first_gets_them(self, ledger: Ledger) -> None:
        self.ask(ledger, "a")
        for key, at in (("c", 2), ("b", 1)):
            assert not self.ask(ledger, key, at=at).has_begun
        ledger.keep("a", until=1_600)
        assert ledger.look({"b", "c"}) == {"b"}

    def test_one_that_keeps_nothing_uses_them_up(self, ledger: Ledger) -> None:
        first = self.ask(ledger, "a")
        ledger.keep("a", until=1_600)
        second = self.ask(ledger, "b", keeps=False)
        assert second.pool == first.pool
        assert ledger.sweep() == {first.pool}
        ledger.leave("b")
        assert ledger.sweep() == set()

    def test_what_matches_nothing_takes_nothing_over(self, ledger: Ledger) -> None:
        self.ask(ledger, "a", "")
        ledger.keep("a", until=1_600)
        assert not self.ask(ledger, "b", "").has_begun

    def test_who_never_had_a_turn_or_keeps_nothing_leaves_none(self, ledger: Ledger) -> None:
        assert not ledger.keep("nobody", until=1_600)
        self.ask(ledger, "a", keeps=False)
        assert not ledger.keep("a", until=1_600)
        self.ask(ledger, "b")
        assert not ledger.keep("b", until=1_600)

    def test_the_time_can_be_changed_while_they_are_kept(self, ledger: Ledger, time: Time) -> None:
        self.ask(ledger, "a")
        assert not ledger.keep_on("a", 5_000)
        ledger.keep("a", until=1_600)
        assert ledger.keep_on("a", 5_000)
        time.now = 4_999
        assert ledger.sweep() != set()
        assert ledger.keep_on("a", 4_999)
        assert ledger.sweep() == set()
        assert not ledger.keep_on("a", 9_000)

    def test_a_job_picked_up_again_has_its_own(self, ledger: Ledger, time: Time) -> None:
        first = self.ask(ledger, "a")
        ledger.keep("a", until=1_600)
        again = self.ask(ledger, "a")
        assert (again.pool, again.until, again.has_begun) == (first.pool, 0, True)
        time.now = 9_999
        assert ledger.sweep() == {first.pool}

    def test_gpus_go_with_them(self, tmp_path: Path, time: Time) -> None:
        ledger = Ledger(tmp_path, Capacity(8.0, 100, ("0", "1")), now=time)
        ledger.ask(ticket("a", gpus=1), JOB, "m", keeps=True)
        ledger.keep("a", until=1_600)
        ledger.ask(ticket("b", gpus=1), JOB, "other")
        entries = {entry.key: entry for entry in ledger.ask(ticket("c", gpus=1), JOB, "m")}
        assert {key: entry.given for key, entry in entries.items()} == {"b": ("1",), "c": ("0",)}


def test_what_is_kept_holds_by_its_time_alone() -> None:
    entry = Entry("a", 0.0, 1.0, 1, 0, "/none", os.getpid(), 0, has_begun=True, until=1.0)
    assert not still_holds(entry)
    assert still_holds(msgspec.structs.replace(entry, until=1e12))
