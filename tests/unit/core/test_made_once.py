from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from stepmill.core.made_once import MadeOnce, made_once


class House:
    def __init__(self) -> None:
        self.made: list[str] = []
        self.is_broken = False

    @made_once
    def roof(self) -> list[str]:
        """Keeps the rain out."""
        time.sleep(0.01)
        if self.is_broken:
            raise RuntimeError("no tiles")
        self.made.append("roof")
        return [self.walls]

    @made_once
    def walls(self) -> str:
        self.made.append("walls")
        return "brick"


def test_a_part_is_made_at_its_first_use_and_once() -> None:
    house = House()
    assert house.made == []
    assert house.roof is house.roof
    assert house.made == ["roof", "walls"]


def test_threads_that_ask_at_once_get_the_same() -> None:
    house = House()
    gate = threading.Barrier(8)

    def ask() -> int:
        gate.wait(60)
        return id(house.roof)

    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(ask) for _ in range(8)]
        assert len({future.result(60) for future in asked}) == 1
    assert house.made == ["roof", "walls"]


def test_instances_have_parts_of_their_own() -> None:
    assert House().roof is not House().roof


def test_what_was_made_is_found_on_the_instance() -> None:
    house = House()
    assert "walls" not in vars(house)
    assert house.walls == "brick"
    assert vars(house)["walls"] == "brick"


def test_a_part_that_could_not_be_made_is_tried_again() -> None:
    house = House()
    house.is_broken = True
    with pytest.raises(RuntimeError):
        _ = house.roof
    house.is_broken = False
    assert house.roof == ["brick"]


def test_it_is_documented_as_it_says() -> None:
    assert isinstance(House.roof, MadeOnce)
    assert House.roof.__doc__ == "Keeps the rain out."
