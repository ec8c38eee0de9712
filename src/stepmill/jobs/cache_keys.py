"""What a step's result depends on: the key of the cache, and its parts, so that a miss can be explained.

The key holds the resolved arguments that AWS's table names for the step type, with one difference:
in the place of an input's address stands the digest of what lies there. So the same data under
another address is a hit, and other data under the same address is a miss.

Source: developer guide, "Caching pipeline steps", default cache key attributes by step type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from stepmill.catalog.content import ContentDigests
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, digest, read_json, write_json
from stepmill.core.tasks import Task
from stepmill.jobs.channels import files_of
from stepmill.jobs.locations import read_location
from stepmill.jobs.requests.data import DataType, Input
from stepmill.jobs.shipped_programs import digest_of_programs
from stepmill.storage.objects.store import ObjectStore

# Raised when what goes into a key changes: entries of before are then no longer found.
_KEY_VERSION = 1

_PROCESSING = ("AppSpecification", "Environment", "ProcessingInputs")
_TRAINING = (
    "AlgorithmSpecification",
    "CheckpointConfig",
    "DebugHookConfig",
    "DebugRuleConfigurations",
    "Environment",
    "HyperParameters",
    "InputDataConfig",
)
_DEFINITION = (
    "AlgorithmSpecification",
    "DefinitionName",
    "HyperParameterRanges",
    "InputDataConfig",
    "StaticHyperParameters",
    "TuningObjective",
)
# Maps whose keys users choose.
_NAMED_BY_USERS = frozenset({"Environment", "HyperParameters", "StaticHyperParameters"})
_NAMES = ("InputName", "OutputName", "ChannelName", "Name")
_LONGEST_SHOWN = 120
_CONTENT = "content:"


@dataclass(frozen=True)
class CacheKey:
    """A key, and what it was made from.

    Args:
        digest: The key: 64 hexadecimal characters.
        parts: Place in the request -> its value as JSON text, ``sha256:...`` if that is long or may
            be a secret, or ``content:<digest> <address>`` for an input.
    """

    digest: str
    parts: Mapping[str, str]


@dataclass(frozen=True)
class Content:
    """An input by what it holds.

    Args:
        digest: Of all its files.
        address: Where they lie; shown, but no part of the key.
    """

    digest: str
    address: str


KeyBuilder: TypeAlias = Callable[[Task], CacheKey]
ImageIdentity: TypeAlias = Callable[[str], Mapping[str, str]]
Leaf: TypeAlias = "Json | Content"


class JobKeys:
    """Makes the keys of jobs.

    Args:
        contents: Computes the digests of inputs.
        objects: Where manifests lie.
        project: Folder that relative paths start from.
        identify: Gives, for an image, the versions of the software that stands for it here.
    """

    def __init__(
        self, contents: ContentDigests, objects: ObjectStore, project: Path, identify: ImageIdentity
    ) -> None:
        self._contents = contents
        self._objects = objects
        self._project = project
        self._identify = identify

    def processing(self, task: Task, beside: JsonObject | None = None) -> CacheKey:
        """Make the key of a processing job.

        Args:
            task: The job's.
            beside: What its result depends on beside the request.

        Raises:
            StepmillError: If an input is not there, or the request cannot be read.
        """
        request = _object(task.payload)
        leaves: dict[str, Leaf] = dict(
            leaves_of({name: request[name] for name in _PROCESSING if name in request})
        )
        leaves |= leaves_of(beside or {})
        for place, item in _named(request.get("ProcessingInputs"), "ProcessingInputs"):
            self._replace_source(leaves, f"{place}.S3Input", _object(item.get("S3Input")))
        outputs = _object(request.get("ProcessingOutputConfig")).get("Outputs")
        for place, item in _named(outputs, "ProcessingOutputConfig.Outputs"):
            leaves[f"{place}.S3Output.LocalPath"] = _object(item.get("S3Output")).get("LocalPath")
            # Records that are in one group are not in another.
            group = _object(item.get("FeatureStoreOutput")).get("FeatureGroupName")
            leaves[f"{place}.FeatureStoreOutput.FeatureGroupName"] = group
        return self._key(task, leaves, _object(request.get("AppSpecification")).get("ImageUri"))

    def training(self, task: Task) -> CacheKey:
        """Make the key of a training job.

        Raises:
            StepmillError: If an input is not there, or the request cannot be read.
        """
        request = _object(task.payload)
        leaves: dict[str, Leaf] = dict(
            leaves_of({name: request[name] for name in _TRAINING if name in request})
        )
        for place, item in _named(request.get("InputDataConfig"), "InputDataConfig"):
            source = _object(_object(item.get("DataSource")).get("S3DataSource"))
            self._replace_source(leaves, f"{place}.DataSource.S3DataSource", source)
        self._replace_code(leaves, "HyperParameters")
        leaves["OutputDataConfig.CompressionType"] = _object(request.get("OutputDataConfig")).get(
            "CompressionType"
        )
        return self._key(task, leaves, _object(request.get("AlgorithmSpecification")).get("TrainingImage"))

    def tuning(self, task: Task) -> CacheKey:
        """Make the key of a tuning job.

        Raises:
            StepmillError: If an input is not there, or the request cannot be read.
        """
        request = _object(task.payload)
        leaves: dict[str, Leaf] = dict(
            leaves_of({"HyperParameterTuningJobConfig": request.get("HyperParameterTuningJobConfig")})
        )
        several = request.get("TrainingJobDefinitions")
        items = several if isinstance(several, Sequence) and not isinstance(several, str) else []
        definitions = [
            (f"TrainingJobDefinitions[{index}]", _object(item)) for index, item in enumerate(items)
        ]
        if request.get("TrainingJobDefinition") is not None:
            definitions.append(("TrainingJobDefinition", _object(request["TrainingJobDefinition"])))
        for place, definition in definitions:
            self._add_definition(leaves, place, definition)
        return make_key(task.resource, leaves)

    def _add_definition(self, leaves: dict[str, Leaf], where: str, definition: JsonObject) -> None:
        kept = {name: definition[name] for name in _DEFINITION if name in definition}
        leaves |= {f"{where}.{place}": value for place, value in leaves_of(kept)}
        for place, item in _named(definition.get("InputDataConfig"), "InputDataConfig"):
            source = _object(_object(item.get("DataSource")).get("S3DataSource"))
            self._replace_source(leaves, f"{where}.{place}.DataSource.S3DataSource", source)
        self._replace_code(leaves, f"{where}.StaticHyperParameters")
        image = _object(definition.get("AlgorithmSpecification")).get("TrainingImage")
        leaves |= self.software(image, f"{where}.software")

    def data(self, place: str, source: JsonObject) -> dict[str, Leaf]:
        """Return what a data source adds to a key: its content in the place of its address.

        Args:
            place: Of the source in the request.
            source: An ``S3DataSource``.

        Raises:
            StepmillError: If it is not there.
        """
        leaves: dict[str, Leaf] = {}
        self._replace_source(leaves, place, source)
        return leaves

    def software(self, image: Json, place: str = "software") -> dict[str, Leaf]:
        """Return what an image adds to a key: the versions of what stands for it here."""
        if not isinstance(image, str):
            return {}
        found: dict[str, Leaf] = {f"{place}.{name}": one for name, one in self._identify(image).items()}
        return found | {f"{place}.programs": digest_of_programs(image) or None}

    def _key(self, task: Task, leaves: dict[str, Leaf], image: Json) -> CacheKey:
        return make_key(task.resource, leaves | self.software(image))

    def _replace_source(self, leaves: dict[str, Leaf], place: str, source: JsonObject) -> None:
        """Put the content of an input in the place of its address."""
        uri = source.get("S3Uri")
        if isinstance(uri, str):
            is_manifest = source.get("S3DataType") == DataType.MANIFEST
            found = self._digest_of_manifest(uri) if is_manifest else self._contents.below(uri)
            leaves[f"{place}.S3Uri"] = Content(found, uri)

    def _replace_code(self, leaves: dict[str, Leaf], hyperparameters: str) -> None:
        """Put the content of a script mode archive in the place of its address; it may be JSON-encoded."""
        # The name of the job, in case a client left it in: it differs each time.
        leaves.pop(f"{hyperparameters}['sagemaker_job_name']", None)
        place = f"{hyperparameters}['sagemaker_submit_directory']"
        text = leaves.get(place)
        if not isinstance(text, str):
            return
        try:
            decoded = read_json(text)
        except InvalidInputError:
            decoded = text
        uri = decoded if isinstance(decoded, str) else text
        # Another path is one inside the job, of a channel that is an input itself.
        if uri.startswith("s3://"):
            leaves[place] = Content(self._contents.of_object(uri), uri)

    def _digest_of_manifest(self, uri: str) -> str:
        """Digest what a manifest lists; the manifest may lie anywhere itself."""
        source = read_location(uri, self._project)
        files = files_of(Input("", "", source, DataType.MANIFEST), self._objects)
        listed = [[file.path, self._contents.of_object(str(file.origin))] for file in files]
        return digest(sorted(listed))


def make_key(resource: str, leaves: Mapping[str, Leaf]) -> CacheKey:
    """Make a key from places and the values there."""
    values = {
        place: [leaf.digest] if isinstance(leaf, Content) else leaf
        for place, leaf in leaves.items()
        if leaf is not None
    }
    parts = {place: _shown(place, leaf) for place, leaf in leaves.items() if leaf is not None}
    return CacheKey(digest([_KEY_VERSION, resource, values]), parts)


def differences(earlier: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Say what differs between the parts of two keys, one sentence each.

    Example:
        >>> differences({"Args[1]": '"5"'}, {"Args[1]": '"7"', "Args[2]": "1"})
        ["Args[1]: '5' -> '7'", 'Args[2] was added']
    """
    found = []
    for place in sorted({*earlier, *now}):
        before, after = earlier.get(place), now.get(place)
        if before is None:
            found.append(f"{place} was added")
        elif after is None:
            found.append(f"{place} was removed")
        elif after.startswith(_CONTENT) and before.startswith(_CONTENT):
            if after.split(" ")[0] != before.split(" ")[0]:
                name = place.removesuffix(".S3Uri").removesuffix(".S3DataSource").removesuffix(".DataSource")
                found.append(f"{name.removesuffix('.S3Input')} changed content ({after.partition(' ')[2]})")
        elif before != after:
            found.append(_difference(place, before, after))
    return found


