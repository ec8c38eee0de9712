"""Reads what only a Map has: where its items come from, how they are grouped, where results go.

Source: Step Functions developer guide, pages of the distributed Map: ItemReader, ItemBatcher, ResultWriter.
"""

from __future__ import annotations

import re

from stepmill.language.states.codes import Code
from stepmill.language.states.definition import (
    ExecutionType,
    ItemBatcher,
    ItemReader,
    ProcessorMode,
    ResultWriter,
)
from stepmill.language.states.entry import Entry, texts

LONGEST_LABEL = 40
MOST_ITEMS = 2**31 - 1
DISTRIBUTED_ONLY = (
    "ItemReader",
    "ItemBatcher",
    "ResultWriter",
)
# Source: developer guide, "Label": the characters that state names in ARNs cannot have.
_NO_LABEL = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")
_READERS = ("s3:getObject", "s3:listObjectsV2")
_WRITERS = ("s3:putObject",)
_WORDS = {
    "InputType": ("CSV", "JSON", "JSONL", "MANIFEST", "PARQUET"),
    "CSVHeaderLocation": ("FIRST_ROW", "GIVEN"),
    "CSVDelimiter": ("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"),
    "ManifestType": ("S3_INVENTORY", "ATHENA_DATA"),
    "OutputType": ("JSON", "JSONL"),
}
_READER_FIELDS = {"InputType", "CSVHeaderLocation", "CSVDelimiter", "CSVHeaders", "MaxItems", "ManifestType"}
_READER_FIELDS |= {"Transformation", "ItemsPointer"}


def read_mode(processor: Entry) -> tuple[ProcessorMode, ExecutionType]:
    """Read the ProcessorConfig of a Map's processor."""
    if "ProcessorConfig" not in processor:
        return ProcessorMode.INLINE, ExecutionType.STANDARD
    config = processor.below("ProcessorConfig")
    config.only({"Mode", "ExecutionType"})
    mode = config.choice("Mode", ProcessorMode, ProcessorMode.INLINE)
    if mode is ProcessorMode.DISTRIBUTED:
        config.require("ExecutionType")
    elif "ExecutionType" in config:
        config.unsupported("ExecutionType")
    return mode, config.choice("ExecutionType", ExecutionType, ExecutionType.STANDARD)


def read_reader(state: Entry) -> ItemReader | None:
    """Read the ItemReader of a Map."""
    if "ItemReader" not in state:
        return None
    entry = state.below("ItemReader")
    field, foreign = ("Arguments", "Parameters") if entry.uses_jsonata else ("Parameters", "Arguments")
    entry.only({"Resource", field, "ReaderConfig"}, {foreign})
    entry.require("Resource")
    _resource(entry, _READERS)
    config = None
    if "ReaderConfig" in entry:
        below = entry.below("ReaderConfig")
        below.only(_READER_FIELDS if entry.uses_jsonata else _READER_FIELDS | {"MaxItemsPath"})
        _reader_config(below)
        config = below.fields
    return ItemReader(
        resource=entry.text("Resource"), arguments=entry.template(field, objects_only=True), config=config
    )


def _reader_config(config: Entry) -> None:
    _words(config, Transformation=("NONE", "LOAD_AND_FLATTEN"))
    config.exclusive("MaxItems", "MaxItemsPath")
    config.text("ItemsPointer")
    if "MaxItemsPath" in config:
        config.path("MaxItemsPath")
    if "CSVHeaders" in config and texts(config.fields["CSVHeaders"]) is None:
        config.expected("CSVHeaders", "Array of String")
    kind = config.fields.get("InputType")
    if kind == "CSV" and "CSVHeaderLocation" not in config:
        message = "The field 'CSVHeaderLocation' is required"
        config.collector.schema(config.place, message, "Write FIRST_ROW or GIVEN.")
    elif kind in ("JSON", "JSONL") and "CSVHeaderLocation" in config:
        config.unsupported("CSVHeaderLocation")
    if config.fields.get("CSVHeaderLocation") == "GIVEN":
        config.require("CSVHeaders")


def read_batcher(state: Entry) -> ItemBatcher | None:
    """Read the ItemBatcher of a Map."""
    if "ItemBatcher" not in state:
        return None
    entry = state.below("ItemBatcher")
    names = {"MaxItemsPerBatch", "MaxInputBytesPerBatch"}
    entry.only(names | {"BatchInput"} | (set() if entry.uses_jsonata else {f"{name}Path" for name in names}))
    batcher = ItemBatcher(
        max_items=entry.given_number("MaxItemsPerBatch", 1, MOST_ITEMS),
        max_bytes=entry.given_number("MaxInputBytesPerBatch", 1, MOST_ITEMS),
        batch_input=entry.template("BatchInput"),
    )
    if batcher.max_items is None and batcher.max_bytes is None:
        message = "At least one of these fields is required: [MaxItemsPerBatch, MaxInputBytesPerBatch]"
        entry.collector.schema(entry.place, message, "Add one of them, or its ...Path.")
    return batcher


def read_writer(state: Entry) -> ResultWriter | None:
    """Read the ResultWriter of a Map."""
    if "ResultWriter" not in state:
        return None
    entry = state.below("ResultWriter")
    field, foreign = ("Arguments", "Parameters") if entry.uses_jsonata else ("Parameters", "Arguments")
    entry.only({"Resource", field, "WriterConfig"}, {foreign})
    if "WriterConfig" not in entry or field in entry:
        entry.require("Resource")
    _resource(entry, _WRITERS)
    config = None
    if "WriterConfig" in entry:
        below = entry.below("WriterConfig")
        below.only({"Transformation", "OutputType"})
        _words(below, Transformation=("NONE", "COMPACT", "FLATTEN"))
        config = below.fields
    return ResultWriter(
        resource=entry.text("Resource"), arguments=entry.template(field, objects_only=True), config=config
    )


def read_label(state: Entry) -> str:
    """Read the label of a Map, which becomes part of the names of its Map Run."""
    label = state.text("Label")
    if "Label" in state and (not label or len(label) > LONGEST_LABEL or _NO_LABEL.search(label)):
        message = (
            f"Label name '{label[:200]}' exceeds the {LONGEST_LABEL}-character limit allowed by the service"
            if len(label) > LONGEST_LABEL
            else f"Label name '{label}' is empty or contains invalid characters"
        )
        state.collector.add(Code.INVALID_LABEL_NAME, state.place / "Label", message)
    return label


def _resource(entry: Entry, offered: tuple[str, ...]) -> None:
    text = entry.text("Resource")
    if "Resource" in entry and text.partition(":states:::")[2].removeprefix("aws-sdk:") not in offered:
        mend = f"Write arn:aws:states:::{' or arn:aws:states:::'.join(offered)}."
        entry.wrong("Resource", "The field 'Resource' does not match any of the allowed values", mend)


def _words(config: Entry, **more: tuple[str, ...]) -> None:
    for name, words in {**_WORDS, **more}.items():
        if name not in config:
            continue
        value = config.fields[name]
        by_expression = config.uses_jsonata and isinstance(value, str) and value.startswith("{%")
        if not by_expression and value not in words:
            message = f"Value should be one of the following: [{', '.join(words)}]"
            config.wrong(name, message, f"Write one of {', '.join(words)}.")
