"""Whose turn it is: what jobs have booked of the machine, and who of those that wait may begin. Pure.

Who asked first comes first. Another one may begin before him only with what is left when he has been given
all that he waits for: so small jobs fill gaps, and none makes a large one wait longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Amount:
    """So much of a machine.

    Args:
        cpus: CPUs; half of one is 0.5.
        memory_bytes: Memory.
        gpus: GPUs.
    """

    cpus: float = 0.0
    memory_bytes: int = 0
    gpus: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.cpus + other.cpus, self.memory_bytes + other.memory_bytes, self.gpus + other.gpus)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.cpus - other.cpus, self.memory_bytes - other.memory_bytes, self.gpus - other.gpus)

    def at_most(self, other: Amount) -> Amount:
        """Return the smaller of the two, of each thing.

        Example:
            >>> Amount(8, 100).at_most(Amount(2, 500))
            Amount(cpus=2, memory_bytes=100, gpus=0)
        """
        return Amount(
            min(self.cpus, other.cpus),
            min(self.memory_bytes, other.memory_bytes),
            min(self.gpus, other.gpus),
        )

    def fits_into(self, free: Amount) -> bool:
        """Say whether there is enough of all that is asked for; of other things there may be too little."""
        return (
            (self.cpus <= 0 or self.cpus <= free.cpus)
            and (self.memory_bytes <= 0 or self.memory_bytes <= free.memory_bytes)
            and (self.gpus <= 0 or self.gpus <= free.gpus)
        )


@dataclass(frozen=True)
class Capacity:
    """What can be booked.

    Args:
        cpus: CPUs.
        memory_bytes: Memory.
        gpus: Names of the GPUs. Each is one job's at a time.
    """

    cpus: float
    memory_bytes: int
    gpus: tuple[str, ...] = ()

    @property
    def amount(self) -> Amount:
        """All of it."""
        return Amount(self.cpus, self.memory_bytes, len(self.gpus))


@dataclass(frozen=True)
class Ticket:
    """A job that has booked, or waits.

    Args:
        key: Whose; see ``key_of``.
        asked_at: When the job was asked for, in seconds since 1970: the first comes first.
        amount: What it needs.
        has_begun: Whether its turn has come.
        gpus: Names of those that it was given.
    """

    key: str
    asked_at: float
    amount: Amount
    has_begun: bool = False
    gpus: tuple[str, ...] = ()


def key_of(kind: str, name: str) -> str:
    """Return the key of a job's ticket.

    Example:
        >>> key_of("training-job", "churn")
        'training-job/churn'
    """
    return f"{kind}/{name}"


def name_in(key: str) -> str:
    """Return the name of the job whose key it is; empty of an empty one."""
    return key.partition("/")[2]


def booked(tickets: Iterable[Ticket]) -> Amount:
    """Return what those that have begun hold together."""
    return sum((ticket.amount for ticket in tickets if ticket.has_begun), Amount())


def settle(capacity: Capacity, tickets: Sequence[Ticket]) -> tuple[Ticket, ...]:
    """Let those begin whose turn it is.

    A job that asks for more than there is gets all there is of that, and so runs alone.

    Args:
        capacity: What can be booked. It may have become less than is booked.
        tickets: Of those that have begun, and of those that wait. Keys differ.

    Returns:
        The same, in the same order; some that waited have begun.
    """
    whole = capacity.amount
    free = whole - booked(tickets)
    taken = {gpu for ticket in tickets if ticket.has_begun for gpu in ticket.gpus}
    # A GPU that has gone from the machine is nobody's.
    unused = [gpu for gpu in capacity.gpus if gpu not in taken]
    begun: dict[str, Ticket] = {}
    for ticket in sorted((t for t in tickets if not t.has_begun), key=_turn):
        amount = ticket.amount.at_most(whole)
        if amount.fits_into(free) and amount.gpus <= len(unused):
            given, unused = tuple(unused[: amount.gpus]), unused[amount.gpus :]
            begun[ticket.key] = replace(ticket, amount=amount, has_begun=True, gpus=given)
        # Who does not begin has it kept for him all the same.
        free = free - amount
    return tuple(begun.get(ticket.key, ticket) for ticket in tickets)


def ahead(tickets: Iterable[Ticket], key: str) -> int:
    """Return how many wait before someone who waits."""
    waiting = sorted((ticket for ticket in tickets if not ticket.has_begun), key=_turn)
    return next((index for index, ticket in enumerate(waiting) if ticket.key == key), 0)


def _turn(ticket: Ticket) -> tuple[float, str]:
    return ticket.asked_at, ticket.key
