from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest

from stepmill.platform import Platform, load_settings
from stepmill.server.main import prepare
from stepmill.server.private_doors import PrivateDoors


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    settings = load_settings(tmp_path, {"STEPMILL_HOME": str(tmp_path / "home")})
    with Platform(settings, remark=lambda _text: None) as platform:
        yield platform


@pytest.fixture
def doors(platform: Platform) -> Iterator[PrivateDoors]:
    with closing(PrivateDoors(platform)) as doors:
        yield doors


def answers(url: str) -> bool:
    with urlopen(f"{url}/_stepmill/health", timeout=60) as answer:
        return answer.status == 200


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_all_jobs_of_a_process_are_told_one_address(doors: PrivateDoors) -> None:
    url = doors.address("")
    assert doors.address("") == url
    assert answers(url)
    assert answers(url)


def test_a_door_that_nobody_came_to_is_closed_at_once(doors: PrivateDoors) -> None:
    url = doors.address("")
    port = url.rpartition(":")[2]
    assert f"job-door-{port}" in threads()
    doors.close()
    assert f"job-door-{port}" not in threads()
    with socket.create_server(("127.0.0.1", int(port))):
        assert doors.address("") == ""
    doors.close()


def test_a_job_that_knows_another_address_is_answered_there(doors: PrivateDoors) -> None:
    former = free_address()
    assert doors.address(former) == former
    assert doors.address(former) == former
    own = doors.address("")
    assert own != former
    assert answers(former)
    assert answers(own)


def test_where_that_cannot_be_the_own_address_is_told(doors: PrivateDoors) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert doors.address(taken) == doors.address("") != taken


@pytest.mark.parametrize(
    "former",
    ["https://127.0.0.1:1234", "http://10.0.0.1:80", "http://127.0.0.1:99999", "http://127.0.0.1:0", "x"],
)
def test_it_listens_nowhere_but_on_loopback(doors: PrivateDoors, former: str) -> None:
    assert doors.address(former) == doors.address("")


def test_a_server_tells_its_own_address_and_answers_at_former_ones_too(platform: Platform) -> None:
    with closing(PrivateDoors(platform, "https://here:7070")) as doors:
        assert doors.address("") == "https://here:7070"
        assert doors.address("https://here:7070") == "https://here:7070"
        former = free_address()
        assert doors.address(former) == former


def test_a_platform_closes_its_doors(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {"STEPMILL_HOME": str(tmp_path / "home")})
    with Platform(settings, remark=lambda _text: None) as platform:
        prepare(platform)
        assert platform.addresses is not None
        url = platform.addresses.address("")
        assert answers(url)
    with socket.create_server(("127.0.0.1", int(url.rpartition(":")[2]))):
        pass
