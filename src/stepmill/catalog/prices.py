"""What instances cost: a table that the user can edit. Pure, but for the text that ships with Stepmill."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepmill.core.errors import InvalidInputError

FILE_NAME = "prices.toml"
EVERY_REGION = "*"
_KEYS = {"on_demand", "spot"}


@dataclass(frozen=True)
class Price:
    """What an hour of an instance costs.

    Args:
        on_demand: In the table's currency.
        spot: The same on spot capacity; ``None``: not known.
    """

    on_demand: float
    spot: float | None = None

    @property
    def spot_share(self) -> float:
        """How much of the price on demand is paid on spot capacity: 1 if that is not known."""
        return self.spot / self.on_demand if self.spot is not None and self.on_demand else 1.0


@dataclass(frozen=True)
class PriceTable:
    """Prices by region and type of instance.

    Args:
        currency: ``USD``.
        prices: Region, or ``*``, -> type -> price.
    """

    currency: str
    prices: Mapping[str, Mapping[str, Price]]

    def price(self, region: str, instance_type: str) -> Price | None:
        """Return the price of an instance; ``None`` if the table has none."""
        for place in (region, EVERY_REGION):
            if found := self.prices.get(place, {}).get(instance_type):
                return found
        return None


def read_prices(text: str) -> PriceTable:
    r"""Return the table that a text holds.

    Args:
        text: TOML: see the file that ships with Stepmill.

    Raises:
        InvalidInputError: If it is no table of prices; says where.

    Example:
        >>> read_prices('[prices."*"]\n"ml.m5.large" = {on_demand = 0.1, spot = 0.04}').price(
        ...     "us-west-2", "ml.m5.large"
        ... )
        Price(on_demand=0.1, spot=0.04)
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidInputError(f"It is not valid TOML: {error}.", where=FILE_NAME) from error
    for key in document.keys() - {"currency", "prices"}:
        raise InvalidInputError(
            f"{key[:100]!r} is nothing that prices have.",
            where=FILE_NAME,
            mend='Put types of instances into tables of regions: [prices."us-west-2"].',
        )
    currency = document.get("currency", "USD")
    if not isinstance(currency, str):
        raise _wrong("currency", "a currency is a text", 'Write it like "USD".')
    regions = _table(document.get("prices", {}), "prices")
    return PriceTable(
        currency,
        {
            region: {
                name: _price(price, f"prices.{region}.{name}")
                for name, price in _table(types, f"prices.{region}").items()
            }
            for region, types in regions.items()
        },
    )


def shipped_prices() -> str:
    """Return the text of the table that ships with Stepmill: examples."""
    return Path(__file__).with_name(FILE_NAME).read_text(encoding="utf-8")


def _table(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(place, "a table is expected", "")
    return value


def _price(value: Any, place: str) -> Price:
    fields = _table(value, place)
    if not fields.keys() <= _KEYS or "on_demand" not in fields:
        raise _wrong(place, "a price has on_demand, and may have spot", "")
    numbers = {name: _number(number, f"{place}.{name}") for name, number in fields.items()}
    return Price(**numbers)


def _number(value: Any, place: str) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < math.inf:
        raise _wrong(place, "a price is a number, 0 or more", "")
    return float(value)


def _wrong(place: str, why: str, mend: str) -> InvalidInputError:
    return InvalidInputError(
        f"The table of prices is wrong: {why}.", where=f"{FILE_NAME}: {place}", mend=mend
    )
