"""The functions of Presto that are offered, and what each is in DuckDB. All others are refused by name.

Where DuckDB has the same under another name, the name is changed; where it does something else, there is a
macro (``stepmill.catalog.sql.macros``), whose name begins with ``presto_``.

Source: Athena user guide, "Functions in Amazon Athena"; Trino documentation, "Functions and operators".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from sqlglot import exp

from stepmill.catalog.sql.dialect import formats
from stepmill.catalog.sql.faults import QueryError

Rule: TypeAlias = Callable[[exp.Anonymous], exp.Expr]

# The same name, arguments and meaning in both.
_SAME = """
    count sum avg min max count_if arbitrary any_value array_agg bool_and bool_or max_by min_by stddev
    stddev_samp stddev_pop variance var_samp var_pop corr covar_samp covar_pop regr_slope regr_intercept
    skewness kurtosis histogram geometric_mean listagg row_number rank dense_rank percent_rank cume_dist
    ntile lag lead first_value last_value nth_value abs ceil ceiling floor round sqrt cbrt exp ln log2
    log10 power pow sign pi degrees radians sin cos tan asin acos atan atan2 sinh cosh tanh length lower
    upper trim ltrim rtrim replace reverse lpad rpad strpos starts_with chr concat_ws translate md5_hex
    url_decode url_encode last_day year month quarter hour minute date_diff flatten array_distinct
    map_keys map_values map_entries map_from_entries map_concat json_array_length coalesce nullif if row
    map uuid typeof array_sort array_intersect array_position
"""

# The same under another name.
_RENAMED = {
    "approx_distinct": "approx_count_distinct",
    "every": "bool_and",
    "skew": "skewness",
    "is_nan": "isnan",
    "is_finite": "isfinite",
    "is_infinite": "isinf",
    "rand": "random",
    "bitwise_xor": "xor",
    "levenshtein_distance": "levenshtein",
    "hamming_distance": "hamming",
    "regexp_extract_all": "regexp_extract_all",
    "regexp_split": "regexp_split_to_array",
    "regexp_like": "regexp_matches",
    "split": "string_split",
    "codepoint": "unicode",
    "to_utf8": "encode",
    "from_utf8": "decode",
    "from_hex": "unhex",
    "to_hex": "hex",
    "to_base64": "to_base64",
    "from_base64": "from_base64",
    "from_unixtime": "presto_from_unixtime",
    "from_iso8601_timestamp": "presto_from_iso8601_timestamp",
    "from_iso8601_date": "presto_date",
    "to_unixtime": "presto_to_unixtime",
    "to_iso8601": "presto_to_iso8601",
    "date": "presto_date",
    "day": "dayofmonth",
    "day_of_month": "dayofmonth",
    "day_of_week": "isodow",
    "dow": "isodow",
    "day_of_year": "dayofyear",
    "doy": "dayofyear",
    "week": "weekofyear",
    "week_of_year": "weekofyear",
    "year_of_week": "isoyear",
    "yow": "isoyear",
    "second": "presto_second",
    "millisecond": "presto_millisecond",
    "last_day_of_month": "last_day",
    "at_timezone": "presto_at_timezone",
    "cardinality": "presto_cardinality",
    "contains": "presto_contains",
    "element_at": "presto_element_at",
    "array_join": "presto_array_join",
    "array_max": "list_max",
    "array_min": "list_min",
    "array_except": "presto_array_except",
    "array_union": "presto_array_union",
    "array_remove": "presto_array_remove",
    "arrays_overlap": "list_has_any",
    "filter": "list_filter",
    "transform": "list_transform",
    "any_match": "presto_any_match",
    "zip": "list_zip",
    "shuffle": "presto_shuffle",
    "sequence": "generate_series",
    "map_agg": "presto_map_agg",
    "json_extract": "presto_json_extract",
    "json_extract_scalar": "presto_json_extract_scalar",
    "json_parse": "presto_json_parse",
    "json_format": "presto_json_format",
    "json_size": "presto_json_size",
    "json_array_contains": "presto_json_array_contains",
    "json_array_get": "presto_json_array_get",
    "is_json_scalar": "presto_is_json_scalar",
    "truncate": "presto_truncate",
    "log": "presto_log",
    "mod": "presto_mod",
    "e": "presto_e",
    "infinity": "presto_infinity",
    "nan": "presto_nan",
    "width_bucket": "presto_width_bucket",
    "random": "presto_random",
    "greatest": "presto_greatest",
    "least": "presto_least",
    "substr": "presto_substr",
    "substring": "presto_substr",
    "split_part": "presto_split_part",
    "regexp_extract": "presto_regexp_extract",
    "concat": "presto_concat",
    "md5": "presto_md5",
    "sha1": "presto_sha1",
    "sha256": "presto_sha256",
    "bitwise_and": "presto_bitwise_and",
    "bitwise_or": "presto_bitwise_or",
    "bitwise_not": "presto_bitwise_not",
    "now": "presto_now",
    "current_timezone": "presto_current_timezone",
    "repeat": "presto_repeat",
    "approx_percentile": "presto_approx_percentile",
}


def _renamed(name: str) -> Rule:
    def rule(call: exp.Anonymous) -> exp.Expr:
        return anonymous(name, *call.expressions)

    return rule


def anonymous(name: str, *arguments: exp.Expr | None) -> exp.Anonymous:
    """Return a call of a function of DuckDB's, by its name."""
    return exp.Anonymous(this=name, expressions=[argument for argument in arguments if argument is not None])


