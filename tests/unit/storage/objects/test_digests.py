"""Digests: known values, and the rule that parts and the whole agree."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.storage.objects.digests import (
    Checksum,
    Hashing,
    composite_checksum,
    etag_of_parts,
    full_object_checksum,
    has_full_object,
    is_checksum,
    opaque_etag,
)

_CRCS = [Checksum.CRC32, Checksum.CRC32C, Checksum.CRC64NVME]

# Check values of the catalogue of parametrised CRC algorithms, and of the FIPS for "123456789".
_OF_123456789 = {
    Checksum.CRC32: "cbf43926",
    Checksum.CRC32C: "e3069283",
    Checksum.CRC64NVME: "ae8b14860a799888",
    Checksum.SHA1: "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
    Checksum.MD5: "25f9e794323b453885f5181f1b624d0b",
    Checksum.SHA512: (
        "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274a"
        "d27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85"
    ),
    Checksum.SHA256: "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
}


def _values(data: bytes, *checksums: Checksum) -> dict[Checksum, str]:
    hashing = Hashing(checksums)
    hashing.update(data)
    return hashing.values()


@pytest.mark.parametrize("checksum", list(Checksum))
def test_known_values(checksum: Checksum) -> None:
    assert b64decode(_values(b"123456789", checksum)[checksum]).hex() == _OF_123456789[checksum]


def test_nothing_is_computed_that_nobody_asked_for() -> None:
    hashing = Hashing()
    hashing.update(b"x")
    assert (hashing.values(), hashing.sha256) == ({}, "")
    assert hashing.etag == hashlib.md5(b"x").hexdigest()


def test_a_sha256_that_was_asked_for_counts_more_than_a_promise() -> None:
    hashing = Hashing([Checksum.SHA256], sha256="0" * 64)
    hashing.update(b"x")
    assert hashing.sha256 == hashlib.sha256(b"x").hexdigest()


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_pieces_do_not_matter(pieces: list[bytes]) -> None:
    hashing = Hashing(Checksum)
    for piece in pieces:
        hashing.update(piece)
    assert hashing.values() == _values(b"".join(pieces), *Checksum)


@pytest.mark.parametrize("checksum", _CRCS)
@given(parts=st.lists(st.binary(max_size=300), min_size=1, max_size=6))
def test_the_whole_follows_from_the_parts(checksum: Checksum, parts: list[bytes]) -> None:
    of_parts = [(_values(part, checksum)[checksum], len(part)) for part in parts]
    assert full_object_checksum(checksum, of_parts) == _values(b"".join(parts), checksum)[checksum]


def test_the_whole_of_huge_parts_is_found_at_once() -> None:
    """10,000 parts of 5 GiB: more than anybody could read in a test."""
    of_parts = [("AAAAAQ==", 5 * 1024**3)] * 10_000
    assert len(b64decode(full_object_checksum(Checksum.CRC32, of_parts))) == 4


def test_only_crcs_have_it() -> None:
    assert [checksum for checksum in Checksum if has_full_object(checksum)] == _CRCS


def test_the_checksum_of_the_parts_checksums() -> None:
    one, two = (_values(part, Checksum.SHA1)[Checksum.SHA1] for part in (b"one", b"two"))
    joined = hashlib.sha1(hashlib.sha1(b"one").digest() + hashlib.sha1(b"two").digest()).digest()
    assert composite_checksum(Checksum.SHA1, [one, two]) == f"{b64encode(joined).decode()}-2"


def test_the_etag_of_parts_is_that_of_their_md5s() -> None:
    one, two = hashlib.md5(b"one"), hashlib.md5(b"two")
    joined = hashlib.md5(one.digest() + two.digest()).hexdigest()
    assert etag_of_parts([one.hexdigest(), two.hexdigest()]) == f"{joined}-2"


def test_parts_that_are_copies_count_too() -> None:
    one, two = opaque_etag("blob-0"), opaque_etag("blob-1")
    assert one != two
    assert etag_of_parts([one, two]) not in (etag_of_parts([two, one]), etag_of_parts([one, one]))
    assert etag_of_parts([one, two]).endswith("-2")


@pytest.mark.parametrize(
    "text", ["", "AAAA", "AAAAAA", "AAAAAAA=", "ä", "AAAAAA==\n", "AAAAAA==-2", "AAAAAAAA"]
)
def test_what_cannot_be_a_crc(text: str) -> None:
    assert not is_checksum(Checksum.CRC32, text)


@pytest.mark.parametrize("checksum", list(Checksum))
def test_what_can_be_a_checksum(checksum: Checksum) -> None:
    assert is_checksum(checksum, _values(b"x", checksum)[checksum])
