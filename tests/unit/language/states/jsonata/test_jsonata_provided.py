"""The functions that Step Functions adds."""

from __future__ import annotations

import hashlib
import json
import re
import uuid

import pytest
from hypothesis import given as assuming
from hypothesis import strategies as st
from tests.support.jsonata_samples import ended, value_of

from stepmill.language.states.jsonata.chance import Chance
from stepmill.language.states.jsonata.values import UNDEFINED


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$partition([1,2,3,4], 2)", [[1, 2], [3, 4]]),
        ("$partition([1..9], 3)", [[1, 2, 3], [4, 5, 6], [7, 8, 9]]),
        ("$partition([1,2,3], 2)", [[1, 2], [3]]),
        ("$partition([1,2,3], 2.9)", [[1, 2], [3]]),
        ("$partition([[1],[2],[3]], 2)", [[[1], [2]], [[3]]]),
        ("$range(0, 10, 2)", [0, 2, 4, 6, 8, 10]),
        ("$range(0, 9, 2)", [0, 2, 4, 6, 8]),
        ("$range(5, 1, -2)", [5, 3, 1]),
        ("$range(1, 9, 9)", 1),
        ("$range(3, 3, 1)", 3),
        ("$range(-1.7, 2, 1)", [-1, 0, 1, 2]),
        ("$range(0, 3, 1.9)", [0, 1, 2, 3]),
        ("$count($range(1, 2000, 1))", 2000),
        ("[$range(1, 9, 9)]", [1]),
        ("$range(1, 3, 1) ~> $sum()", 6),
    ],
)
def test_arrays_are_parted_and_made(expression: str, value: object) -> None:
    assert value_of(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "$partition([], 2)",
        "$partition([1], 0)",
        "$partition([1], 0.5)",
        "$partition($states.input.missing, 2)",
        "$range(1, 3, 0)",
        "$range(5, 1, 1)",
        "$range(1, 5, -1)",
        "$range($states.input.missing, 5, 1)",
        "$hash($states.input.missing, 'MD5')",
        "$parse($states.input.missing)",
    ],
)
def test_what_makes_no_sense_gives_nothing(expression: str) -> None:
    assert value_of(expression) is UNDEFINED


def test_a_negative_part_fails() -> None:
    assert ended("$partition([1], -1)")[1].startswith("The chunk size")


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [("MD5", "md5"), ("SHA-1", "sha1"), ("SHA-256", "sha256"), ("SHA-384", "sha384"), ("SHA-512", "sha512")],
)
def test_hashes_are_those_of_the_bytes_in_utf_8(algorithm: str, name: str) -> None:
    assert value_of(f"$hash('Grüße', '{algorithm}')") == hashlib.new(name, "Grüße".encode()).hexdigest()


@pytest.mark.parametrize("algorithm", ["SHA-224", "sha-256", "SHA256", ""])
def test_other_hashes_are_not_known(algorithm: str) -> None:
    assert ended(f"$hash('a', '{algorithm}')")[1].startswith("Unsupported hash algorithm")


@pytest.mark.parametrize(
    ("text", "value"),
    [("null", None), ("-0", 0), ("1", 1), ("1.1", 1.1), ("true", True), ('"x"', "x"), ("[1, [2]]", [1, [2]])],
)
def test_json_is_parsed(text: str, value: object) -> None:
    assert value_of("$parse($t)", t=text) == value


@pytest.mark.parametrize("text", ["", " ", "{", "NaN", "[1,]", "'a'", "01", "[" * 5000 + "]" * 5000])
def test_what_is_no_json_fails(text: str) -> None:
    with pytest.raises(Exception, match="not valid JSON"):
        value_of("$parse($t)", t=text)


@assuming(
    st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), st.lists, max_leaves=9)
)
def test_what_is_written_as_json_is_parsed_again(value: object) -> None:
    assert value_of("$parse($t)", t=json.dumps(value)) == value


def test_seeded_chance_is_that_of_java() -> None:
    assert value_of("$random(42)") == 0.7275636800328681
    assert value_of("$random(0)") == 0.730967787376657
    assert value_of("$random(42.9)") == value_of("$random(42)")
    assert value_of("$random(42) = $random(42)") is True


def test_chance_without_a_seed_differs_from_call_to_call() -> None:
    values = value_of("$map([1..50], function($x) { $random() })")
    assert len(set(values)) == 50
    assert all(0 <= value < 1 for value in values)


def test_uuids_are_of_version_4_and_differ() -> None:
    made = value_of("$map([1..20], function($x) { $uuid() })")
    assert len(set(made)) == 20
    for each in made:
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", each)
        assert uuid.UUID(each).version == 4


@assuming(st.integers(-(2**63), 2**63), st.integers(1, 1000))
def test_chance_stays_below_its_bound(seed: int, bound: int) -> None:
    assert 0 <= Chance(seed).below(bound) < bound


@pytest.mark.parametrize("name", ["eval", "randomSeeded", "values"])
def test_what_step_functions_does_not_offer_is_no_function(name: str) -> None:
    assert ended(f"${name}('1')") == ("T1006", "Attempted to invoke a non-function")


@pytest.mark.parametrize(
    "call", ["$partition(1)", "$hash('a', 1)", "$range('a', 1, 1)", "$uuid(1)", "$parse(1)"]
)
def test_arguments_of_other_types_are_refused(call: str) -> None:
    assert ended(call)[0] == "T0410"
