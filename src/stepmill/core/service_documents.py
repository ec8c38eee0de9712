"""AWS's service models as botocore ships them, in compact values: no documentation, no client machinery.

A model of 2.6 MB takes about 45 ms and 6 MB, once per process; whoever asks for its shapes shares it.

Source: botocore, ``data/<service>/<version>/service-2.json``.
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib import resources

import msgspec

from stepmill.core.errors import NotFoundError


class XmlNamespace(msgspec.Struct, frozen=True):
    """The namespace of an XML element."""

    uri: str = ""
    prefix: str = ""


class Reference(msgspec.Struct, frozen=True, rename="camel"):
    """What a member, an element or an operation's side is: the name of a shape, and how it travels.

    Args:
        shape: Name of the shape.
        location: ``header``, ``headers``, ``uri``, ``querystring``, ``statusCode``; empty in the body.
        location_name: Its name on the wire; empty if it is the member's.
        query_name: The same for ``ec2`` requests.
        result_wrapper: Of an answer of the query protocol: the element around it.
        payload: Of an operation's side: the member that is the body; the shape may name it, too.
    """

    shape: str
    location: str = ""
    location_name: str = ""
    query_name: str = ""
    result_wrapper: str = ""
    payload: str = ""
    timestamp_format: str = ""
    xml_namespace: XmlNamespace | str | None = None
    flattened: bool = False
    streaming: bool = False
    jsonvalue: bool = False
    xml_attribute: bool = False
    eventpayload: bool = False
    eventheader: bool = False


class ErrorTrait(msgspec.Struct, frozen=True, rename="camel"):
    """How an error is told: the code if it is not the shape's name, the status, whose fault it is."""

    code: str = ""
    http_status_code: int = 0
    sender_fault: bool | None = None


class RawShape(msgspec.Struct, frozen=True, rename="camel"):
    """A shape as the model has it. What the fields mean is told in botocore's and Smithy's documents."""

    type: str
    members: dict[str, Reference] = {}
    required: tuple[str, ...] = ()
    member: Reference | None = None
    key: Reference | None = None
    value: Reference | None = None
    enum: tuple[str, ...] = ()
    pattern: str = ""
    min: int | float | None = None
    max: int | float | None = None
    payload: str = ""
    location_name: str = ""
    timestamp_format: str = ""
    xml_namespace: XmlNamespace | str | None = None
    flattened: bool = False
    streaming: bool = False
    union: bool = False
    document: bool = False
    sensitive: bool = False
    eventstream: bool = False
    event: bool = False
    exception: bool = False
    fault: bool = False
    error: ErrorTrait | None = None


class HttpTrait(msgspec.Struct, frozen=True, rename="camel"):
    """Where an operation is asked for."""

    method: str = "POST"
    request_uri: str = "/"
    response_code: int = 200


class RawOperation(msgspec.Struct, frozen=True):
    """An operation.

    Args:
        requestcompression: There if clients may compress the body.
    """

    name: str = ""
    http: HttpTrait = HttpTrait()
    input: Reference | None = None
    output: Reference | None = None
    errors: tuple[Reference, ...] = ()
    deprecated: bool = False
    requestcompression: dict[str, tuple[str, ...]] | None = None


class Metadata(msgspec.Struct, frozen=True, rename="camel"):
    """What holds for the whole service.

    Args:
        aws_query_compatible: There if errors are also told by the code of the former query protocol.
    """

    protocol: str = ""
    protocols: tuple[str, ...] = ()
    api_version: str = ""
    endpoint_prefix: str = ""
    signing_name: str = ""
    target_prefix: str = ""
    json_version: str = "1.0"
    service_id: str = ""
    xml_namespace: XmlNamespace | str | None = None
    aws_query_compatible: dict[str, str] | None = None


class ServiceDocument(msgspec.Struct, frozen=True):
    """A service's model."""

    metadata: Metadata
    operations: dict[str, RawOperation] = {}
    shapes: dict[str, RawShape] = {}

    def shape(self, name: str) -> RawShape:
        """Return the shape of that name.

        Raises:
            NotFoundError: If the model has none.
        """
        try:
            return self.shapes[name]
        except KeyError:
            raise NotFoundError(f"The service model has no shape {name!r}.") from None


_DOCUMENT = msgspec.json.Decoder(ServiceDocument)


def read_document(text: bytes) -> ServiceDocument:
    """Read a model from its JSON text.

    Raises:
        ValueError: If it is not one.
    """
    return _DOCUMENT.decode(text)


@cache
def service_document(service: str) -> ServiceDocument:
    """Load the newest model of a service: ``sagemaker``, ``lambda``.

    Raises:
        NotFoundError: If botocore ships no such service.
    """
    folder = resources.files("botocore") / "data" / service
    if not service or not folder.is_dir():
        raise NotFoundError(f"botocore has no service {service!r}.")
    newest = max(folder.iterdir(), key=lambda version: version.name)
    packed = newest / "service-2.json.gz"
    if packed.is_file():
        return read_document(gzip.decompress(packed.read_bytes()))
    return read_document((newest / "service-2.json").read_bytes())
