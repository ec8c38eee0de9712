from __future__ import annotations

import multiprocessing
import threading
from pathlib import Path

from stepmill.server.usage import end_when_unused, in_use, is_used_by_others

LIMIT_S = 60.0


def _hold(path: Path, held: object, let_go: object) -> None:
    with in_use(path):
        held.set()
        let_go.wait(LIMIT_S)


def test_it_ends_when_the_last_user_is_gone_however_that_went(tmp_path: Path) -> None:
    path = tmp_path / "usage"
    context = multiprocessing.get_context("spawn")
    held, never = context.Event(), context.Event()
    user = context.Process(target=_hold, args=(path, held, never))
    user.start()
    assert held.wait(LIMIT_S)
    ended = threading.Event()
    thread = end_when_unused(path, ended.set)
    assert not ended.wait(1.0)
    user.kill()
    user.join()
    assert ended.wait(LIMIT_S)
    thread.join(LIMIT_S)


def test_who_uses_it_knows_whether_others_do(tmp_path: Path) -> None:
    path = tmp_path / "usage"
    with in_use(path) as one:
        with in_use(path):
            assert is_used_by_others(one)
        assert not is_used_by_others(one)


def test_who_comes_while_it_ends_waits(tmp_path: Path) -> None:
    path = tmp_path / "usage"
    came = threading.Event()

    def come() -> None:
        with in_use(path):
            came.set()

    with in_use(path) as one:
        assert not is_used_by_others(one)
        late = threading.Thread(target=come, daemon=True)
        late.start()
        assert not came.wait(0.5)
    assert came.wait(LIMIT_S)
    late.join(LIMIT_S)
