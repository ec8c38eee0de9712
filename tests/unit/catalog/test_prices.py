"""The table of prices, the user's and the one that ships."""

from __future__ import annotations

import pytest

from stepmill.catalog.prices import Price, read_prices, shipped_prices
from stepmill.core.errors import InvalidInputError


def test_the_table_that_ships_is_one_of_examples() -> None:
    text = shipped_prices()
    assert "examples, no quotes" in " ".join(text.replace("#", "").split())
    table = read_prices(text)
    assert table.currency == "USD"
    for types in table.prices.values():
        for price in types.values():
            assert price.on_demand > 0
            assert price.spot is None or 0 < price.spot < price.on_demand


def test_a_region_has_its_own_price_or_that_of_all() -> None:
    table = read_prices(
        '[prices."*"]\na = {on_demand = 1}\nb = {on_demand = 2}\n[prices.eu]\na = {on_demand = 3}'
    )
    assert table.price("eu", "a") == Price(3.0)
    assert table.price("eu", "b") == Price(2.0)
    assert table.price("us", "a") == Price(1.0)
    assert table.price("us", "c") is None


@pytest.mark.parametrize(
    ("price", "share"), [(Price(2.0, 0.5), 0.25), (Price(2.0), 1.0), (Price(0.0, 0.0), 1.0)]
)
def test_the_share_that_is_paid_on_spot_capacity(price: Price, share: float) -> None:
    assert price.spot_share == share


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[", "prices.toml"),
        ("prises = 1", "prices.toml"),
        ("currency = 1", "prices.toml: currency"),
        ("prices = 1", "prices.toml: prices"),
        ("[prices]\nus = 1", "prices.toml: prices.us"),
        ("[prices.us]\na = 1", "prices.toml: prices.us.a"),
        ("[prices.us]\na = {spot = 1}", "prices.toml: prices.us.a"),
        ("[prices.us]\na = {on_demand = 1, spto = 1}", "prices.toml: prices.us.a"),
        ("[prices.us]\na = {on_demand = -1}", "prices.toml: prices.us.a.on_demand"),
        ("[prices.us]\na = {on_demand = nan}", "prices.toml: prices.us.a.on_demand"),
        ("[prices.us]\na = {on_demand = true}", "prices.toml: prices.us.a.on_demand"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(text: str, where: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_prices(text)
    assert caught.value.where == where