def text_of(node: exp.Expr, function: str) -> str:
    """Return the text of an argument that must be written as one.

    Raises:
        QueryError: If it is none.
    """
    if isinstance(node, exp.Literal) and node.is_string:
        return str(node.this)
    raise QueryError("NOT_SUPPORTED", f"The argument of {function} must be a text written in the query")


def _regexp_replace(call: exp.Anonymous) -> exp.Expr:
    subject, pattern, *rest = _arguments(call, 2, 3)
    replacement: exp.Expr = exp.Literal.string("")
    if rest:
        text = text_of(rest[0], "regexp_replace").replace("\\$", "\0").replace("\\", "\\\\")
        # Presto writes groups as $1, DuckDB as \1.
        for digit in "0123456789":
            text = text.replace(f"${digit}", f"\\{digit}")
        replacement = exp.Literal.string(text.replace("\0", "$"))
    return anonymous("regexp_replace", subject, pattern, replacement, exp.Literal.string("g"))


def _replace(call: exp.Anonymous) -> exp.Expr:
    subject, searched, *rest = _arguments(call, 2, 3)
    return anonymous("replace", subject, searched, rest[0] if rest else exp.Literal.string(""))


def _reduce(call: exp.Anonymous) -> exp.Expr:
    values, initial, step, last = _arguments(call, 4, 4)
    reduced = anonymous("list_reduce", values, step, initial)
    if not isinstance(last, exp.Lambda) or len(last.expressions) != 1:
        raise QueryError("NOT_SUPPORTED", "The output function of reduce must be written as x -> ...")
    # What the output function does is done to a list of one; in the tree, places are counted from 0.
    return exp.Bracket(
        this=anonymous("list_transform", anonymous("list_value", reduced), last),
        expressions=[exp.Literal.number(0)],
    )


def _date_trunc(call: exp.Anonymous) -> exp.Expr:
    unit, value = _arguments(call, 2, 2)
    return anonymous("presto_date_trunc", unit, value)


def _date_add(call: exp.Anonymous) -> exp.Expr:
    unit, amount, value = _arguments(call, 3, 3)
    return formats.date_add(text_of(unit, "date_add"), amount, value)


def _date_diff(call: exp.Anonymous) -> exp.Expr:
    unit, begin, end = _arguments(call, 3, 3)
    # Whole units, as Presto counts them: DuckDB's own counts the borders between.
    return anonymous("date_sub", unit, anonymous("presto_moment", begin), anonymous("presto_moment", end))


def _formatted(function: str, read: Callable[[str], str]) -> Rule:
    def rule(call: exp.Anonymous) -> exp.Expr:
        value, pattern = _arguments(call, 2, 2)
        return anonymous(function, value, exp.Literal.string(read(text_of(pattern, str(call.this)))))

    return rule


def _try(call: exp.Anonymous) -> exp.Expr:
    (inner,) = _arguments(call, 1, 1)
    return anonymous("try", inner)


def _all_match(call: exp.Anonymous) -> exp.Expr:
    return _matches(call, "presto_all")


def _none_match(call: exp.Anonymous) -> exp.Expr:
    return exp.Not(this=_matches(call, "presto_any"))


def _any_match(call: exp.Anonymous) -> exp.Expr:
    return _matches(call, "presto_any")


def _matches(call: exp.Anonymous, of: str) -> exp.Expr:
    values, condition = _arguments(call, 2, 2)
    return anonymous(of, anonymous("list_transform", values, condition))


