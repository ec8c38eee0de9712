"""What can be asked of a home."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Self

from stepmill.core.errors import ConflictError, NotFoundError, WrongStateError
from stepmill.core.json import Json
from stepmill.platform.hearing import Hearing
from stepmill.storage.objects.uri import S3Uri

if TYPE_CHECKING:
    from stepmill.catalog.pipeline_records import PipelineVersion
    from stepmill.catalog.state_machine_records import StateMachine
    from stepmill.engine.machines.summaries import MachineExecution
    from stepmill.engine.summaries import ExecutionSummary
    from stepmill.jobs.callbacks import CallbackAnswer
    from stepmill.language.states.checking import Checked, MachineType

    # Whoever runs a definition, or looks at what has run, need not wait for the SDK to load.
    from stepmill.sdk.assets import CompiledPipeline

# Among so many of the newest executions the beginning of an id is looked up.
_LOOK_BACK = 1000
# Whoever uses others is closed before them.
_CLOSING_ORDER = (
    "addresses",
    "events",
    "_tuning_handler",
    "own_engine",
    "integrations",
    "function_services",
    "publishing",
    "batch",
    "sql",
    "features",
    "direct_jobs",
    "compute",
)


@dataclass(frozen=True)
class StartOptions:
    """How an execution is to be started, beside its pipeline.

    Args:
        parameters: Name -> value, as text or of its type.
        from_step: Run this step and all that follow; empty: all steps.
        source: With ``from_step``: the execution whose results the others' are; empty: the pipeline's newest.
        parallelism: Most steps at once.
        display_name: For humans.
        use_cache: Whether cached steps may reuse earlier results; if not, all steps run.
    """

    parameters: Mapping[str, object]
    from_step: str = ""
    source: str = ""
    parallelism: int | None = None
    display_name: str = ""
    use_cache: bool = True


class Platform(Hearing):
    """Everything of one home. Safe to share between threads; close it, or use it in ``with``.

    ``Base`` tells what it is made of.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop driving executions and let go of everything. Jobs go on."""
        for name in _CLOSING_ORDER:
            # made_once keeps what was made in the instance's dictionary; what was not made stays so.
            part = vars(self).get(name)
            if part is not None:
                part.close()
        for close in self._to_close:
            close()
        self._database.close()

    def deploy(self, name: str, definition: str, compiled: CompiledPipeline | None = None) -> PipelineVersion:
        """Keep a pipeline's definition as its next version if it is new, with its code and functions.

        Raises:
            DefinitionError: If the definition is wrong. Carries all findings; nothing was kept.
            InvalidInputError: If SageMaker would refuse the name.
        """
        self.engine.check(definition)
        if compiled is not None:
            for asset in compiled.assets:
                uri = S3Uri.parse(asset.uri)
                self.objects.create_bucket(uri.bucket, exist_ok=True)
                self.objects.put_bytes(uri, asset.read())
            for function in compiled.functions:
                self.functions.put(
                    function.name,
                    code=function.code,
                    handler=function.handler,
                    timeout=function.timeout,
                    environment=function.environment,
                )
        return self.pipelines.put(name, definition)

    def start(self, version: PipelineVersion, options: StartOptions) -> str:
        """Start an execution, and return its id. See ``Engine.start`` for what it raises."""
        from stepmill.engine.starting import StartRequest

        selected: tuple[str, ...] = ()
        source = ""
        if options.from_step:
            source = self.find_execution(options.source, pipeline=version.name).id
            selected = self.executions.selection_from(version.definition, options.from_step, source)
        return self.engine.start(
            StartRequest(
                pipeline=version.name,
                definition=version.definition,
                version=version.version,
                parameters=options.parameters,
                parallelism=options.parallelism,
                selected_steps=selected,
                source_execution=source,
                display_name=options.display_name,
                uses_cache=options.use_cache,
            )
        )

    def start_machine(
        self,
        machine: StateMachine,
        *,
        input: str = "{}",  # noqa: A002 - the word of the language
        name: str = "",
        alias_arn: str = "",
        trace_header: str = "",
        by: str = "",
    ) -> MachineExecution:
        """Start an execution of a machine or of one of its versions. See ``MachineControl.start``.

        Args:
            machine: As the catalog has it.
            input: JSON text.
            name: Of the execution; empty: one is made.
            alias_arn: ARN of the alias that led to this version; empty: none.
            trace_header: Of AWS X-Ray; only kept.
            by: Name of the key of whoever starts it.
        """
        from stepmill.engine.machines.starting import MachineStart

        return self.machine_control.start(
            MachineStart(
                machine=machine.name,
                machine_arn=self.state_machines.arns.machine(machine.name),
                definition=machine.content.definition,
                role=machine.content.role,
                input=input,
                name=name,
                is_express=machine.is_express,
                version_arn=machine.arn if machine.version else "",
                alias_arn=alias_arn,
                trace_header=trace_header,
                by=by,
            )
        )

    def check_machine(self, definition: str, machine_type: MachineType | None = None) -> Checked:
        """Check the definition of a state machine, and that there is somebody for each of its tasks.

        Args:
            definition: Its text.
            machine_type: ``None``: standard.

        Raises:
            UnsupportedError: If this process was not given the services that tasks may ask for.
        """
        from stepmill.language.states.checking import MachineType, check

        chosen = machine_type or MachineType.STANDARD
        return check(definition, services=self.integrations.names(), machine_type=chosen)

    def find_execution(self, reference: str = "", *, pipeline: str | None = None) -> ExecutionSummary:
        """Return an execution by its id, the beginning of one, or its ARN; the newest for nothing.

        Raises:
            NotFoundError: If there is none, or if several begin so.
        """
        beginning = reference.rpartition("/")[2]
        newest = self.executions.find(pipeline=pipeline, limit=_LOOK_BACK if beginning else 1).executions
        found = [execution for execution in newest if execution.id.startswith(beginning)]
        if len(found) == 1:
            return found[0]
        if found:
            raise NotFoundError(
                f"{len(found)} executions begin with {beginning!r}.",
                mend=f"Give more of the id: {found[0].id} or {found[1].id}?",
            )
        if beginning:
            try:
                return self.executions.describe(beginning)
            except NotFoundError as error:
                error.mend = "`stepmill list` shows those that there are."
                raise
        raise NotFoundError("Nothing has been run here yet.", mend="Start with `stepmill run FILE`.")

    def collect_garbage(self, ended_before: datetime) -> int:
        """Remove the folders of jobs and the express executions that ended before a moment, and stray bytes.

        Returns:
            How many bytes were freed.
        """
        from stepmill.engine.machines.language import StatesLanguage

        # As on AWS, nobody can ask for them any more.
        self._executions.remove_express(ended_before, statuses=StatesLanguage.final)
        freed = self.jobs.remove_folders(ended_before) + self.objects.collect_garbage()
        self.layout.keep_reserve()
        return freed

    def delete_pipeline(self, name: str, token: str = "") -> str:
        """Remove a pipeline, its versions and all its executions; what their jobs left behind stays.

        Args:
            name: Of the pipeline.
            token: Asking again with the token that deleted it is no error.

        Returns:
            Its ARN.

        Raises:
            NotFoundError: If there is no such pipeline.
            ConflictError: If an execution of it is not at its end.
        """
        from stepmill.engine.wishes import FINAL

        try:
            pipeline = self.pipelines.begin_deletion(name)
        except NotFoundError:
            if self.pipelines.deleted_by(name, token):
                return self.settings.arns.pipeline(name)
            raise
        try:
            # What came of its executions is known for good.
            self.lineage.catch_up()
            self._executions.delete(pipeline.name, statuses=FINAL)
        except WrongStateError as error:
            self.pipelines.cancel_deletion(name)
            raise ConflictError(
                f"The pipeline {pipeline.name!r} is running. {error.what}",
                where=error.where,
                mend="Stop its executions first.",
            ) from error
        self.tags.clear(pipeline.arn)
        self.pipelines.delete(name, token=token)
        return pipeline.arn

    def succeed_callback(self, token: str, outputs: Mapping[str, Json], request: str = "") -> str:
        """Let a Callback step succeed; return the ARN of its execution. See ``Callbacks.succeed``."""
        return self._pass_on(self.callbacks.succeed(token, outputs, request=request))

    def fail_callback(self, token: str, reason: str, request: str = "") -> str:
        """Let a Callback step fail; return the ARN of its execution. See ``Callbacks.fail``."""
        return self._pass_on(self.callbacks.fail(token, reason, request=request))

    def _pass_on(self, answer: CallbackAnswer) -> str:
        execution = answer.execution_arn.rpartition("/")[2]
        try:
            is_heard = self.engine.post(execution, answer.report)
        except WrongStateError:
            if answer.is_new:
                raise
            return answer.execution_arn
        if not is_heard:
            self._remark(f"Nobody drives {execution} now; `stepmill resume {execution}` goes on with it.")
        return answer.execution_arn
