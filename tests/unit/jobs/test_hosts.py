"""What each host of a job gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.jobs.hosts import WHOLE, Share, inputs_of, share_of
from stepmill.jobs.requests.data import Distribution, Input
from stepmill.jobs.requests.hosts import Host
from stepmill.jobs.requests.processing import ProcessingRequest, read_processing_request
from stepmill.storage.objects.uri import S3Uri
from support.job_data import processing_document

DATA, OTHER, DNN = Host("algo-1", "c", "data"), Host("algo-2", "c", "data"), Host("algo-3", "p", "dnn")


def request_with(*inputs: Input) -> ProcessingRequest:
    request = read_processing_request(processing_document(), Path("/project"))
    return replace(request, hosts=(DATA, OTHER, DNN), inputs=inputs)


def item(name: str = "train", **options: Any) -> Input:
    return Input(name, f"/opt/ml/input/data/{name}", S3Uri("data", "x"), **options)


def test_what_is_replicated_goes_to_every_host_whole() -> None:
    one = item()
    assert [share_of(one, request_with(one), host) for host in (DATA, OTHER, DNN)] == [WHOLE] * 3


def test_shards_go_to_the_hosts_in_turn() -> None:
    one = item(distribution=Distribution.SHARDED)
    shares = [share_of(one, request_with(one), host) for host in (DATA, OTHER, DNN)]
    assert shares == [Share(0, 3), Share(1, 3), Share(2, 3)]
    assert [share.of("abcde") for share in shares] == ["ad", "be", "c"]


def test_an_input_for_a_group_is_shared_within_it() -> None:
    one = item(distribution=Distribution.SHARDED, groups=("data",))
    assert [share_of(one, request_with(one), host) for host in (DATA, OTHER)] == [Share(0, 2), Share(1, 2)]


def test_a_host_gets_what_is_for_all_or_for_its_group() -> None:
    everybody, some = item("all"), item("some", groups=("dnn",))
    request = request_with(everybody, some)
    assert inputs_of(request, DATA) == (everybody,)
    assert inputs_of(request, DNN) == (everybody, some)


@given(st.lists(st.integers(), max_size=40), st.integers(1, 9))
def test_shards_are_even_and_lose_nothing(files: Sequence[int], count: int) -> None:
    shares = [Share(index, count).of(files) for index in range(count)]
    assert sorted(file for share in shares for file in share) == sorted(files)
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("count", [1, 3])
def test_without_files_there_is_nothing_to_share(count: int) -> None:
    assert Share(0, count).of([]) == []
