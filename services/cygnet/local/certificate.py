"""The certificate of the embedded S3 endpoint: the user's own, or one that is made for this machine."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
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
    _readable(Path(tls.key_file), "keyFile")
    if tls.ca_file:
        _first(Path(tls.ca_file), "caFile")
    return Certificate(chain, Path(tls.key_file), Path(tls.ca_file or chain))


def _own(folder: Path, hosts: Sequence[str] | dict[str, None]) -> Certificate:
    """Return the folder's certificate, made again when it is for other hosts or about to expire."""
    own = Certificate(folder / "s3.crt", folder / "s3.key", folder / "s3.crt")
    names = x509.SubjectAlternativeName([_name(host) for host in hosts])
    if own.key.exists() and own.chain.exists() and _serves(_first(own.chain, "certFile"), names):
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


def _serves(found: x509.Certificate, names: x509.SubjectAlternativeName) -> bool:
    has = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return has == names and found.not_valid_after_utc > datetime.now(UTC) + timedelta(days=1)


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
