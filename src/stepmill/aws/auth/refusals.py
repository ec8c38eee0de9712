"""AWS's codes for requests whose signature is missing, wrong or too old: they differ by family of services.

Source: S3 API reference, "List of error codes"; IAM user guide, "Troubleshoot signature version 4 signing";
"Common Errors" of the API references of services with JSON and with the query protocol.
"""

from __future__ import annotations

from dataclasses import dataclass

from stepmill.aws.errors import ApiError

# Services with the query protocol, by the name in the scope of a signature.
_QUERY_SERVICES = frozenset({"sts", "iam", "sns", "ec2"})
_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class Refusals:
    """The errors of one family of services.

    Args:
        missing_code: Nobody signed.
        unknown_code: Nobody has that key.
        mismatch_code: It is signed by another key, or something else is signed.
        skewed_code: It was signed too long ago, or in the future.
        malformed_code: What is said of the signature cannot be read.
        malformed_query_code: The same of a presigned request.
        expired_code: A presigned request whose time is over.
        token_code: A session token that is not that of the key.
        expired_token_code: A session that is over.
        status: Of all but malformed ones.
    """

    missing_code: str
    unknown_code: str
    mismatch_code: str
    skewed_code: str
    malformed_code: str
    malformed_query_code: str
    expired_code: str
    token_code: str
    expired_token_code: str
    status: int

    def missing(self) -> ApiError:
        """Return the error of a request without a signature."""
        return ApiError(
            self.missing_code,
            "The request is not signed.",
            status=_FORBIDDEN,
            mend='Set the keys of this installation: eval "$(stepmill env)".',
        )

    def unknown(self, access_key: str) -> ApiError:
        """Return the error of a key that nobody has."""
        return ApiError(
            self.unknown_code,
            f"The AWS access key id {access_key[:40]!r} does not exist here.",
            status=self.status,
            mend='Set those of this installation: eval "$(stepmill env)"; `stepmill keys list` shows all.',
        )

    def mismatch(self, why: str = "") -> ApiError:
        """Return the error of a signature that is not the one expected."""
        return ApiError(
            self.mismatch_code,
            why
            or "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
            status=self.status,
        )

    def other_service(self, signed: str, expected: str) -> ApiError:
        """Return the error of a request that was signed for another service than the one that it is for."""
        if self is S3:
            return ApiError(
                self.malformed_code,
                f'The authorization header is malformed; incorrect service "{signed[:40]}". '
                f'This endpoint belongs to "{expected}".',
            )
        return self.mismatch(f"Credential should be scoped to correct service: '{expected}'.")

    def skewed(self, signed_at: str, now: str) -> ApiError:
        """Return the error of a request that was signed at quite another time."""
        return ApiError(
            self.skewed_code,
            f"The difference between the request time and the current time is too large: it was signed at "
            f"{signed_at}, and it is {now} here.",
            status=self.status,
            mend="Set the clock.",
        )

    def malformed(self, why: str) -> ApiError:
        """Return the error of an ``Authorization`` header that cannot be read."""
        return ApiError(self.malformed_code, why)

    def malformed_query(self, why: str) -> ApiError:
        """Return the error of a presigned request that lacks something."""
        return ApiError(self.malformed_query_code, why)

    def expired(self) -> ApiError:
        """Return the error of a presigned request whose time is over."""
        return ApiError(self.expired_code, "Request has expired", status=_FORBIDDEN)

    def unsigned_headers(self, names: str) -> ApiError:
        """Return the error of headers that anybody may have added."""
        return ApiError(
            self.mismatch_code if self is not S3 else "AccessDenied",
            f"There were headers present in the request which were not signed: {names[:200]}",
            status=_FORBIDDEN,
        )

    def wrong_token(self) -> ApiError:
        """Return the error of a session token that does not belong to the key."""
        return ApiError(
            self.token_code, "The security token included in the request is invalid.", status=self.status
        )

    def expired_token(self) -> ApiError:
        """Return the error of a session that is over."""
        return ApiError(
            self.expired_token_code, "The security token included in the request is expired.", status=400
        )


S3 = Refusals(
    missing_code="AccessDenied",
    unknown_code="InvalidAccessKeyId",
    mismatch_code="SignatureDoesNotMatch",
    skewed_code="RequestTimeTooSkewed",
    malformed_code="AuthorizationHeaderMalformed",
    malformed_query_code="AuthorizationQueryParametersError",
    expired_code="AccessDenied",
    token_code="InvalidToken",  # noqa: S106  (a code, no secret)
    expired_token_code="ExpiredToken",  # noqa: S106
    status=_FORBIDDEN,
)
QUERY = Refusals(
    missing_code="MissingAuthenticationToken",
    unknown_code="InvalidClientTokenId",
    mismatch_code="SignatureDoesNotMatch",
    skewed_code="SignatureDoesNotMatch",
    malformed_code="IncompleteSignature",
    malformed_query_code="IncompleteSignature",
    expired_code="SignatureDoesNotMatch",
    token_code="InvalidClientTokenId",  # noqa: S106
    expired_token_code="ExpiredToken",  # noqa: S106
    status=_FORBIDDEN,
)
JSON = Refusals(
    missing_code="MissingAuthenticationTokenException",
    unknown_code="UnrecognizedClientException",
    mismatch_code="InvalidSignatureException",
    skewed_code="InvalidSignatureException",
    malformed_code="IncompleteSignatureException",
    malformed_query_code="IncompleteSignatureException",
    expired_code="InvalidSignatureException",
    token_code="UnrecognizedClientException",  # noqa: S106
    expired_token_code="ExpiredTokenException",  # noqa: S106
    status=400,
)


def refusals_of(service: str) -> Refusals:
    """Return the errors of a service, by its name in the scope of signatures.

    Example:
        >>> refusals_of("sagemaker").unknown_code
        'UnrecognizedClientException'
    """
    if service.startswith("s3"):
        return S3
    return QUERY if service in _QUERY_SERVICES else JSON
