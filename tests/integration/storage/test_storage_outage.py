"""An outage holds what callers have, a denial names what to change; neither may look like the other."""

import http.server
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cygnet.model.errors import BadInputError
from cygnet.storage.admin import ensure_bucket
from cygnet.storage.bucket import Bucket, connect
from cygnet.storage.errors import StorageDeniedError, StorageError, StorageUnavailableError
from cygnet.storage.settings import S3Settings, settings_from_environment
from fixtures.s3_server import ACCESS_KEY_ID, SECRET_ACCESS_KEY, RcloneS3, rclone_s3

Request = Callable[[Bucket], Awaitable[object]]


async def everything(bucket: Bucket) -> object:
    return [each async for each in bucket.list("a")]


REQUESTS: dict[str, Request] = {
    "put": lambda bucket: bucket.put("a/b", b"1", content_type="x/y"),
    "create": lambda bucket: bucket.put("a/b", b"1", content_type="x/y", only_if_absent=True),
    "get": lambda bucket: bucket.get("a/b"),
    "range": lambda bucket: bucket.get_range("a/b", 0, 1),
    "head": lambda bucket: bucket.head("a/b"),
    "list": everything,
    "delete": lambda bucket: bucket.delete(["a/b"]),
}


@contextmanager
def answering(status: int, body: bytes = b"") -> Iterator[tuple[str, list[str]]]:
    """An S3 that gives every request the same answer; yields its address and what was asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(f"{self.command} {self.path} {self.headers.get('x-amz-security-token')}")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def settings_for(endpoint: str, **changes: object) -> S3Settings:
    given = {
        "endpoint": endpoint,
        "bucket": "cygno",
        "access_key_id": ACCESS_KEY_ID,
        "secret_access_key": SECRET_ACCESS_KEY,
    }
    return S3Settings(**(given | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("request_name", REQUESTS)
async def test_wrong_secret_is_denied_and_never_printed(rclone: RcloneS3, request_name: str) -> None:
    rclone.bucket_folder("cygno")
    settings = rclone.settings("cygno", secret_access_key="hush-hush")
    with pytest.raises(StorageDeniedError) as denied:
        await REQUESTS[request_name](connect(settings))
    message = str(denied.value)
    for part in (rclone.endpoint, "'cygno'", ACCESS_KEY_ID, "check"):
        assert part in message
    assert "hush-hush" not in message + repr(settings)


def test_wrong_keys_are_denied_before_the_first_frame(rclone: RcloneS3) -> None:
    with pytest.raises(StorageDeniedError, match="check the secret access key"):
        ensure_bucket(rclone.settings("cygno", secret_access_key="hush-hush"))
    with pytest.raises(StorageDeniedError, match="check the access key id"):
        ensure_bucket(rclone.settings("cygno", access_key_id="somebody"))


@pytest.mark.parametrize("request_name", REQUESTS)
async def test_stopped_server_is_an_outage_and_its_return_ends_it(tmp_path: Path, request_name: str) -> None:
    with rclone_s3(tmp_path) as server:
        server.bucket_folder("cygno")
        bucket = connect(server.settings("cygno"))
        await bucket.put("a/b", b"1", content_type="x/y")
        server.kill()
        with pytest.raises(StorageUnavailableError, match="does not answer"):
            await REQUESTS[request_name](bucket)
        server.start()
        await REQUESTS[request_name](bucket)


@pytest.mark.parametrize("request_name", ["put", "get", "range", "list"])
async def test_frozen_server_is_an_outage_after_the_stall_time(tmp_path: Path, request_name: str) -> None:
    with rclone_s3(tmp_path) as server:
        server.bucket_folder("cygno")
        bucket = connect(server.settings("cygno", stall_seconds=0.3, connect_seconds=0.2))
        server.freeze()
        with pytest.raises(StorageUnavailableError):
            await REQUESTS[request_name](bucket)


@pytest.mark.parametrize("request_name", REQUESTS)
async def test_slow_down_is_an_outage(request_name: str) -> None:
    with (
        answering(503, b"<Error><Code>SlowDown</Code><Message>reduce</Message></Error>") as (endpoint, _),
        pytest.raises(StorageUnavailableError, match="503"),
    ):
        await REQUESTS[request_name](connect(settings_for(endpoint)))


@pytest.mark.parametrize("request_name", REQUESTS)
async def test_closed_bucket_is_denied(request_name: str) -> None:
    with (
        answering(403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>") as (endpoint, _),
        pytest.raises(StorageDeniedError, match="'cygno'"),
    ):
        await REQUESTS[request_name](connect(settings_for(endpoint)))


async def test_server_that_ignores_a_range_is_not_believed() -> None:
    with (
        answering(200, b"the whole object") as (endpoint, _),
        pytest.raises(StorageError, match="a range of 'a/b' was asked"),
    ):
        await connect(settings_for(endpoint)).get_range("a/b", 4, 2)


def test_outage_at_the_start_is_an_outage() -> None:
    with pytest.raises(StorageUnavailableError):
        ensure_bucket(settings_for("http://127.0.0.1:1"))


async def test_variables_of_another_s3_do_not_leak_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_SESSION_TOKEN": "foreign",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
    }.items():
        monkeypatch.setenv(name, value)
    with answering(200) as (endpoint, asked):
        bucket = connect(settings_for(endpoint))
        assert await bucket.get("a/b") == b""
        assert asked == ["GET /cygno/a/b None"]
        url = bucket.sign_get("a/b")
    assert url.startswith(f"{endpoint}/cygno/a/b?")
    assert "Token" not in url
    assert "X-Amz-Signature" in url


def test_urls_are_signed_for_the_address_that_others_use() -> None:
    settings = settings_for("http://127.0.0.1:9000", public_endpoint="https://s3.example.org")
    assert connect(settings).sign_get("a/b").startswith("https://s3.example.org/cygno/a/b?")


@pytest.mark.parametrize("endpoint", ["", "localhost:9000", "ftp://host", "http://"])
def test_address_without_scheme_or_host_is_refused(endpoint: str) -> None:
    with pytest.raises(BadInputError, match="endpoint"):
        settings_for(endpoint)


def test_keys_come_from_the_usual_variables() -> None:
    environment = {
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_ENDPOINT_URL": "http://h:9000/",
    }
    settings = settings_from_environment("cygno", environment=environment)
    assert (settings.endpoint, settings.access_key_id, settings.region) == ("http://h:9000", "k", "us-east-1")
    with pytest.raises(BadInputError, match="AWS_SECRET_ACCESS_KEY is not set"):
        settings_from_environment("cygno", environment={"AWS_ACCESS_KEY_ID": "k"})


def test_unreadable_certificate_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="ca_bundle"):
        connect(settings_for("https://127.0.0.1:1", ca_bundle=str(tmp_path / "absent.pem")))
