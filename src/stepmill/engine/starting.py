"""What must be right before an execution is written, and what is written then."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from stepmill.core.arns import Arns
from stepmill.core.errors import ConflictError, InvalidInputError, UnsupportedError, WrongStateError
from stepmill.core.json import Json, digest
from stepmill.core.statuses import PipelineExecutionStatus
from stepmill.engine.frame_cache import all_frames
from stepmill.engine.interpreters.pipelines.events import ExecutionStarted, Selection, encode_event
from stepmill.engine.interpreters.pipelines.frames import Frame
from stepmill.engine.interpreters.pipelines.plan import Plan
from stepmill.engine.interpreters.pipelines.selection import check_selection, selection_from
from stepmill.engine.pipeline_language import PipelineLanguage
from stepmill.engine.plans import Plans
from stepmill.language.pipelines.parameters import bind_parameters
from stepmill.language.pipelines.supported import refuse_unsupported
from stepmill.storage.executions import PIPELINES, ExecutionDetails, ExecutionStore, NewExecution
from stepmill.storage.texts import check_text

# Source: API reference, PipelineExecutionArn ends in twelve lower-case alphanumerics.
_ID_LENGTH = 12
_ID_ALPHABET = string.ascii_lowercase + string.digits

# Source: API reference, StartPipelineExecution and CreatePipeline.
_PIPELINE_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}")


@dataclass(frozen=True)
class StartRequest:
    """A wish for an execution.

    Args:
        pipeline: Name of the pipeline.
        definition: Text of the document to run.
        version: Version of the pipeline that it is; 0 where there are none.
        parameters: Name -> value, as text or of its type. Those without a default must be there.
        parallelism: The most steps at once, from 1; ``None``: 50.
        selected_steps: Run only these. Empty: all.
        from_step: Run only this one and what comes after it; not together with ``selected_steps``.
        source_execution: Id of the execution that the results of the steps that do not run are taken
            from; empty if none is needed.
        display_name: For humans.
        description: For humans.
        client_token: Starting twice with the same token gives the same execution. Empty: no token.
        uses_cache: Whether steps may reuse earlier results, where they ask for it.
        role: ARN of the role that it runs under; empty where none is said.
        by: Name of the key of whoever starts it; empty for the terminal.
    """

    pipeline: str
    definition: str
    version: int = 0
    parameters: Mapping[str, object] = field(default_factory=dict)
    parallelism: int | None = None
    selected_steps: tuple[str, ...] = ()
    from_step: str = ""
    source_execution: str = ""
    display_name: str = ""
    description: str = ""
    client_token: str = ""
    uses_cache: bool = True
    role: str = ""
    by: str = ""


def prepare(
    request: StartRequest,
    *,
    plans: Plans,
    store: ExecutionStore,
    resources: Collection[str],
    arns: Arns,
    owner: str,
    at: datetime,
) -> NewExecution:
    """Check all that can be checked, and return what is to be written.

    Args:
        request: The wish.
        plans: Reads the definition.
        store: Has the source of a selective execution.
        resources: Those that somebody does tasks for.
        arns: Builder of ARNs.
        owner: The engine that will drive it.
        at: Now.

    Raises:
        InvalidInputError: If the name, the parallelism, a text or the selection cannot be taken.
        DefinitionError: If the definition is wrong, or a parameter. Carries all findings.
        UnsupportedError: If there is a step that cannot be run here; it is named.
        NotFoundError: If the source of a selective execution is not there.
        WrongStateError: If it is not at its end.
    """
    check_request(request)
    definition_digest, plan = plans.read(request.definition)
    refuse_unsupported(plan.definition)
    check_resources(plan, resources)
    parameters = bind_parameters(plan.definition, request.parameters)
    return new_execution(
        request,
        arns=arns,
        owner=owner,
        at=at,
        definition_digest=definition_digest,
        parameters=parameters,
        selection=_selection(request, plan, plans, store),
    )


def check_request(request: StartRequest) -> None:
    """Check what can be checked without the definition.

    Raises:
        InvalidInputError: If the name of the pipeline or the parallelism is none.
    """
    check_text(request.definition, request.display_name, request.description, request.client_token)
    if not _PIPELINE_NAME.fullmatch(request.pipeline):
        raise InvalidInputError(
            f"{request.pipeline[:100]!r} is no name of a pipeline.",
            where="PipelineName",
            mend="Use up to 256 letters, digits and single hyphens between them.",
        )
    check_parallelism(request.parallelism)


def check_parallelism(parallelism: int | None) -> None:
    """Check the most steps at once.

    Raises:
        InvalidInputError: If it is below 1.
    """
    if parallelism is not None and parallelism < 1:
        raise InvalidInputError(
            f"At least 1 step must run at once, not {parallelism}.",
            where="ParallelismConfiguration.MaxParallelExecutionSteps",
        )


def check_resources(plan: Plan, available: Collection[str]) -> None:
    """Check that there is somebody to do the work of every step.

    Raises:
        UnsupportedError: If not; it names the steps and their types.
    """
    missing = [name for name, resource in plan.resources.items() if resource not in available]
    if missing:
        shown = ", ".join(f"{name!r} ({plan.steps[name].step.type})" for name in missing[:10])
        more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
        raise UnsupportedError(
            f"Nobody here does the work of these steps: {shown}{more}.",
            where=plan.steps[missing[0]].step.path,
        )


def _selection(request: StartRequest, plan: Plan, plans: Plans, store: ExecutionStore) -> Selection | None:
    if not (request.selected_steps or request.from_step):
        return None
    if request.selected_steps and request.from_step:
        raise InvalidInputError(
            "Both the steps to run and the step to run from are given.", mend="Give one of them."
        )
    source, arn = _source(request, plans, store)
    selected = request.selected_steps or selection_from(plan, request.from_step, source)
    return check_selection(plan, selected, source, arn)


def _source(request: StartRequest, plans: Plans, store: ExecutionStore) -> tuple[Mapping[str, Frame], str]:
    """Return the frames of the execution whose results are taken over, and its ARN."""
    if not request.source_execution:
        return {}, ""
    where = "SelectiveExecutionConfig.SourcePipelineExecutionArn"
    stored = store.get(request.source_execution)
    if stored.pipeline != request.pipeline:
        raise InvalidInputError(
            f"Execution {stored.id!r} is one of pipeline {stored.pipeline!r}.",
            where=where,
            mend=f"Name an execution of {request.pipeline!r}.",
        )
    if not PipelineExecutionStatus(stored.status).is_final:
        raise WrongStateError(
            f"Execution {stored.id!r} is {stored.status}; its results can be taken over once it has ended.",
            where=where,
            mend="Wait until it has ended, or stop it first.",
        )
    return all_frames(store, stored.id, PipelineLanguage(plans)), stored.details.arn


def create_once(store: ExecutionStore, new: NewExecution) -> bool:
    """Write a new execution, unless the same start, by its client token, has written it before.

    Returns:
        Whether it was written now.

    Raises:
        ConflictError: If the client token was used for a start that differs.
        StorageError: If the store fails. Nothing was written.
    """
    try:
        store.create(new)
    except ConflictError:
        token = new.details.client_token
        if token and store.get(new.id).details.client_token == token:
            return False
        raise
    return True


def execution_id(request: StartRequest) -> str:
    """Return a new id; with a client token always the same for a pipeline and a token.

    Example:
        >>> request = StartRequest("P", "{}", client_token="token")
        >>> execution_id(request) == execution_id(request), len(execution_id(request))
        (True, 12)
    """
    if not request.client_token:
        return "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
    number = int(sha256(f"{request.pipeline}\0{request.client_token}".encode()).hexdigest(), 16)
    letters = []
    for _ in range(_ID_LENGTH):
        number, rest = divmod(number, len(_ID_ALPHABET))
        letters.append(_ID_ALPHABET[rest])
    return "".join(letters)


def new_execution(
    request: StartRequest,
    *,
    arns: Arns,
    owner: str,
    at: datetime,
    definition_digest: str,
    parameters: Mapping[str, Json],
    selection: Selection | None,
) -> NewExecution:
    """Return what is written of an execution at its start.

    Args:
        request: Checked.
        arns: Builder of ARNs.
        owner: The engine that will drive it.
        at: Now.
        definition_digest: Of the request's definition.
        parameters: All of the definition, with checked values.
        selection: Checked; ``None`` if all steps run.

    Raises:
        InvalidInputError: If a parameter's value is no Unicode text.
    """
    check_text(*(value for value in parameters.values() if isinstance(value, str)))
    identifier = execution_id(request)
    arn = arns.execution(request.pipeline, identifier)
    started = ExecutionStarted(
        execution_id=identifier,
        execution_arn=arn,
        pipeline=request.pipeline,
        pipeline_arn=arns.pipeline(request.pipeline),
        parameters=dict(parameters),
        parallelism=request.parallelism,
        selection=selection,
        uses_cache=request.uses_cache,
    )
    details = ExecutionDetails(
        arn=arn,
        definition=definition_digest,
        version=request.version,
        parameters=dict(parameters),
        parallelism=request.parallelism,
        display_name=request.display_name,
        description=request.description,
        selected_steps=selection.steps if selection else (),
        source_execution=request.source_execution,
        client_token=_token(request, parameters),
        role=request.role,
        started_by=request.by,
        modified_by=request.by,
        uses_cache=request.uses_cache,
    )
    return NewExecution(
        id=identifier,
        language=PIPELINES,
        pipeline=request.pipeline,
        status=PipelineExecutionStatus.EXECUTING,
        owner=owner,
        created_at=at,
        details=details,
        definition=request.definition,
        first_event=encode_event(started),
    )


def _token(request: StartRequest, parameters: Mapping[str, Json]) -> str:
    """Return what a repeated start with the same token must agree on."""
    if not request.client_token:
        return ""
    selection = [*request.selected_steps, request.from_step]
    texts = [request.display_name, request.description, request.role]
    asked = [dict(parameters), request.version, request.parallelism, selection, texts, request.uses_cache]
    return f"{digest(asked)}:{request.client_token}"
