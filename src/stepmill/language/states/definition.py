"""A state machine, read and checked.

Paths, expressions and templates stay as they were written; whoever runs the machine compiles them
once. Both query languages share these types: a field of the other language keeps its default.

Source: Amazon States Language specification; Step Functions developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TypeAlias

from stepmill.core.json import Json, JsonObject


class Absent(Enum):
    """Says that a field is not there, where ``None`` is the JSON null."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


class QueryLanguage(StrEnum):
    """In which language paths and values are written."""

    JSON_PATH = "JSONPath"
    JSONATA = "JSONata"


class Jitter(StrEnum):
    """Whether the waits of a retrier are spread by chance."""

    NONE = "NONE"
    FULL = "FULL"


class ProcessorMode(StrEnum):
    """Where the iterations of a Map run."""

    INLINE = "INLINE"
    DISTRIBUTED = "DISTRIBUTED"


class ExecutionType(StrEnum):
    """What kind of executions the iterations of a distributed Map are."""

    STANDARD = "STANDARD"
    EXPRESS = "EXPRESS"


@dataclass(frozen=True, slots=True)
class Given:
    """A value that is either written in the definition or computed when the state runs.

    Args:
        value: The value itself: a number, or text. In JSONata also an expression, ``{% ... %}``.
        path: JSONPath or intrinsic function that gives the value; then ``value`` is ``None``.
    """

    value: Json = None
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrier:
    """When and how often something that failed is tried again.

    Args:
        errors: Names that it takes; ``States.ALL`` takes all that can be retried.
        interval_s: Wait before the first retry.
        max_attempts: Most retries; 0: never.
        backoff_rate: Each further wait is longer by this factor.
        max_delay_s: No wait is longer.
        jitter: Whether waits are spread.
    """

    errors: tuple[str, ...]
    interval_s: int = 1
    max_attempts: int = 3
    backoff_rate: float = 2.0
    max_delay_s: int | None = None
    jitter: Jitter = Jitter.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Catcher:
    """Where an execution goes on after an error that is not retried.

    Args:
        errors: Names that it takes.
        next: Name of the state.
        result_path: JSONPath: where the error output goes; ``None``: it is thrown away.
        assign: Variables that are set.
        output: JSONata: what the next state gets; absent: the error output.
    """

    errors: tuple[str, ...]
    next: str
    result_path: str | None = "$"
    assign: JsonObject | None = None
    output: Json | Absent = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class StateBase:
    """What all states have.

    Args:
        name: Unique in the machine, over all branches.
        path: Where it stands: ``/States/Each/ItemProcessor/States/Train``.
        query_language: Of its own fields.
        comment: For humans.
        next: Name of the next state; ``None`` at an end, and in Choice.
        input_path: JSONPath: what of the raw input it works on; ``None``: nothing, ``{}``.
        output_path: JSONPath: what of its result goes on; ``None``: nothing, ``{}``.
        assign: Variables that are set at its end.
        output: JSONata: what goes on; absent: the result.
    """

    name: str
    path: str
    query_language: QueryLanguage
    comment: str = ""
    next: str | None = None
    input_path: str | None = "$"
    output_path: str | None = "$"
    assign: JsonObject | None = None
    output: Json | Absent = ABSENT

    @property
    def uses_jsonata(self) -> bool:
        """Whether its fields are JSONata."""
        return self.query_language is QueryLanguage.JSONATA


@dataclass(frozen=True, slots=True, kw_only=True)
class PassState(StateBase):
    """Gives its input, or a fixed result, on. ``parameters`` and ``result`` are JSONPath's."""

    parameters: Json | Absent = ABSENT
    result: Json | Absent = ABSENT
    result_path: str | None = "$"


@dataclass(frozen=True, slots=True, kw_only=True)
class SucceedState(StateBase):
    """Ends its branch well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailState(StateBase):
    """Ends the execution, or the branch, with an error. ``None``: none is given."""

    error: Given | None = None
    cause: Given | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitState(StateBase):
    """Waits for a time or until a moment; exactly one of the two is given."""

    seconds: Given | None = None
    timestamp: Given | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A test of one value.

    Args:
        variable: Path of the value.
        operator: As in the definition, ``StringEquals`` or ``StringEqualsPath``.
        operand: What it is held against: a value, or with a ``...Path`` operator a path.
    """

    variable: str
    operator: str
    operand: Json


