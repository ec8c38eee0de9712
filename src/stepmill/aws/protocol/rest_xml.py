"""The protocol rest-xml, which is S3's: members by HTTP's means, the others in an XML body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.protocol.dialect import ToldError
from stepmill.aws.protocol.eventstream import EventWriting
from stepmill.aws.protocol.model import namespace_of, slot
from stepmill.aws.protocol.rest import Rest
from stepmill.aws.protocol.rest_input import BodyReader
from stepmill.aws.protocol.rest_output import BodyWriter
from stepmill.aws.protocol.xml_reading import XmlReading, read_xml
from stepmill.aws.protocol.xml_writing import DECLARATION, Writer, XmlWriting, declared, element, escape
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
        namespace = _S3_NAMESPACE if is_s3 else namespace_of(document.metadata.xml_namespace)
        self._namespace = declared(namespace)
        self.events = EventWriting(document, "text/xml", self._event)

    def members(self, operation: str, members: Mapping[str, Reference]) -> BodyWriter:
        if self._is_s3 and operation in _UNWRAPPED:
            name = _UNWRAPPED[operation]
            start, end = f"<{name}{self._namespace}>", f"</{name}>"
            return _document(lambda answer, out: out.append(start + escape(answer.get(name) or "") + end))
        output = self._document.operations[operation].output
        assert output
        root = _S3_ROOTS.get(operation, "") if self._is_s3 else ""
        root = root or slot(self._document, output).location_name or output.shape
        return _document(self._writing.structure(members, root, self._namespace))

    def payload(self, reference: Reference) -> BodyWriter:
        place = slot(self._document, reference)
        root = place.location_name or reference.shape
        namespace = declared(place.xml_namespace) or self._namespace
        return _document(self._writing.structure(place.shape.members, root, namespace))

    def _event(self, members: Mapping[str, Reference]) -> BodyWriter:
        return _document(self._writing.structure(members, "Event", ""))


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
        headers += self.error_headers(error)
        out = [element("Code", error.code), element("Message", error.message)]
        known = error.shape.members if error.shape else {}
        self._xml.members({name: r for name, r in known.items() if not r.location})(error.members, out)
        # What the model does not know of, S3 tells all the same: `BucketName`, `Key`, `Resource`.
        more = {name: value for name, value in error.members.items() if name not in known}
        out += [element(name, str(value)) for name, value in more.items() if value is not None]
        request_id = element("RequestId", error.request_id)
        inner = "".join(out)
        if self._is_s3:
            text = f"<Error>{inner}{request_id}</Error>"
        else:
            text = (
                f"<ErrorResponse><Error><Type>{error.fault}</Type>{inner}</Error>{request_id}</ErrorResponse>"
            )
        return Response(error.status, tuple(headers), (DECLARATION + text).encode())


def _document(write: Writer) -> BodyWriter:
    def written(value: Mapping[str, Any]) -> bytes:
        out = [DECLARATION]
        write(value, out)
        return "".join(out).encode()

    return written
