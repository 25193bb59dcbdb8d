"""The certificate of the embedded S3 endpoint: the user's own, or one that is made for this machine."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cygnet.local.errors import LocalError, disk_trouble
from cygnet.local.keys import write_private
from cygnet.spec.local import S3Tls

_YEARS = timedelta(days=3650)
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files (PEM) of a server's certificate: with its chain, its key, and what clients are to trust."""

    chain: Path
    key: Path
    trust: Path


def certificate(tls: S3Tls, folder: Path, hosts: Sequence[str]) -> Certificate:
    """Return the certificate that `tls` names, or one for `hosts` that is kept in `folder`.

    Paths in `tls` are absolute. Raises LocalError when a file cannot be read or clients would refuse it.
    """
    if tls.cert_file is None or tls.key_file is None:
        return _own(folder, dict.fromkeys((*hosts, *_THIS_MACHINE)))
    chain = Path(tls.cert_file)
    leaf = _first(chain, "certFile")
    if _is_authority(leaf):
        raise LocalError(
            f"local.s3.tls.certFile: {chain} is the certificate of an authority (CA:TRUE), which clients"
            " refuse as a server's; accepted: a server's, as `openssl req -x509` makes it with"
            " -addext basicConstraints=critical,CA:FALSE"
        )
    if not leaf.not_valid_before_utc <= datetime.now(UTC) < leaf.not_valid_after_utc:
        raise LocalError(
            f"local.s3.tls.certFile: {chain} is valid from {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} to"
            f" {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC; accepted: a certificate that is valid now"
        )
    key = Path(tls.key_file)
    if not _belongs(leaf, _readable(key, "keyFile")):
        raise LocalError(
            f"local.s3.tls.keyFile: {key} is not the key of {chain}; accepted: its private key, in PEM,"
            " without a password"
        )
    if tls.ca_file:
        _first(Path(tls.ca_file), "caFile")
    return Certificate(chain, key, Path(tls.ca_file or chain))


def _own(folder: Path, hosts: Sequence[str] | dict[str, None]) -> Certificate:
    """Return the folder's certificate, made again when it is for other hosts, about to expire, or torn.

    Certificate and key are two files: a crash between them leaves a pair of which neither fits the other.
    """
    own = Certificate(folder / "s3.crt", folder / "s3.key", folder / "s3.crt")
    names = x509.SubjectAlternativeName([_name(host) for host in hosts])
    if own.key.exists() and own.chain.exists() and _serves(own, names):
        return own
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cygnet up, S3 of this machine")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # of clients whose clock is behind
        .not_valid_after(now + _YEARS)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_trouble(folder, error) from error
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(own.key, secret.decode())
    write_private(own.chain, made.public_bytes(serialization.Encoding.PEM).decode())
    return own


def _serves(own: Certificate, names: x509.SubjectAlternativeName) -> bool:
    try:
        found = x509.load_pem_x509_certificates(_readable(own.chain, "certFile"))[0]
    except ValueError:
        return False
    if not _belongs(found, _readable(own.key, "keyFile")):
        return False
    has = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return has == names and found.not_valid_after_utc > datetime.now(UTC) + timedelta(days=1)


def _belongs(leaf: x509.Certificate, key: bytes) -> bool:
    """Return whether this is the private key (PEM) of a certificate."""
    try:
        return serialization.load_pem_private_key(key, None).public_key() == leaf.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):  # no key, one with a password, an unknown kind
        return False


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _is_authority(leaf: x509.Certificate) -> bool:
    try:
        return leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _first(path: Path, field: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(_readable(path, field))[0]
    except ValueError as error:
        raise LocalError(f"local.s3.tls.{field}: {path} holds no certificate; accepted: PEM") from error


def _readable(path: Path, field: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LocalError(
            f"local.s3.tls.{field}: {path} cannot be read: {error.strerror}; accepted: a file in PEM, or"
            " `tls: {}` for a certificate that is made in the data folder"
        ) from error