def _difference(place: str, before: str, after: str) -> str:
    if before.startswith("sha256:") or after.startswith("sha256:"):
        return f"{place} changed"
    return f"{place}: {read_json(before)!r} -> {read_json(after)!r}"


def _shown(place: str, leaf: Leaf) -> str:
    if isinstance(leaf, Content):
        return f"{_CONTENT}{leaf.digest} {leaf.address}"
    text = write_json(leaf)
    # Variables are where secrets are handed over.
    if "Environment[" in place or len(text) > _LONGEST_SHOWN:
        return f"sha256:{sha256(text.encode()).hexdigest()}"
    return text


def callback_key(task: Task) -> CacheKey:
    """Make the key of a callback: its queue, its arguments, and what it promises."""
    leaves: dict[str, Leaf] = dict(leaves_of(task.payload, "Arguments"))
    for name in ("SqsQueueUrl", "OutputParameters"):
        leaves.update(leaves_of(task.extra.get(name), name))
    return make_key(task.resource, leaves)


def leaves_of(value: Json, place: str = "") -> Iterator[tuple[str, Json]]:
    """Yield each value that holds no others, with its place; empty objects and lists count as such."""
    if isinstance(value, Mapping) and value:
        for key, below in value.items():
            yield from leaves_of(below, _place(place, key))
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for index, below in enumerate(value):
            yield from leaves_of(below, f"{place}[{_index(below, index)}]")
    else:
        yield place, value


def _place(place: str, key: str) -> str:
    if not place:
        return key
    plain = place not in _NAMED_BY_USERS and key.isidentifier()
    return f"{place}.{key}" if plain else f"{place}[{key!r}]"


def _index(element: Json, index: int) -> str:
    """Return the name of an element that has one, so that another order is no other key."""
    if isinstance(element, Mapping):
        for name in _NAMES:
            if isinstance(element.get(name), str):
                return repr(element[name])
    return str(index)


def _named(value: Json, place: str) -> Iterator[tuple[str, JsonObject]]:
    elements = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    for index, element in enumerate(elements):
        if isinstance(element, Mapping):
            yield f"{place}[{_index(element, index)}]", element


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
