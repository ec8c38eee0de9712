"""Each intrinsic function: what it gives, what it does not take, and where its bounds are."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.json import Json
from stepmill.language.states.evaluation import FixedScope, SeededChance
from stepmill.language.states.failures import EvaluationError
from stepmill.language.states.intrinsics import Intrinsic
from stepmill.language.states.intrinsics.java_random import JavaRandom


def call(text: str, document: Json = None) -> Json:
    return Intrinsic.of(text).call(FixedScope({} if document is None else document))


@pytest.mark.parametrize(
    ("text", "given_", "value"),
    [
        ("States.Format('Hi {}.', $.name)", {"name": "Ada"}, "Hi Ada."),
        ("States.Format($.template, $.name)", {"template": "{}!", "name": "Ada"}, "Ada!"),
        ("States.Format('{} {} {}', 1, 2.50, -3e2)", {}, "1 2.5 -300.0"),
        ("States.Format('{}{}{}', null, true, false)", {}, "nulltruefalse"),
        ("States.Format('{}', $.o)", {"o": {"Arg1": 1, "Arg2": []}}, "{Arg1=1, Arg2=[]}"),
        ("States.Format('{}', $.o)", {"o": [1, "x", {"a": None}]}, "[1, x, {a=null}]"),
        (r"States.Format('it\'s \{{}\} \\', 1)", {}, "it's {1} \\"),
        ("States.Format('no place')", {}, "no place"),
        ("States.Format('{}', 'a{}b')", {}, "a{}b"),
        ("States.StringToJson($.s)", {"s": '{"a":[1,2.0,"x"]}'}, {"a": [1, 2.0, "x"]}),
        ("States.StringToJson('')", {}, None),
        ("States.StringToJson(' ')", {}, None),
        ("States.StringToJson('-0')", {}, 0),
        ("States.StringToJson('\"x\"')", {}, "x"),
        ("States.JsonToString($)", {"a": [1, 2.0, "ü", None, True]}, '{"a":[1,2.0,"ü",null,true]}'),
        ("States.JsonToString('x')", {}, '"x"'),
        ("States.Array()", {}, []),
        ("States.Array($.a, 'b', 1, null, States.Array())", {"a": {"x": 1}}, [{"x": 1}, "b", 1, None, []]),
        ("States.ArrayPartition($.a, 4)", {"a": list(range(1, 10))}, [[1, 2, 3, 4], [5, 6, 7, 8], [9]]),
        ("States.ArrayPartition($.a, 1.5)", {"a": [1, 2, 3]}, [[1, 2], [3]]),
        ("States.ArrayPartition($.a, 2)", {"a": []}, []),
        ("States.ArrayContains($.a, 5)", {"a": [1, 5]}, True),
        ("States.ArrayContains($.a, 5)", {"a": [1, "5", 5.0, True]}, False),
        ("States.ArrayContains($.a, $.b)", {"a": [{"x": [1], "y": 2}], "b": {"y": 2, "x": [1]}}, True),
        ("States.ArrayContains($.a, true)", {"a": [1]}, False),
        ("States.ArrayRange(1, 9, 2)", {}, [1, 3, 5, 7, 9]),
        ("States.ArrayRange(1, 9, 9)", {}, [1]),
        ("States.ArrayRange(9, 1, -4)", {}, [9, 5, 1]),
        ("States.ArrayRange(1, 0, 1)", {}, []),
        ("States.ArrayRange(0.5, 2.4, 1)", {}, [1, 2]),
        ("States.ArrayGetItem($.a, 1)", {"a": ["x", "y"]}, "y"),
        ("States.ArrayLength($.a)", {"a": [1, [2, 3]]}, 2),
        (
            "States.ArrayUnique($.a)",
            {"a": [3, 1, 3, "3", 1.0, {"b": 1, "c": 2}, {"c": 2, "b": 1}]},
            [3, 1, "3", 1.0, {"b": 1, "c": 2}],
        ),
        ("States.Base64Encode('Data to encode')", {}, "RGF0YSB0byBlbmNvZGU="),
        ("States.Base64Encode('')", {}, ""),
        ("States.Base64Decode('RGVjb2RlZCBkYXRh')", {}, "Decoded data"),
        ("States.Base64Decode('YQ')", {}, "a"),
        ("States.Hash('input data', 'SHA-1')", {}, "aaff4a450a104cd177d28d18d74485e8cae074b7"),
        ("States.Hash('', 'MD5')", {}, "d41d8cd98f00b204e9800998ecf8427e"),
        (
            "States.JsonMerge($.a, $.b, false)",
            {"a": {"x": {"p": 1}, "y": 1}, "b": {"x": {"q": 2}}},
            {"x": {"q": 2}, "y": 1},
        ),
        ("States.MathAdd(111, -1)", {}, 110),
        ("States.MathAdd(1.49, 1.5)", {}, 3),
        ("States.MathAdd(-0.5, 0.5)", {}, 1),
        ("States.MathAdd(-1.5, 0)", {}, -1),
        ("States.MathAdd($.a, 1)", {"a": 2147483646}, 2147483647),
        ("States.StringSplit('1,2,3,4,5', ',')", {}, ["1", "2", "3", "4", "5"]),
        ("States.StringSplit('This.is+a,test=string', '.+,=')", {}, ["This", "is", "a", "test", "string"]),
        ("States.StringSplit('a]b^c-d', '^-]')", {}, ["a", "b", "c", "d"]),
        ("States.StringSplit(',,,,', ',')", {}, []),
        ("States.StringSplit('', ',')", {}, []),
        ("States.StringSplit('ab', '')", {}, ["ab"]),
        ("States.ArrayGetItem(States.StringSplit($.s, '/'), 1)", {"s": "a/b/c"}, "b"),
    ],
)
def test_a_function_gives(text: str, given_: Json, value: Json) -> None:
    result = call(text, given_)
    # Numbers keep their form, and Python's equality would not see it.
    assert json.dumps(result) == json.dumps(value)


@pytest.mark.parametrize(
    "text",
    [
        "States.StringToJson($.object)",
        "States.StringToJson('{')",
        "States.StringToJson('NaN')",
        "States.ArrayPartition($.object, 1)",
        "States.ArrayPartition($.list, 0)",
        "States.ArrayPartition($.list, 0.49)",
        "States.ArrayPartition($.list, -1)",
        "States.ArrayPartition($.list, '1')",
        "States.ArrayContains('abc', 'a')",
        "States.ArrayRange(1, 2, 0)",
        "States.ArrayRange('a', 5, 1)",
        "States.ArrayRange(0, 1000, 1)",
        "States.ArrayGetItem($.list, 3)",
        "States.ArrayGetItem($.list, -1)",
        "States.ArrayGetItem($.list, 'x')",
        "States.ArrayLength('abc')",
        "States.ArrayUnique($.object)",
        "States.Base64Encode(1)",
        "States.Base64Decode('a b=')",
        "States.Base64Decode('YQ===')",
        "States.Base64Decode('Y')",
        "States.Hash('x', 'SHA-3')",
        "States.Hash('x', 'sha-1')",
        "States.JsonMerge($.object, $.object, true)",
        "States.JsonMerge($.object, $.list, false)",
        "States.MathRandom(2, 2)",
        "States.MathRandom(3, 1)",
        "States.MathRandom(1.4, 1.6)",
        "States.MathRandom(1.6, 2.4)",
        "States.MathAdd(1, 'NOT A NUMBER')",
        "States.MathAdd(1, true)",
        "States.MathAdd(2147483647, 1)",
        "States.MathAdd(1, null)",
        "States.MathAdd($.huge, 1)",
        "States.MathAdd(1, 1e300)",
        "States.StringSplit($.list, ',')",
        "States.StringSplit('a', 1)",
    ],
)
def test_a_function_does_not_take(text: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        call(text, {"object": {"a": 1}, "list": [1, 2, 3], "huge": 10**400})
    name = text.partition("(")[0]
    assert caught.value.error == "States.Runtime"
    assert caught.value.cause == (
        f"The function '{text}' had the following error: Invalid arguments in {name}"
    )


@pytest.mark.parametrize(
    "function", ["States.Base64Encode($.s)", "States.Base64Decode($.s)", "States.Hash($.s, 'MD5')"]
)
def test_ten_thousand_characters_are_the_most(function: str) -> None:
    assert isinstance(call(function, {"s": "a" * 10_000}), str)
    with pytest.raises(EvaluationError, match="Invalid arguments"):
        call(function, {"s": "a" * 10_004})


def test_a_thousand_numbers_are_the_longest_range() -> None:
    assert call("States.ArrayRange(1, 1000, 1)") == list(range(1, 1001))
    assert call("States.ArrayRange(-2147483648, 2147483647, 2147483647)") == [-2147483648, -1, 2147483646]
    with pytest.raises(EvaluationError):
        call("States.ArrayRange(-2147483648, 2147483647, 1)")


WRONG_NUMBER = "Invalid arguments in States.Format: number of arguments do not match the occurrences of {}."


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (
            "'{}'",
            "Invalid arguments in States.Format: number of arguments do not match the occurrences of {}.",
        ),
        (
            "'a', 1",
            "Invalid arguments in States.Format: number of arguments do not match the occurrences of {}.",
        ),
        ("'{', 1", "Invalid template in States.Format: matching '}' not found for '{'."),
        ("'{0}', 1", "Invalid template in States.Format: matching '}' not found for '{'."),
        ("'}', 1", "Invalid template in States.Format: matching '{' not found for '}'."),
        ("1, 1", "Invalid arguments in States.Format"),
    ],
)
def test_a_template_must_fit_its_arguments(template: str, said: str) -> None:
    text = f"States.Format({template})"
    with pytest.raises(EvaluationError) as caught:
        call(text)
    assert caught.value.cause == f"The function '{text}' had the following error: {said}"


def test_random_numbers_lie_between_their_bounds_and_follow_from_the_seed() -> None:
    random = Intrinsic.of("States.MathRandom(1, 999)")
    first, again = SeededChance("event-7"), SeededChance("event-7")
    numbers = [random.call(FixedScope({}, chance=first)) for _ in range(50)]
    assert all(isinstance(number, int) and 1 <= number < 999 for number in numbers)
    assert len(set(map(str, numbers))) > 10
    again = SeededChance("event-7")
    assert numbers == [
        Intrinsic.of("States.MathRandom(1, 999)").call(FixedScope({}, chance=again)) for _ in range(50)
    ]
    assert call("States.MathRandom(1, 2)") == 1
    # With a seed of its own, chance has no say.
    assert call("States.MathRandom(0, 100, 1)") == 85
    assert call("States.MathRandom(0, 100, 1)") == 85


@pytest.mark.parametrize(("seed", "bound", "drawn"), [(42, 10, 0), (1, 100, 85), (0, 16, 11), (-5, 7, 5)])
def test_random_numbers_of_a_seed_are_javas(seed: int, bound: int, drawn: int) -> None:
    assert JavaRandom(seed).integer(bound) == drawn


def test_uuids_are_of_version_four_and_differ() -> None:
    chance = SeededChance("x")
    first, second = (Intrinsic.of("States.UUID()").call(FixedScope({}, chance=chance)) for _ in range(2))
    assert first != second
    assert isinstance(first, str)
    assert [len(part) for part in first.split("-")] == [8, 4, 4, 4, 12]
    assert first[14] == "4"
    assert first[19] in "89ab"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(json_values)
def test_what_is_written_is_read_back(value: Json) -> None:
    assert call("States.StringToJson(States.JsonToString($.v))", {"v": value}) == value


@given(st.text(max_size=50))
def test_texts_go_through_base64_and_hash_as_in_the_standard(text: str) -> None:
    assert call("States.Base64Decode(States.Base64Encode($.s))", {"s": text}) == text
    assert call("States.Base64Encode($.s)", {"s": text}) == base64.b64encode(text.encode()).decode()
    assert call("States.Hash($.s, 'SHA-256')", {"s": text}) == hashlib.sha256(text.encode()).hexdigest()


@given(st.lists(json_values, max_size=8), st.integers(1, 5))
def test_partitions_put_together_are_the_array(items: list[Json], size: int) -> None:
    parts = call("States.ArrayPartition($.a, $.n)", {"a": items, "n": size})
    assert isinstance(parts, list)
    assert [item for part in parts for item in part] == items
    assert all(1 <= len(part) <= size for part in parts)


@given(st.lists(json_values, max_size=8))
def test_unique_items_are_contained_and_differ(items: list[Json]) -> None:
    unique = call("States.ArrayUnique($.a)", {"a": items})
    assert isinstance(unique, list)
    for item in items:
        assert call("States.ArrayContains($.u, $.v)", {"u": unique, "v": item}) is True
    assert call("States.ArrayUnique($.a)", {"a": unique}) == unique


@pytest.mark.parametrize(
    "text",
    [
        "States.Format('{}', $.deep)",
        "States.ArrayUnique($.deep)",
        "States.ArrayContains($.deep, $.other)",
        "States.JsonToString($.deep)",
    ],
)
def test_arguments_that_are_nested_too_deep_are_an_error_and_no_crash(text: str) -> None:
    def deep() -> Json:
        value: Json = 1
        for _ in range(5000):
            value = [value]
        return value

    with pytest.raises(EvaluationError, match="nested too deep"):
        call(text, {"deep": [deep()], "other": deep()})