def _if(call: exp.Anonymous) -> exp.Expr:
    condition, then, *otherwise = _arguments(call, 2, 3)
    return exp.Case(ifs=[exp.If(this=condition, true=then)], default=otherwise[0] if otherwise else None)


def _zip_with(call: exp.Anonymous) -> exp.Expr:
    first, second, function = _arguments(call, 3, 3)
    if not isinstance(function, exp.Lambda) or len(function.expressions) != 2:
        raise QueryError("NOT_SUPPORTED", "The function of zip_with must be written as (x, y) -> ...")
    pair = exp.to_identifier("pair_of_zip", quoted=True)
    names = [str(one.name).lower() for one in function.expressions]
    body = function.this.copy()
    for column in list(body.find_all(exp.Column, exp.Identifier)):
        name = column.name.lower()
        if name in names and not isinstance(column.parent, exp.Column):
            side = exp.Bracket(
                this=exp.column(pair.copy()), expressions=[exp.Literal.number(names.index(name))]
            )
            if column is body:
                body = side
            else:
                column.replace(side)
    return anonymous(
        "list_transform",
        anonymous("list_zip", first, second),
        exp.Lambda(this=body, expressions=[pair]),
    )


def _array_sort(call: exp.Anonymous) -> exp.Expr:
    (values,) = _arguments(call, 1, 1)
    return anonymous("list_sort", values, exp.Literal.string("ASC"), exp.Literal.string("NULLS LAST"))


def _slice(call: exp.Anonymous) -> exp.Expr:
    values, start, length = _arguments(call, 3, 3)
    return anonymous("presto_slice", values, start, length)


def _approx_distinct(call: exp.Anonymous) -> exp.Expr:
    return anonymous("approx_count_distinct", _arguments(call, 1, 2)[0])


def _approx_percentile(call: exp.Anonymous) -> exp.Expr:
    value, which = _arguments(call, 2, 2)
    return anonymous("approx_quantile", value, which)


def _concat(call: exp.Anonymous) -> exp.Expr:
    first, *rest = _arguments(call, 1, 256)
    made = first
    for one in rest:
        made = exp.DPipe(this=made, expression=one)
    return exp.Paren(this=made)


def _extreme(name: str) -> Rule:
    def rule(call: exp.Anonymous) -> exp.Expr:
        values = _arguments(call, 1, 256)
        # Presto: NULL if any is.
        missing: exp.Expr = exp.Is(this=values[0].copy(), expression=exp.Null())
        for value in values[1:]:
            missing = exp.Or(this=missing, expression=exp.Is(this=value.copy(), expression=exp.Null()))
        return exp.Case(ifs=[exp.If(this=missing, true=exp.Null())], default=anonymous(name, *values))

    return rule


def _nothing_to_string(call: exp.Anonymous) -> exp.Expr:
    _arguments(call, 0, 0)
    return anonymous("presto_now")


def _arguments(call: exp.Anonymous, least: int, most: int) -> list[exp.Expr]:
    found = list(call.expressions)
    if not least <= len(found) <= most:
        raise QueryError(
            "FUNCTION_NOT_FOUND",
            f"Unexpected parameters for function {str(call.this).lower()}: {len(found)} were given",
        )
    return found


RULES: Mapping[str, Rule] = {
    **{name: _renamed(name) for name in _SAME.split()},
    **{name: _renamed(other) for name, other in _RENAMED.items()},
    "regexp_replace": _regexp_replace,
    "replace": _replace,
    "reduce": _reduce,
    "date_trunc": _date_trunc,
    "date_add": _date_add,
    "date_diff": _date_diff,
    "date_parse": _formatted("presto_strptime", formats.mysql_pattern),
    "date_format": _formatted("presto_strftime", formats.mysql_pattern),
    "parse_datetime": _formatted("presto_parse_datetime", formats.joda_pattern),
    "format_datetime": _formatted("presto_strftime", formats.joda_pattern),
    "to_timestamp": _formatted("presto_strptime", formats.teradata_pattern),
    "to_date": _formatted("presto_parse_date", formats.teradata_pattern),
    "to_char": _formatted("presto_strftime", formats.teradata_pattern),
    "try": _try,
    "all_match": _all_match,
    "none_match": _none_match,
    "any_match": _any_match,
    "if": _if,
    "slice": _slice,
    "zip_with": _zip_with,
    "array_sort": _array_sort,
    "approx_distinct": _approx_distinct,
    "approx_percentile": _approx_percentile,
    "concat": _concat,
    "greatest": _extreme("greatest"),
    "least": _extreme("least"),
    "now": _nothing_to_string,
}