@dataclass(frozen=True, slots=True)
class AllOf:
    """``And``: true if all are; they are tried in order."""

    rules: tuple[ChoiceTest, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """``Or``: true if one is; they are tried in order."""

    rules: tuple[ChoiceTest, ...]


@dataclass(frozen=True, slots=True)
class NotTrue:
    """``Not``: true if the rule is not."""

    rule: ChoiceTest


ChoiceTest: TypeAlias = Comparison | AllOf | AnyOf | NotTrue


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceRule:
    """One way out of a Choice.

    Args:
        next: Name of the state.
        test: JSONPath: when it is taken.
        condition: JSONata: when it is taken, ``{% ... %}`` or a plain boolean.
        assign: Variables that are set when it is taken.
        output: JSONata: what goes on.
    """

    next: str
    test: ChoiceTest | None = None
    condition: Json = None
    assign: JsonObject | None = None
    output: Json | Absent = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceState(StateBase):
    """Takes the first rule that holds, else the default; ``assign`` and ``output`` are the default's."""

    choices: tuple[ChoiceRule, ...]
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkState(StateBase):
    """What Task, Parallel and Map share.

    Args:
        arguments: ``Parameters`` or ``Arguments``: a template; absent: the effective input.
        result_selector: JSONPath: a template over the result.
        result_path: JSONPath: where the result goes in the raw input; ``None``: it is thrown away.
        retry: Tried in order, before the catchers.
        catch: Tried in order.
    """

    arguments: Json | Absent = ABSENT
    result_selector: Json | Absent = ABSENT
    result_path: str | None = "$"
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState(WorkState):
    """Asks for outside work.

    Args:
        resource: Who does it: an ARN, as it was written.
        timeout: Seconds until it fails; ``None``: as long as it takes.
        heartbeat: Seconds that may pass between two signs of life.
        credentials: Template of the role that it runs under.
    """

    resource: str
    timeout: Given | None = None
    heartbeat: Given | None = None
    credentials: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelState(WorkState):
    """Runs branches side by side; its result is the list of theirs."""

    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReader:
    """Where a distributed Map gets its items.

    Args:
        resource: ``arn:aws:states:::s3:getObject`` or ``...:s3:listObjectsV2``.
        arguments: Template of the request.
        config: ``ReaderConfig`` as it was written: InputType, CSVHeaderLocation, CSVHeaders, CSVDelimiter,
            MaxItems, MaxItemsPath, ManifestType, ItemsPointer, Transformation.
    """

    resource: str
    arguments: Json | Absent = ABSENT
    config: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemBatcher:
    """How many items one iteration gets.

    Args:
        max_items: At most so many.
        max_bytes: At most so large.
        batch_input: Template of what each batch has besides; absent: nothing.
    """

    max_items: Given | None = None
    max_bytes: Given | None = None
    batch_input: Json | Absent = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultWriter:
    """Where a distributed Map puts its results.

    Args:
        resource: ``arn:aws:states:::s3:putObject``; empty: nowhere, only ``config`` holds.
        arguments: Template of the request.
        config: ``WriterConfig`` as it was written: Transformation, OutputType.
    """

    resource: str = ""
    arguments: Json | Absent = ABSENT
    config: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MapState(WorkState):
    """Runs one branch for each item; its result is the list of theirs.

    Args:
        processor: The branch.
        mode: Where iterations run.
        execution_type: Of distributed iterations.
        is_legacy: Whether it was written as ``Iterator``.
        items_path: JSONPath: the items in the effective input.
        items: JSONata: the items; absent: the input.
        item_selector: Template of what an iteration gets (JSONPath's legacy ``Parameters`` too); absent:
            the item.
        max_concurrency: Most iterations at once; 0: no limit. ``None``: 0 in inline mode.
        reader: Where the items are instead.
        batcher: How items are grouped.
        writer: Where results go.
        tolerated_failures: Most failed iterations.
        tolerated_percentage: Most failed iterations in percent.
        label: Part of the names of its Map Run.
    """

    processor: Branch
    mode: ProcessorMode = ProcessorMode.INLINE
    execution_type: ExecutionType = ExecutionType.STANDARD
    is_legacy: bool = False
    items_path: str | None = "$"
    items: Json | Absent = ABSENT
    item_selector: Json | Absent = ABSENT
    max_concurrency: Given | None = None
    reader: ItemReader | None = None
    batcher: ItemBatcher | None = None
    writer: ResultWriter | None = None
    tolerated_failures: Given | None = None
    tolerated_percentage: Given | None = None
    label: str = ""


State: TypeAlias = (
    PassState | TaskState | ChoiceState | WaitState | SucceedState | FailState | ParallelState | MapState
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """States that lead to one another.

    Args:
        start_at: Name of the first.
        states: By name.
        comment: For humans.
    """

    start_at: str
    states: Mapping[str, State]
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMachine(Branch):
    """A whole definition.

    Args:
        query_language: Of states that name none.
        timeout_s: The execution fails when it takes longer; ``None``: it may take for ever.
        version: Of the language.
    """

    query_language: QueryLanguage = QueryLanguage.JSON_PATH
    timeout_s: int | None = None
    version: str = "1.0"
