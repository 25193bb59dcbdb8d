"""S3 over TLS: a certificate of one's own, or one that is made; our clients trust it, strangers do not."""

import asyncio
import stat
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cygnet.local.certificate import certificate
from cygnet.local.errors import LocalError
from cygnet.local.keys import own_keys
from cygnet.local.ports import choose
from cygnet.local.s3_server import S3Server
from cygnet.local.user_buckets import FIRST_OBJECT, make_user_buckets
from cygnet.model.frame import Announcement
from cygnet.preprocessor.allow_list import AllowList
from cygnet.preprocessor.fetch import Fetcher
from cygnet.spec.local import LocalS3, S3Tls
from cygnet.storage.admin import ensure_bucket
from cygnet.storage.bucket import connect
from cygnet.storage.errors import StorageUnavailableError
from cygnet.storage.settings import S3Settings

HOST = "minio.lab"


def server_of(folder: Path, **wished: object) -> S3Server:
    address = choose("127.0.0.1:0", "local.s3.listen")
    return S3Server(folder, address, LocalS3.model_validate(wished), own_keys(folder))


def settings_of(server: S3Server, bucket: str = "frames") -> S3Settings:
    return S3Settings(
        endpoint=server.url,
        bucket=bucket,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
        ca_bundle=server.ca_bundle,
        public_endpoint=server.public_url,
    )


@pytest.fixture
async def server(tmp_path):
    users = [{"accessKeyId": "student", "secretAccessKey": "md5-of-name", "bucket": "student"}]
    server = server_of(tmp_path, tls={}, host=HOST, users=users)
    server.start()
    await server.ready()
    yield server
    await server.stop()


async def test_every_client_of_ours_works_over_tls(server):
    settings = settings_of(server)
    assert server.url.startswith("https://")
    assert ensure_bucket(settings)
    bucket = connect(settings)
    await bucket.put("a/7", b"the bytes", content_type="image/png")
    assert await bucket.get("a/7") == b"the bytes"
    assert await bucket.get_range("a/7", 4, 5) == b"bytes"
    assert [each.key for each in bucket.reader.list("a")] == ["a/7"]


async def test_announced_url_carries_the_hosts_name_which_need_not_resolve_here(server):
    settings = settings_of(server)
    ensure_bucket(settings)
    bucket = connect(settings)
    await bucket.put("a/7", b"the bytes", content_type="image/png")
    url = bucket.sign_get("a/7")
    assert urlsplit(url).hostname == HOST
    fetcher = Fetcher(
        AllowList([server.url, server.public_url]),
        settings,
        lambda name: bucket,
        max_bytes=100,
        timeout_seconds=5,
        tries=1,
    )
    assert await fetcher.fetch(Announcement(url=url, time="2024-11-27 14:27:36")) == b"the bytes"
    await fetcher.close()


async def test_client_that_was_not_told_trusts_nothing(server):
    stranger = S3Settings(endpoint=server.url, bucket="frames", access_key_id="a", secret_access_key="b")
    with pytest.raises(StorageUnavailableError):
        ensure_bucket(stranger)
    with pytest.raises(StorageUnavailableError):
        await connect(stranger).get("a/7")
    with pytest.raises(requests.exceptions.SSLError):
        await asyncio.to_thread(requests.get, server.url, timeout=5)


async def test_users_find_their_bucket_with_something_in_it(server):
    for _ in range(2):  # the next up finds it there
        await make_user_buckets(server)
    own = S3Settings(
        endpoint=server.url,
        bucket="student",
        access_key_id="student",
        secret_access_key="md5-of-name",
        ca_bundle=server.ca_bundle,
    )
    assert [each.key for each in connect(own).reader.list("")] == [FIRST_OBJECT]
    assert b"cygnet env --user student" in connect(own).reader.get(FIRST_OBJECT)


