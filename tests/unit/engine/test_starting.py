from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.service_models import service_model
from stepmill.engine.interpreters.pipelines.events import ExecutionStarted, Selection, decode_event
from stepmill.engine.interpreters.pipelines.plan import Plan
from stepmill.engine.starting import (
    StartRequest,
    check_parallelism,
    check_request,
    check_resources,
    execution_id,
    new_execution,
)
from stepmill.language.pipelines.checking import read
from stepmill.storage.executions import NewExecution
from support.engines import ARNS, chain
from support.executions import NOON

REQUEST = StartRequest("My-Pipeline", chain("A"), version=2, client_token="token")


def _new(request: StartRequest, parameters: dict[str, object] | None = None) -> NewExecution:
    return new_execution(
        request,
        arns=ARNS,
        owner="me",
        at=NOON,
        definition_digest="digest",
        parameters=parameters or {},  # type: ignore[arg-type]
        selection=None,
    )


@given(st.text(max_size=20), st.from_regex(r"[a-z][a-z0-9]{0,20}", fullmatch=True))
def test_an_id_is_twelve_lower_case_alphanumerics(token: str, pipeline: str) -> None:
    try:
        token.encode()
    except UnicodeEncodeError:
        return
    identifier = execution_id(StartRequest(pipeline, "{}", client_token=token))
    assert len(identifier) == 12
    assert set(identifier) <= set(string.ascii_lowercase + string.digits)


def test_ids_differ_unless_pipeline_and_token_are_the_same() -> None:
    assert execution_id(REQUEST) == execution_id(replace(REQUEST, version=9))
    assert execution_id(REQUEST) != execution_id(replace(REQUEST, pipeline="Other"))
    assert execution_id(REQUEST) != execution_id(replace(REQUEST, client_token="other"))
    without = replace(REQUEST, client_token="")
    assert len({execution_id(without) for _ in range(100)}) == 100


def test_what_is_written_at_the_start() -> None:
    new = _new(REQUEST, {"Count": 3})
    assert (new.pipeline, new.status, new.owner, new.created_at) == ("My-Pipeline", "Executing", "me", NOON)
    assert new.definition == REQUEST.definition
    assert new.details.arn == ARNS.execution("My-Pipeline", new.id)
    assert (new.details.definition, new.details.version) == ("digest", 2)
    assert new.details.parameters == {"Count": 3}
    event = decode_event(new.first_event)
    assert isinstance(event, ExecutionStarted)
    assert (event.execution_id, event.execution_arn) == (new.id, new.details.arn)
    assert event.pipeline_arn == ARNS.pipeline("My-Pipeline")
    assert event.parameters == {"Count": 3}


def test_a_selection_is_kept_with_its_source() -> None:
    new = new_execution(
        replace(REQUEST, source_execution="abc"),
        arns=ARNS,
        owner="me",
        at=NOON,
        definition_digest="digest",
        parameters={},
        selection=Selection(("A",), "arn"),
    )
    assert new.details.selected_steps == ("A",)
    assert new.details.source_execution == "abc"


def test_the_token_that_is_kept_tells_starts_apart() -> None:
    first = _new(REQUEST).details.client_token
    assert first == _new(REQUEST).details.client_token
    assert first != _new(REQUEST, {"Count": 1}).details.client_token
    assert first != _new(replace(REQUEST, parallelism=1)).details.client_token
    assert _new(replace(REQUEST, client_token="")).details.client_token == ""


def test_a_parameter_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="surrogate"):
        _new(REQUEST, {"Text": "\ud800"})


@pytest.mark.parametrize("name", ["P", "a" * 256, "a-b", "a--b", "0"])
def test_names_of_pipelines(name: str) -> None:
    check_request(StartRequest(name, "{}"))


@pytest.mark.parametrize("name", ["", "-", "a-", "-a", "a_b", "a b", "a" * 257, "é"])
def test_what_is_no_name_of_a_pipeline(name: str) -> None:
    with pytest.raises(InvalidInputError):
        check_request(StartRequest(name, "{}"))


def _with_definition(text: str) -> StartRequest:
    return replace(REQUEST, definition=text)


def _with_description(text: str) -> StartRequest:
    return replace(REQUEST, description=text)


def _with_token(text: str) -> StartRequest:
    return replace(REQUEST, client_token=text)


@pytest.mark.parametrize("change", [_with_definition, _with_description, _with_token])
def test_texts_must_be_unicode(change: Callable[[str], StartRequest]) -> None:
    check_request(change("ü"))
    with pytest.raises(InvalidInputError):
        check_request(change("\udc00"))


def test_parallelism_is_at_least_one() -> None:
    check_parallelism(None)
    check_parallelism(1)
    with pytest.raises(InvalidInputError):
        check_parallelism(0)


def test_steps_that_nobody_does_are_named() -> None:
    plan = Plan.of(read(chain(*(f"S{n}" for n in range(12))), service_model))
    check_resources(plan, {"lambda:invoke"})
    with pytest.raises(UnsupportedError) as caught:
        check_resources(plan, {"callback"})
    assert "'S0' (Lambda)" in caught.value.what
    assert "and 2 more" in caught.value.what
    assert caught.value.where
