"""``$formatNumber``: a number as a picture asks for.

Source: XPath and XQuery Functions and Operators 3.1, ``fn:format-number``, as JSONata's reference
implementation 2.0.6 follows it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal, localcontext

from stepmill.language.states.jsonata.errors import QueryError
from stepmill.language.states.jsonata.functions.integers import grouped, regular_distance
from stepmill.language.states.jsonata.functions.numbers import round_half_even
from stepmill.language.states.jsonata.running import Run
from stepmill.language.states.jsonata.values import UNDEFINED, Value, number_text, to_double

_DEFAULTS = {
    "decimal-separator": ".",
    "grouping-separator": ",",
    "exponent-separator": "e",
    "infinity": "Infinity",
    "minus-sign": "-",
    "NaN": "NaN",
    "percent": "%",
    "per-mille": "‰",
    "zero-digit": "0",
    "digit": "#",
    "pattern-separator": ";",
}
# A double has no more places than this.
_MOST_PLACES = 400


@dataclass(frozen=True, slots=True)
class _Format:
    """The characters that have a meaning."""

    names: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.names[name]

    @property
    def digits(self) -> str:
        zero = ord(self["zero-digit"][0])
        return "".join(map(chr, range(zero, zero + 10)))

    def is_active(self, char: str) -> bool:
        names = (
            "decimal-separator",
            "exponent-separator",
            "grouping-separator",
            "digit",
            "pattern-separator",
        )
        return char in self.digits or any(char == self[name] for name in names)

    def count(self, part: str, *, with_optional: bool = False) -> int:
        return sum(char in self.digits or (with_optional and char == self["digit"]) for char in part)


@dataclass(frozen=True, slots=True)
class _Parts:
    """A sub-picture, taken apart."""

    picture: str
    prefix: str
    suffix: str
    active: str
    mantissa: str
    exponent: str | None
    integer: str
    fraction: str


@dataclass(frozen=True, slots=True)
class _Layout:
    """What a sub-picture asks for."""

    parts: _Parts
    prefix: str
    places: tuple[int, ...]
    every: int
    fraction_places: tuple[int, ...]
    least_integer: int
    scaling: int
    least_fraction: int
    most_fraction: int
    least_exponent: int


def format_number(run: Run, value: Value, picture: Value, options: Value) -> Value:
    """``$formatNumber``: a number as a picture asks for; options change what its characters mean.

    Raises:
        QueryError: D3080 to D3093, if the picture cannot be followed.
    """
    if value is UNDEFINED:
        return UNDEFINED
    run.spend(len(picture) * 4)
    changes = options if isinstance(options, dict) else {}
    chosen = {name: text for name, text in changes.items() if isinstance(text, str) and text}
    form = _Format({**_DEFAULTS, **chosen})
    subpictures = str(picture).split(form["pattern-separator"])
    if len(subpictures) > 2:
        raise QueryError("D3080")
    layouts = [_layout(form, _checked(form, _take_apart(form, each))) for each in subpictures]
    if len(layouts) == 1:
        layouts.append(replace(layouts[0], prefix=form["minus-sign"] + layouts[0].prefix))
    return _written(form, layouts[0] if value >= 0 else layouts[1], value)


def _take_apart(form: _Format, picture: str) -> _Parts:
    marks = [
        at for at, char in enumerate(picture) if form.is_active(char) and char != form["exponent-separator"]
    ]
    start, end = (marks[0], marks[-1] + 1) if marks else (0, len(picture))
    prefix, suffix = picture[:start], picture[end:]
    active = picture[start:end]
    at = picture.find(form["exponent-separator"], start)
    if at == -1 or at > len(picture) - len(suffix):
        mantissa, exponent = active, None
    else:
        mantissa, exponent = active[: at - start], active[at - start + 1 :]
    integer, point, fraction = mantissa.partition(form["decimal-separator"])
    return _Parts(picture, prefix, suffix, active, mantissa, exponent, integer, fraction if point else suffix)


def _checked(form: _Format, parts: _Parts) -> _Parts:
    """Return the parts, if they can be followed; of several faults, the last one is told."""
    fault = ""
    for code, is_wrong in _faults(form, parts):
        if is_wrong:
            fault = code
    if fault:
        raise QueryError(fault)
    return parts


def _faults(form: _Format, parts: _Parts) -> list[tuple[str, bool]]:
    picture, grouping, percent, per_mille = (
        parts.picture,
        form["grouping-separator"],
        form["percent"],
        form["per-mille"],
    )
    point = picture.find(form["decimal-separator"])
    digit, exponent = form["digit"], parts.exponent
    first, last = parts.integer.find(digit), parts.fraction.rfind(digit)
    return [
        ("D3081", picture.count(form["decimal-separator"]) > 1),
        ("D3082", picture.count(percent) > 1),
        ("D3083", picture.count(per_mille) > 1),
        ("D3084", percent in picture and per_mille in picture),
        ("D3085", not form.count(parts.mantissa, with_optional=True)),
        ("D3086", not all(map(form.is_active, parts.active))),
        ("D3087", point >= 0 and grouping in (picture[point - 1 : point], picture[point + 1 : point + 2])),
        ("D3088", point < 0 and parts.integer.endswith(grouping)),
        ("D3089", grouping * 2 in picture),
        ("D3090", first >= 0 and form.count(parts.integer[:first]) > 0),
        ("D3091", last >= 0 and form.count(parts.fraction[last:]) > 0),
        ("D3092", bool(exponent) and (percent in picture or per_mille in picture)),
        ("D3093", exponent is not None and (not exponent or form.count(exponent) < len(exponent))),
    ]


def _layout(form: _Format, parts: _Parts) -> _Layout:
    grouping = form["grouping-separator"]
    places = [
        form.count(parts.integer[at:], with_optional=True)
        for at, char in enumerate(parts.integer)
        if char == grouping
    ]
    fraction_places = [
        form.count(parts.fraction[:at], with_optional=True)
        for at, char in enumerate(parts.fraction)
        if char == grouping
    ]
    least_integer = scaling = form.count(parts.integer)
    least_fraction = form.count(parts.fraction)
    most_fraction = form.count(parts.fraction, with_optional=True)
    has_exponent = parts.exponent is not None
    if least_integer == 0 and most_fraction == 0:
        if has_exponent:
            least_fraction = most_fraction = 1
        else:
            least_integer = 1
    if has_exponent and least_integer == 0 and form["digit"] in parts.integer:
        least_integer = 1
    if least_integer == 0 and least_fraction == 0:
        least_fraction = 1
    return _Layout(
        parts,
        parts.prefix,
        tuple(places),
        regular_distance(places) if places else 0,
        tuple(fraction_places),
        least_integer,
        scaling,
        least_fraction,
        most_fraction,
        form.count(parts.exponent or ""),
    )


def _written(form: _Format, layout: _Layout, value: int | float) -> str:
    number = to_double(value)
    if form["percent"] in layout.parts.picture:
        number *= 100
    elif form["per-mille"] in layout.parts.picture:
        number *= 1000
    if not math.isfinite(number):
        name = "NaN" if math.isnan(number) else "infinity"
        return layout.prefix + form[name] + layout.parts.suffix
    number, exponent = _scaled(number, layout)
    text = _fixed(form, round_half_even(number, layout.most_fraction), layout.most_fraction)
    integer, _, fraction = text.partition(".")
    zero = form["zero-digit"]
    integer = integer.lstrip(zero).rjust(layout.least_integer, zero)
    fraction = fraction.rstrip(zero).ljust(layout.least_fraction, zero)
    text = _grouped_integer(form, layout, integer)
    if (fraction and form["decimal-separator"] in layout.parts.picture) or fraction.strip(zero):
        text += form["decimal-separator"] + _grouped_fraction(form, layout, fraction)
    if exponent is not None:
        digits = _fixed(form, exponent, 0).rjust(layout.least_exponent, zero)
        text += form["exponent-separator"] + (form["minus-sign"] if exponent < 0 else "") + digits
    return layout.prefix + text + layout.parts.suffix


def _scaled(number: float, layout: _Layout) -> tuple[float, int | None]:
    if layout.least_exponent == 0:
        return number, None
    exponent = 0
    if number != 0:
        least, most = 10.0 ** (layout.scaling - 1), 10.0**layout.scaling
        while abs(number) < least:
            number *= 10
            exponent -= 1
        while abs(number) > most:
            number /= 10
            exponent += 1
    return number, exponent


def _fixed(form: _Format, number: int | float, places: int) -> str:
    """Return the size of a number with so many decimal places, in the digits of the format."""
    size = abs(to_double(number))
    if size >= 1e21:
        text = number_text(size)
    else:
        with localcontext() as context:
            context.prec = 1200
            unit = Decimal(1).scaleb(-min(places, _MOST_PLACES))
            text = str(Decimal(size).quantize(unit, ROUND_HALF_UP))
    digits = form.digits
    if digits[0] == "0":
        return text
    return "".join(digits[int(char)] if char in "0123456789" else char for char in text)


def _grouped_integer(form: _Format, layout: _Layout, integer: str) -> str:
    separator = form["grouping-separator"]
    if layout.every > 0 and integer:
        return grouped(integer, separator, layout.every)
    length = len(integer)
    for place in layout.places:
        # Where there are fewer digits, the separator comes first.
        at = max(0, length - place)
        integer = integer[:at] + separator + integer[at:]
        length += 1
    return integer


def _grouped_fraction(form: _Format, layout: _Layout, fraction: str) -> str:
    separator = form["grouping-separator"]
    for place in layout.fraction_places:
        fraction = fraction[:place] + separator + fraction[place:]
    return fraction
