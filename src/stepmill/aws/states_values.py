"""Parameters and results of Task states: JSON whose names begin with a capital, for every protocol.

Source: Step Functions developer guide, "Passing parameters to a service API": names in Parameters are in
PascalCase, also where the service's own API has camelCase.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias

from stepmill.aws.protocol.dialect import members_of
from stepmill.aws.protocol.model import Plans, Slot, late_unary, slot
from stepmill.aws.protocol.problems import Unreadable
from stepmill.aws.protocol.timestamps import Moment, from_epoch, from_text, iso, moment_of
from stepmill.core.api_calls import Spelling, WrongParametersError
from stepmill.core.json import JsonObject, write_json
from stepmill.core.service_documents import Reference, ServiceDocument, service_document

Found: TypeAlias = list[str]
Reader: TypeAlias = Callable[[Any], Any]
Writer: TypeAlias = Callable[[Any], Any]

_LONG_BITS, _INTEGER_BITS = 64, 32
_MILLISECONDS = 1000
# Members that are text for the service, and may be JSON in a Task state, which is then sent as text.
# Source: the pages of the integrations: ``Message``, ``MessageBody``, ``Detail``, ``Input``, ``Payload``.
_JSON_TEXTS = {
    "sqs": frozenset({"MessageBody"}),
    "sns": frozenset({"Message"}),
    "events": frozenset({"Detail"}),
    "stepfunctions": frozenset({"input", "output"}),
    "sagemaker-runtime": frozenset({"Body"}),
}
# Taken in the spelling of the API, too: the guide's own example is ``"RetryStrategy": {"attempts": 5}``.
_ALSO_AS_IN_THE_MODEL = {"batch": frozenset({"attempts"})}
# Of these, text in place of bytes is their base64; of others (an object's body, a payload) it is their UTF-8.
_BASE64 = frozenset({"dynamodb", "sqs", "sns"})


def pascal(name: str) -> str:
    """Return a member's name as Task states have it.

    Example:
        >>> pascal("jobName")
        'JobName'
    """
    return name[:1].upper() + name[1:]


class _Wrong(Exception):  # noqa: N818 - gathered, and told with others
    pass


class Reading:
    """Readers of the parameters of one service's operations."""

    def __init__(self, service: str, document: ServiceDocument) -> None:
        self._document = document
        self._texts = _JSON_TEXTS.get(service, frozenset())
        self._others = _ALSO_AS_IN_THE_MODEL.get(service, frozenset())
        self._bytes = _read_base64 if service in _BASE64 else _read_bytes
        self._of: Plans[Callable[[str, Any, Found], Any]] = Plans(self._make, _late)

    def read(self, operation: str, parameters: JsonObject) -> dict[str, Any]:
        """Return the members that parameters stand for.

        Raises:
            WrongParametersError: If they are not those of the operation. All that is wrong is told.
        """
        found: Found = []
        reference = self._document.operations[operation].input
        if reference is None:
            found += [_unsupported(name) for name in parameters]
            members = {}
        else:
            members = self._of(reference)("", parameters, found)
        if found:
            raise WrongParametersError(found)
        return members

    def _make(self, reference: Reference) -> Callable[[str, Any, Found], Any]:
        place = slot(self._document, reference)
        match place.kind:
            case "structure" if place.shape.document:
                return lambda _name, value, _found: value
            case "structure":
                return self._structure(place)
            case "list":
                assert place.shape.member
                return _list(self._of(place.shape.member))
            case "map":
                assert place.shape.value
                return _map(self._of(place.shape.value))
            case "blob":
                return _scalar("blob", self._bytes)
        return _scalar(place.kind, _READERS[place.kind])

    def _structure(self, place: Slot) -> Callable[[str, Any, Found], Any]:
        plan: dict[str, tuple[str, Callable[[str, Any, Found], Any]]] = {}
        for name, reference in place.shape.members.items():
            read = self._of(reference)
            if name in self._texts:
                read = _json_text(read)
            plan[pascal(name)] = (name, read)
            if name in self._others:
                plan[name] = (name, read)
        required = place.shape.required

        def read_structure(name: str, value: Any, found: Found) -> Any:
            if not isinstance(value, Mapping):
                found.append(_not_a("STRUCTURE", name))
                return {}
            members: dict[str, Any] = {}
            for key, below in value.items():
                if key not in plan:
                    found.append(_unsupported(key))
                elif below is not None:
                    member, read_member = plan[key]
                    members[member] = read_member(key, below, found)
            found += [_missing(pascal(key)) for key in required if key not in members]
            return members

        return read_structure


def _late(find: Callable[[], Callable[[str, Any, Found], Any]]) -> Callable[[str, Any, Found], Any]:
    return lambda name, value, found: find()(name, value, found)


def _list(read: Callable[[str, Any, Found], Any]) -> Callable[[str, Any, Found], Any]:
    def read_list(name: str, value: Any, found: Found) -> Any:
        if not isinstance(value, Sequence) or isinstance(value, str):
            found.append(_not_a("ARRAY", name))
            return []
        return [read(name, below, found) for below in value]

    return read_list


