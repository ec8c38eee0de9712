"""The protocol rest-xml, which is S3's: members by HTTP's means, the others in an XML body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.protocol.dialect import ToldError
from stepmill.aws.protocol.eventstream import EventWriting
from stepmill.aws.protocol.model import slot
from stepmill.aws.protocol.rest import Rest
from stepmill.aws.protocol.rest_input import BodyReader
from stepmill.aws.protocol.rest_output import BodyWriter
from stepmill.aws.protocol.xml_reading import XmlReading, read_xml
from stepmill.aws.protocol.xml_writing import DECLARATION, Writer, XmlWriting, declared, element
from stepmill.aws.wire import Response
from stepmill.core.service_documents import Reference, ServiceDocument, XmlNamespace

_S3_NAMESPACE = XmlNamespace("http://s3.amazonaws.com/doc/2006-03-01/")
# Root elements of S3's answers, which its model does not name. Source: S3's API reference, "Response Syntax".
_S3_ROOTS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}
# Answers whose root element is the member itself.
_UNWRAPPED = {"GetBucketLocation": "LocationConstraint"}


class _Reading:
    def __init__(self, reading: XmlReading) -> None:
        self._reading = reading

    def members(self, members: Mapping[str, Reference]) -> BodyReader:
        read = self._reading.structure(members)
        return lambda body: read(read_xml(body)) if body else {}

    def payload(self, reference: Reference) -> BodyReader:
        read = self._reading.of(reference)
        return lambda body: read(read_xml(body))


class _Writing:
    content_type = "application/xml"

    def __init__(self, document: ServiceDocument, writing: XmlWriting, *, is_s3: bool) -> None:
        self._document = document
        self._writing = writing
        self._is_s3 = is_s3
        namespace = document.metadata.xml_namespace
        if is_s3:
            namespace = _S3_NAMESPACE
        self._namespace = declared(XmlNamespace(namespace) if isinstance(namespace, str) else namespace)
        self.events = EventWriting(document, "text/xml", self._event)

    def members(self, operation: str, members: Mapping[str, Reference]) -> BodyWriter:
        write = self._writing.members(members)
        if self._is_s3 and operation in _UNWRAPPED:
            name = _UNWRAPPED[operation]
            return lambda answer: _document(
                name, self._namespace, lambda value, out: out.append(str(value)), answer.get(name) or ""
            )
        output = self._document.operations[operation].output
        assert output
        root = _S3_ROOTS.get(operation, "") if self._is_s3 else ""
        root = root or slot(self._document, output).location_name or output.shape
        return lambda answer: _document(root, self._namespace, write, answer)

    def payload(self, reference: Reference) -> BodyWriter:
        place = slot(self._document, reference)
        root = place.location_name or reference.shape
        namespace = declared(place.xml_namespace) or self._namespace
        if place.kind == "structure" and not any(r.xml_attribute for r in place.shape.members.values()):
            write = self._writing.members(place.shape.members)
            return lambda value: _document(root, namespace, write, value)
        write_element = self._writing.of(reference, root)

        def write_whole(value: Any) -> bytes:
            out = [DECLARATION]
            write_element(value, out)
            return "".join(out).encode()

        return write_whole

    def _event(self, members: Mapping[str, Reference]) -> BodyWriter:
        write = self._writing.members(members)
        return lambda value: _document("Event", "", write, value)


class RestXml(Rest):
    """A service in rest-xml."""

    def __init__(self, document: ServiceDocument) -> None:
        self._is_s3 = document.metadata.endpoint_prefix == "s3"
        self._xml = XmlWriting(document, "iso8601-milliseconds" if self._is_s3 else "iso8601")
        request_id = "x-amz-request-id" if self._is_s3 else "x-amzn-RequestId"
        reading = _Reading(XmlReading(document))
        super().__init__(document, reading, _Writing(document, self._xml, is_s3=self._is_s3), request_id)

    def error(self, error: ToldError) -> Response:
        """Return ``<Error>``: S3's as the root, that of other services within ``<ErrorResponse>``."""
        headers = [("Content-Type", "application/xml"), (self._request_id_header, error.request_id)]
        out = [element("Code", error.code), element("Message", error.message)]
        if error.shape:
            members, located = self.error_headers(error.shape, error.members)
            headers += located
            in_body = {name: r for name, r in error.shape.members.items() if not r.location}
            self._xml.members(in_body)(members, out)
            members = {name: value for name, value in members.items() if name not in in_body}
        else:
            members = dict(error.members)
        # What the model does not know of, S3 tells all the same: `BucketName`, `Key`, `Resource`.
        out += [element(name, str(value)) for name, value in members.items() if value is not None]
        request_id = element("RequestId", error.request_id)
        inner = "".join(out)
        if self._is_s3:
            text = f"<Error>{inner}{request_id}</Error>"
        else:
            text = (
                f"<ErrorResponse><Error><Type>{error.fault}</Type>{inner}</Error>{request_id}</ErrorResponse>"
            )
        return Response(error.status, tuple(headers), (DECLARATION + text).encode())


def _document(root: str, namespace: str, write: Writer, value: Any) -> bytes:
    out = [DECLARATION, f"<{root}{namespace}>"]
    write(value, out)
    out.append(f"</{root}>")
    return "".join(out).encode()
