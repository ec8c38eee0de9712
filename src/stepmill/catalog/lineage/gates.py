"""Feature groups on the way of a walk: what was put there after it was read led to nothing that came of it.

Data has versions, and each is an artifact of its own. A group is one thing through which records go all its
life, so the moments of its edges tell: a job has written it from then on, and read it until then. That goes
for jobs alone: what people note down themselves they may note at any time.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Sequence

from stepmill.storage.lineage import Arrival, LineageStore, Link

_LATEST, _EARLIEST = 1 << 62, 0


class Gates:
    """The feature groups that one walk comes to.

    Args:
        store: Holds the graph.
        start: Rows that the walk starts from: of a group among them everything is told.
        upstream: Which way it goes.
    """

    def __init__(self, store: LineageStore, start: Collection[int], *, upstream: bool) -> None:
        self._store = store
        self._start = start
        self._upstream = upstream
        self._gates = store.feature_groups()
        self._moments: dict[int, int] = {}
        # How else a gate that was passed could be come to.
        self._others: dict[int, list[tuple[int, Arrival]]] = {}

    def split(self, frontier: Sequence[int]) -> tuple[list[int], Sequence[int]]:
        """Return those rows that are groups, and those that are none."""
        if self._gates.isdisjoint(frontier):
            return [], frontier
        gates = [one for one in frontier if one in self._gates]
        return gates, [one for one in frontier if one not in self._gates]

    def passing(self, gate: int, seen: Container[int], *, limit: int) -> tuple[list[Link], int]:
        """Return at most so many edges by which a walk goes on from a group, and how many there are.

        Args:
            gate: The group.
            seen: All rows that the walk has come to.
            limit: At most so many: those that are nearest in time.
        """
        if gate not in self._moments:
            self._arrive(gate, seen)
        return self._store.passing(gate, self._moments[gate], upstream=self._upstream, limit=limit)

    def wider(self, found: Iterable[int]) -> list[int]:
        """Return the groups that were passed and stand wider open now: they can be come to from here, too.

        Args:
            found: Rows that the walk has come to since it was asked last.
        """
        if not self._others:
            return []
        again: dict[int, None] = {}
        for one in found:
            for gate, arrival in self._others.get(one, ()):
                if self._widen(gate, arrival):
                    again[gate] = None
        return list(again)

    def _arrive(self, gate: int, seen: Container[int]) -> None:
        self._moments[gate] = _EARLIEST if self._upstream else _LATEST
        if gate in self._start:
            self._moments[gate] = self._open
            return
        for arrival in self._store.arrivals(gate, upstream=self._upstream):
            if arrival.row in seen:
                self._widen(gate, arrival)
            else:
                self._others.setdefault(arrival.row, []).append((gate, arrival))

    @property
    def _open(self) -> int:
        return _LATEST if self._upstream else _EARLIEST

    def _widen(self, gate: int, arrival: Arrival) -> bool:
        now = self._moments[gate]
        moment = arrival.at if arrival.is_job else self._open
        self._moments[gate] = max(now, moment) if self._upstream else min(now, moment)
        return self._moments[gate] != now
