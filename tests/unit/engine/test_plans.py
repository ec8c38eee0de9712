from __future__ import annotations

import pytest

from stepmill.core.errors import DefinitionError, NotFoundError
from stepmill.core.service_models import service_model
from stepmill.engine.plans import Plans
from support.engines import chain


class _Texts(dict[str, str]):
    loads = 0

    def load(self, digest: str) -> str:
        self.loads += 1
        if digest not in self:
            raise NotFoundError("There is none.")
        return self[digest]


def test_the_same_text_gives_the_same_plan() -> None:
    plans = Plans(_Texts().load, service_model)
    digest, plan = plans.read(chain("A"))
    assert plans.read(chain("A")) == (digest, plan)
    assert plans.read(chain("A"))[1] is plan
    assert plans.of(digest) is plan
    assert list(plan.steps) == ["A"]


def test_other_texts_give_other_digests() -> None:
    plans = Plans(_Texts().load, service_model)
    assert plans.read(chain("A"))[0] != plans.read(chain("B"))[0]


def test_a_stored_text_is_loaded_once() -> None:
    texts = _Texts(digest=chain("A", "B"))
    plans = Plans(texts.load, service_model)
    assert list(plans.of("digest").steps) == ["A", "B"]
    assert plans.of("digest") is plans.of("digest")
    assert texts.loads == 1


def test_those_used_longest_ago_are_forgotten() -> None:
    texts = _Texts({name: chain(name) for name in "ABC"})
    plans = Plans(texts.load, service_model, limit=2)
    for name in "ABACA":
        plans.of(name)
    assert texts.loads == 3
    plans.of("B")
    assert texts.loads == 4


def test_errors_rise_and_nothing_is_kept() -> None:
    plans = Plans(_Texts().load, service_model)
    with pytest.raises(DefinitionError):
        plans.read("{}")
    with pytest.raises(DefinitionError):
        plans.read("{}")
    with pytest.raises(NotFoundError):
        plans.of("none")