def test_made_certificate_is_kept_for_the_same_hosts_and_its_key_is_private(tmp_path):
    first = certificate(S3Tls(), tmp_path, [HOST])
    made = first.chain.read_bytes()
    assert certificate(S3Tls(), tmp_path, [HOST]).chain.read_bytes() == made
    assert stat.S_IMODE(first.key.stat().st_mode) == 0o600
    assert certificate(S3Tls(), tmp_path, ["another.lab"]).chain.read_bytes() != made


def test_made_pair_that_does_not_fit_is_made_again(tmp_path):
    first = certificate(S3Tls(), tmp_path, [HOST])
    made = first.chain.read_bytes()
    other = certificate(S3Tls(), tmp_path / "other", [HOST])
    for torn in (other.key.read_bytes(), b""):
        first.key.write_bytes(torn)
        certificate(S3Tls(), tmp_path, [HOST])
        leaf = x509.load_pem_x509_certificate(first.chain.read_bytes())
        key = serialization.load_pem_private_key(first.key.read_bytes(), None)
        assert key.public_key() == leaf.public_key()
        assert first.chain.read_bytes() != made


# --- a certificate of one's own -------------------------------------------------------------------


def signed(
    folder: Path, name: str, hosts: list[str], *, authority: bool = False, until: int = 2120
) -> dict[str, str]:
    """Write a certificate that is signed by itself; return the fields that name it."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(until, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / f"{name}.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return {"certFile": str(folder / f"{name}.crt"), "keyFile": str(folder / f"{name}.key")}


async def test_chosen_certificate_is_the_one_that_clients_see(tmp_path):
    made = certificate(S3Tls(), tmp_path / "elsewhere", [])
    server = server_of(tmp_path, tls={"certFile": str(made.chain), "keyFile": str(made.key)})
    server.start()
    try:
        await server.ready()
        assert server.ca_bundle == str(made.chain)
        assert ensure_bucket(settings_of(server))
    finally:
        await server.stop()


async def test_certificate_for_another_host_is_refused_at_the_start_and_not_by_every_service(tmp_path):
    server = server_of(tmp_path, tls=signed(tmp_path, "other", ["other.lab"]))
    server.start()
    try:
        with pytest.raises(LocalError, match=r"local\.s3\.tls: .* refuses the certificate: .*127\.0\.0\.1"):
            await server.ready()
    finally:
        await server.stop()


def test_certificate_of_an_authority_is_refused_with_what_makes_a_servers(tmp_path):
    with pytest.raises(LocalError, match=r"local\.s3\.tls\.certFile: .*CA:TRUE.*basicConstraints"):
        server_of(tmp_path, tls=signed(tmp_path, "ca", ["localhost"], authority=True))


def test_certificate_that_has_expired_is_refused(tmp_path):
    with pytest.raises(LocalError, match=r"local\.s3\.tls\.certFile: .* to 2021-01-01 .*valid now"):
        server_of(tmp_path, tls=signed(tmp_path, "old", ["localhost"], until=2021))


def test_key_of_another_certificate_is_refused(tmp_path):
    files = signed(tmp_path, "mine", ["localhost"])
    files["keyFile"] = signed(tmp_path, "theirs", ["localhost"])["keyFile"]
    with pytest.raises(LocalError, match=r"local\.s3\.tls\.keyFile: .*theirs\.key is not the key of"):
        server_of(tmp_path, tls=files)


@pytest.mark.parametrize("field", ["certFile", "keyFile"])
def test_file_that_is_not_there_is_named(tmp_path, field):
    files = signed(tmp_path, "mine", ["localhost"]) | {field: str(tmp_path / "nowhere")}
    with pytest.raises(LocalError, match=rf"local\.s3\.tls\.{field}: .*nowhere cannot be read"):
        server_of(tmp_path, tls=files)


def test_file_that_is_no_certificate_is_named(tmp_path):
    files = signed(tmp_path, "mine", ["localhost"])
    Path(files["certFile"]).write_text("no certificate")
    with pytest.raises(LocalError, match=r"local\.s3\.tls\.certFile: .* holds no certificate"):
        server_of(tmp_path, tls=files)
