from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.service_models import service_model
from stepmill.engine.frame_cache import FrameCache
from stepmill.engine.interpreters.pipelines.frames import Frame, GateFrame, decode_frame, encode_frame
from stepmill.engine.pipeline_language import PipelineLanguage
from stepmill.engine.plans import Plans

LANGUAGE = PipelineLanguage(Plans(str, service_model))


class _Stored(dict[str, str]):
    """Frames as they are stored, counting reads."""

    reads = 0

    def load(self, name: str) -> str | None:
        self.reads += 1
        return self.get(name)

    def apply(self, changes: dict[str, str | None]) -> None:
        for name, text in changes.items():
            if text is None:
                self.pop(name, None)
            else:
                self[name] = text


def _cache(stored: _Stored, limit: int = 100) -> FrameCache:
    return FrameCache(stored, stored.load, LANGUAGE, limit=limit)


def test_a_frame_is_read_when_it_is_asked_for_and_only_once() -> None:
    stored = _Stored({"gate/a": encode_frame(GateFrame(2)), "gate/b": encode_frame(GateFrame(1))})
    cache = _cache(stored)
    assert stored.reads == 0
    assert cache["gate/a"] == GateFrame(2)
    assert cache["gate/a"] == GateFrame(2)
    assert stored.reads == 1


def test_what_is_not_there_is_known_without_a_read() -> None:
    stored = _Stored()
    cache = _cache(stored)
    assert cache.get("gate/a") is None
    assert cache.get("gate/a", GateFrame(7)) == GateFrame(7)
    assert "gate/a" not in cache
    with pytest.raises(KeyError):
        cache["gate/a"]
    assert stored.reads == 0


def test_changes_are_seen_at_once_and_given_out_once() -> None:
    cache = _cache(_Stored({"gate/a": encode_frame(GateFrame(2))}))
    cache.update({"gate/a": None, "gate/b": GateFrame(5)})
    assert "gate/a" not in cache
    assert cache["gate/b"] == GateFrame(5)
    assert cache.take_changes() == {"gate/a": None, "gate/b": encode_frame(GateFrame(5))}
    assert cache.take_changes() == {}


def test_frames_can_be_counted_and_listed() -> None:
    cache = _cache(_Stored({"gate/a": encode_frame(GateFrame(2))}))
    cache.update({"gate/b": GateFrame(5)})
    assert len(cache) == 2
    assert set(cache) == {"gate/a", "gate/b"}


def test_memory_is_bounded_by_forgetting_what_was_used_longest_ago() -> None:
    stored = _Stored()
    cache = _cache(stored, limit=2)
    for name in "abc":
        cache.update({name: GateFrame(1)})
    assert cache["a"] == GateFrame(1)
    stored.apply(cache.take_changes())
    cache.settle()
    assert cache["a"] == GateFrame(1)
    assert cache["c"] == GateFrame(1)
    assert stored.reads == 0
    assert cache["b"] == GateFrame(1)
    assert stored.reads == 1


def test_what_is_not_stored_yet_is_never_forgotten() -> None:
    cache = _cache(_Stored(), limit=0)
    cache.update({"a": GateFrame(1)})
    cache.settle()
    assert cache["a"] == GateFrame(1)


_NAMES = st.sampled_from(["a", "b", "c", "d"])
_UPDATES = st.dictionaries(_NAMES, st.none() | st.builds(GateFrame, st.integers(0, 9)))


@given(st.lists(_UPDATES), st.integers(0, 3), st.sets(st.integers(0, 20)))
def test_it_behaves_like_a_dict_whatever_is_forgotten(
    updates: list[dict[str, Frame | None]], limit: int, commits: set[int]
) -> None:
    stored, model = _Stored(), dict[str, Frame]()
    cache = _cache(stored, limit)
    for number, update in enumerate(updates):
        cache.update(update)
        model = {name: frame for name, frame in (model | update).items() if frame is not None}
        if number in commits:
            stored.apply(cache.take_changes())
            cache.settle()
        assert dict(cache) == model
    stored.apply(cache.take_changes())
    assert {name: decode_frame(text) for name, text in stored.items()} == model
