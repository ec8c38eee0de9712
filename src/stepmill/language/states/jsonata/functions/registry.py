"""The table of all functions, by name: what does it, how many arguments it takes, and of which types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stepmill.language.states.jsonata.functions import (
    arrays,
    dates,
    integers,
    matching,
    number_pictures,
    numbers,
    provided,
    strings,
)
from stepmill.language.states.jsonata.signatures import Signature
from stepmill.language.states.jsonata.values import Builtin

# The number of arguments is JavaScript's: higher-order functions pass as many as that. -1: as many as there
# are.
_TABLE: tuple[tuple[str, Callable[..., Any], int, str], ...] = (
    ("sum", numbers.total, 1, "<a<n>:n>"),
    ("count", numbers.count, 1, "<a:n>"),
    ("max", numbers.largest, 1, "<a<n>:n>"),
    ("min", numbers.smallest, 1, "<a<n>:n>"),
    ("average", numbers.average, 1, "<a<n>:n>"),
    ("string", strings.string, 2, "<x-b?:s>"),
    ("substring", strings.substring, 3, "<s-nn?:s>"),
    ("substringBefore", strings.before, 2, "<s-s:s>"),
    ("substringAfter", strings.after, 2, "<s-s:s>"),
    ("lowercase", strings.lowercase, 1, "<s-:s>"),
    ("uppercase", strings.uppercase, 1, "<s-:s>"),
    ("length", strings.length, 1, "<s-:n>"),
    ("trim", strings.trim, 1, "<s-:s>"),
    ("pad", strings.pad, 3, "<s-ns?:s>"),
    ("match", matching.match, 3, "<s-f<s:o>n?:a<o>>"),
    ("contains", matching.contains, 2, "<s-(sf):b>"),
    ("replace", matching.replace, 4, "<s-(sf)(sf)n?:s>"),
    ("split", matching.split, 3, "<s-(sf)n?:a<s>>"),
    ("join", strings.join, 2, "<a<s>s?:s>"),
    ("formatNumber", number_pictures.format_number, 3, "<n-so?:s>"),
    ("formatBase", numbers.format_base, 2, "<n-n?:s>"),
    ("formatInteger", integers.format_integer, 2, "<n-s:s>"),
    ("parseInteger", integers.parse_integer, 2, "<s-s:n>"),
    ("number", numbers.number, 1, "<(nsb)-:n>"),
    ("floor", numbers.floor, 1, "<n-:n>"),
    ("ceil", numbers.ceiling, 1, "<n-:n>"),
    ("round", numbers.rounded, 2, "<n-n?:n>"),
    ("abs", numbers.absolute, 1, "<n-:n>"),
    ("sqrt", numbers.square_root, 1, "<n-:n>"),
    ("power", numbers.power, 2, "<n-n:n>"),
    ("random", numbers.random, 1, "<n?:n>"),
    ("boolean", arrays.boolean, 1, "<x-:b>"),
    ("not", arrays.negation, 1, "<x-:b>"),
    ("map", arrays.map_items, 2, "<af>"),
    ("zip", arrays.zipped, -1, "<a+>"),
    ("filter", arrays.filter_items, 2, "<af>"),
    ("single", arrays.single, 2, "<af?>"),
    ("reduce", arrays.reduce_items, 3, "<afj?:j>"),
    ("sift", arrays.sift, 2, "<o-f?:o>"),
    ("keys", arrays.keys, 1, "<x-:a<s>>"),
    ("lookup", arrays.lookup, 2, "<x-s:x>"),
    ("append", arrays.appended, 2, "<xx:a>"),
    ("exists", arrays.exists, 1, "<x:b>"),
    ("spread", arrays.spread, 1, "<x-:a<o>>"),
    ("merge", arrays.merged, 1, "<a<o>:o>"),
    ("reverse", arrays.reversed_items, 1, "<a:a>"),
    ("each", arrays.each, 2, "<o-f:a>"),
    ("error", strings.format_error, 1, "<s?:x>"),
    ("assert", strings.assertion, 2, "<bs?:x>"),
    ("type", arrays.type_of, 1, "<x:s>"),
    ("sort", arrays.sort, 2, "<af?:a>"),
    ("shuffle", arrays.shuffled, 1, "<a:a>"),
    ("distinct", arrays.distinct, 1, "<x:x>"),
    ("base64encode", strings.base64_encode, 1, "<s-:s>"),
    ("base64decode", strings.base64_decode, 1, "<s-:s>"),
    ("encodeUrlComponent", strings.encode_component, 1, "<s-:s>"),
    ("encodeUrl", strings.encode_url, 1, "<s-:s>"),
    ("decodeUrlComponent", strings.decode_component, 1, "<s-:s>"),
    ("decodeUrl", strings.decode_url, 1, "<s-:s>"),
    ("toMillis", dates.to_millis, 2, "<s-s?:n>"),
    ("fromMillis", dates.from_millis, 3, "<n-s?s?:s>"),
    ("clone", arrays.cloned, 1, "<(oa)-:o>"),
    ("now", dates.now, 2, "<s?s?:s>"),
    ("millis", dates.millis, 0, "<:n>"),
    # What Step Functions adds. `$eval` is not offered there.
    ("partition", provided.partition, 2, "<an:a>"),
    ("range", provided.number_range, 3, "<nnn:a<n>>"),
    ("hash", provided.hashed, 2, "<ss:s>"),
    ("uuid", provided.uuid, 0, "<:s>"),
    ("parse", provided.parse, 1, "<s:x>"),
)

# Higher-order functions pass these fewer arguments than they take.
_ARITIES = {"string": 1, "random": 0, "zip": 0}

FUNCTIONS: dict[str, Builtin] = {
    name: Builtin(name, call, takes, Signature.of(signature), arity=_ARITIES.get(name))
    for name, call, takes, signature in _TABLE
}
