"""The certificate authority of a home: programs under ``stepmill exec`` trust it, and nobody else does."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stepmill.core.errors import StorageError
from stepmill.storage.failures import translated_disk_errors

_LASTS = timedelta(days=3650)
_LEAF_LASTS = timedelta(days=30)
# Clocks differ.
_EARLIER = timedelta(days=1)
_LONGEST_NAME = 64
# Variables that name a bundle of certificates that a program trusts, and the files that systems have.
BUNDLE_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)


class Authority:
    """Signs certificates for names that are answered here.

    Args:
        certificate: Its own.
        key: Its private key.
    """

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate = certificate
        self._key = key
        self._contexts: dict[str, ssl.SSLContext] = {}

    @property
    def pem(self) -> str:
        """Its certificate, to be trusted."""
        return self._certificate.public_bytes(Encoding.PEM).decode()

    def context(self, host: str) -> ssl.SSLContext:
        """Return what a server needs to be taken for a host."""
        if host not in self._contexts:
            self._contexts[host] = self._make_context(host)
        return self._contexts[host]

    def _make_context(self, host: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(host[:_LONGEST_NAME], self._certificate.subject, key, _LEAF_LASTS)
        certificate = (
            builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # The ssl module reads certificates from files only.
        with TemporaryDirectory() as folder:
            file = Path(folder, "leaf.pem")
            _write_private(file, _pem(key) + certificate.public_bytes(Encoding.PEM))
            context.load_cert_chain(file)
        return context


def open_authority(path: Path) -> Authority:
    """Return the authority that is kept in a file; make it if there is none.

    Args:
        path: For its key and certificate; nobody else may read it.

    Raises:
        StorageError: If the file cannot be read or written, or holds no authority.
    """
    with translated_disk_errors():
        if not path.exists():
            draft = path.with_name(f"{path.name}.{os.getpid()}")
            _write_private(draft, _new_authority())
            # Of two that start at once, one wins, and both use what it made.
            with suppress(FileExistsError):
                os.link(draft, path)
            draft.unlink()
        text = path.read_bytes()
    try:
        key = load_pem_private_key(text, None)
        certificate = x509.load_pem_x509_certificate(text)
    except ValueError as error:
        raise StorageError(
            "The certificate authority cannot be read.",
            where=str(path),
            mend="Remove the file; a new one is made.",
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise StorageError("The certificate authority has another kind of key.", where=str(path))
    return Authority(certificate, key)


def trusted_bundle(authority: Authority, environment: Mapping[str, str], public: Path) -> str:
    """Return all certificates that a program is to trust: those that it trusts now, and the authority's.

    Args:
        authority: Of the home.
        environment: Of the program.
        public: A file of the public authorities, for systems that have none.
    """
    named = [environment.get(variable, "") for variable in BUNDLE_VARIABLES]
    files = [Path(name) for name in (*named, *_SYSTEM_BUNDLES, str(public)) if name]
    texts = [file.read_text(errors="replace") for file in dict.fromkeys(files) if file.is_file()]
    return "\n".join([*texts, authority.pem])


def _new_authority() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stepmill, of this home only")])
    certificate = (
        _builder("Stepmill, of this home only", name, key, _LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_signs_certificates(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pem(key) + certificate.public_bytes(Encoding.PEM)


def _builder(
    subject: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + lasts)
    )


def _signs_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        key_cert_sign=True, crl_sign=True, digital_signature=False, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write_private(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