def _map(read: Callable[[str, Any, Found], Any]) -> Callable[[str, Any, Found], Any]:
    def read_map(name: str, value: Any, found: Found) -> Any:
        if not isinstance(value, Mapping):
            found.append(_not_a("MAP", name))
            return {}
        return {key: read(key, below, found) for key, below in value.items()}

    return read_map


def _scalar(kind: str, read: Reader) -> Callable[[str, Any, Found], Any]:
    def read_scalar(name: str, value: Any, found: Found) -> Any:
        try:
            return read(value)
        except (_Wrong, Unreadable, ValueError):
            found.append(_not_a(_WORDS[kind], name))
            return None

    return read_scalar


def _json_text(read: Callable[[str, Any, Found], Any]) -> Callable[[str, Any, Found], Any]:
    return lambda name, value, found: read(
        name, value if isinstance(value, str) else write_json(value), found
    )


def _unsupported(name: str) -> str:
    # In double quotes, unlike the others: so the service tells it.
    return f'The field "{name[:200]}" is not supported by Step Functions'


def _missing(name: str) -> str:
    return f"The field '{name}' is required but was missing"


def _not_a(word: str, name: str) -> str:
    return f"The value for the field '{name[:200]}' must be {word}" if word else _unsupported(name)


def _read_string(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _Wrong


def _read_whole(bits: int) -> Reader:
    def read(value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int or not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
            raise _Wrong
        return value

    return read


def _read_float(value: Any) -> float:
    if type(value) in (int, float):
        return value  # type: ignore[no-any-return]
    raise _Wrong


def _read_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _Wrong


def _read_moment(value: Any) -> datetime:
    if type(value) in (int, float):
        return from_epoch(value)
    return from_text(_read_string(value))


def _read_base64(value: Any) -> bytes:
    try:
        return b64decode(_read_string(value), validate=True)
    except binascii.Error as error:
        raise _Wrong from error


def _read_bytes(value: Any) -> bytes:
    return (value if isinstance(value, str) else write_json(value)).encode()


_READERS: dict[str, Reader] = {
    "string": _read_string,
    "character": _read_string,
    "integer": _read_whole(_INTEGER_BITS),
    "long": _read_whole(_LONG_BITS),
    "float": _read_float,
    "double": _read_float,
    "boolean": _read_boolean,
    "timestamp": _read_moment,
}
_WORDS = {
    "string": "a STRING",
    "character": "a STRING",
    "integer": "an INTEGER",
    "long": "a LONG",
    "float": "a FLOAT",
    "double": "a DOUBLE",
    "boolean": "a BOOLEAN",
    "timestamp": "a valid ISO-8601 timestamp",
    "blob": "a BLOB",
}


class Writing:
    """Writers of the answers of one service's operations, in one spelling."""

    def __init__(self, service: str, document: ServiceDocument, spelling: Spelling) -> None:
        self._document = document
        self._bytes = _write_base64 if service in _BASE64 else _write_text
        self._moment = _milliseconds if spelling is Spelling.OPTIMIZED else iso
        self._of: Plans[Writer] = Plans(self._make, late_unary)

    def write(self, operation: str, answer: Mapping[str, Any]) -> JsonObject:
        """Return the members of an answer as JSON; what is ``None``, or not in the model, is left out."""
        reference = self._document.operations[operation].output
        members = members_of(self._document, reference)
        written: JsonObject = self._structure(members)(answer) if members else {}
        return written

    def _make(self, reference: Reference) -> Writer:
        place = slot(self._document, reference)
        match place.kind:
            case "structure" if not place.shape.document:
                return self._structure(place.shape.members)
            case "list":
                assert place.shape.member
                write = self._of(place.shape.member)
                return lambda value: [None if below is None else write(below) for below in value]
            case "map":
                assert place.shape.value
                write_value = self._of(place.shape.value)
                return lambda value: {
                    key: None if below is None else write_value(below) for key, below in value.items()
                }
            case "timestamp":
                return self._moment
            case "blob":
                return self._bytes
        return lambda value: value

    def _structure(self, members: Mapping[str, Reference]) -> Writer:
        plan = {name: (pascal(name), self._of(reference)) for name, reference in members.items()}
        # XML has no form for an empty list of these, so no SDK sees one.
        flat = {pascal(name) for name, member in members.items() if slot(self._document, member).flattened}

        def write(value: Mapping[str, Any]) -> dict[str, Any]:
            written = {}
            # Step Functions shows members in the order of their names, whatever order they came in.
            for name in sorted(value.keys() & plan.keys()):
                key, write_member = plan[name]
                if value[name] is not None and not (key in flat and not value[name]):
                    written[key] = write_member(value[name])
            return written

        return write


def _milliseconds(value: Moment) -> int:
    return round(moment_of(value).timestamp() * _MILLISECONDS)


def _raw(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def _write_base64(value: Any) -> str:
    return b64encode(_raw(value)).decode()


def _write_text(value: Any) -> str:
    raw = _raw(value)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return b64encode(raw).decode()


@cache
def reading_of(service: str) -> Reading:
    """Return the readers of a service; they are made once."""
    return Reading(service, service_document(service))


@cache
def writing_of(service: str, spelling: Spelling) -> Writing:
    """Return the writers of a service; they are made once."""
    return Writing(service, service_document(service), spelling)
