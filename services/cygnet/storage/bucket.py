"""Buckets over obstore: `connect` to S3, or `open_folder` for what a run left on a disk."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import obstore
import obstore.exceptions as oe
from obstore.store import LocalStore, S3Store

from cygnet.storage.errors import NoSuchBucketError, NoSuchObjectError, StorageError, named
from cygnet.storage.http_range import RangeClient
from cygnet.storage.port import Body, Bucket, Head, Listed, Reader
from cygnet.storage.ranges import coalesce, cut
from cygnet.storage.settings import S3Settings

__all__ = ["Body", "Bucket", "Head", "Listed", "Reader", "connect", "open_folder"]

# What rclone leaves when it is killed while it stores an object: never one of ours.
_UNFINISHED = ".rclone_temp_put_"
_RETRIES = 2


def connect(settings: S3Settings) -> "StoreBucket":
    """Return the bucket of `settings`. Nothing is asked of the server yet.

    An outage is reported after at most about `connect_seconds` (nobody listens) or
    `stall_seconds` (nobody answers), retries included.
    """
    store = _s3_store(settings, settings.endpoint)
    signer = _s3_store(settings, settings.public_endpoint) if settings.public_endpoint else store
    return StoreBucket(StoreReader(store, settings.place, RangeClient(settings)), signer)


def open_folder(folder: Path | str) -> "StoreBucket":
    """Return the bucket whose objects are the files of `folder`, without any server."""
    path = Path(folder)
    place = f"folder {path}"
    if not path.is_dir():
        raise NoSuchBucketError(f"{place}: there is no such folder")
    return StoreBucket(StoreReader(LocalStore(path), place, None), None)


class StoreReader:
    """The blocking face of an obstore store."""

    def __init__(self, store: S3Store | LocalStore, place: str, http: RangeClient | None) -> None:
        self.store = store
        self.place = place
        self._http = http

    def get(self, key: str) -> bytes:
        """Return an object. Raises NoSuchObjectError."""
        with named(self.place, key):
            return bytes(obstore.get(self.store, key).bytes())

    def size(self, key: str) -> int | None:
        """Return an object's size in bytes, or None when there is none."""
        try:
            with named(self.place, key):
                return int(obstore.head(self.store, key)["size"])
        except NoSuchObjectError:
            return None

    def head(self, key: str) -> Head | None:
        """Return what is known of the object, or None when there is none; a folder knows no content type."""
        try:
            with named(self.place, key):
                return _head(obstore.get(self.store, key, options={"head": True}))
        except NoSuchObjectError:
            return None

    def get_range(self, key: str, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset` by one request, fewer where the object ends."""
        if size <= 0:
            return b""
        with named(self.place, key):
            if self._http is None:
                return bytes(obstore.get_range(self.store, key, start=offset, length=size))
            assert isinstance(self.store, S3Store)  # noqa: S101 - only S3 has an HTTP client
            url = obstore.sign(self.store, "GET", key, timedelta(minutes=15))
        return self._http.get(url, key, offset, size)

    def list(self, prefix: str) -> Sequence[Listed]:
        """Return all objects in the folder `prefix`, sorted by key."""
        with named(self.place, prefix):
            found = [each for page in obstore.list(self.store, prefix or None) for each in _listed(page)]
        return sorted(found, key=lambda each: each.key)

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the names of the folders directly in the folder `prefix`, sorted."""
        with named(self.place, prefix):
            found = obstore.list_with_delimiter(self.store, prefix or None)["common_prefixes"]
        return sorted(each.rstrip("/").rpartition("/")[2] for each in found)


class StoreBucket:
    """The async face of an obstore store."""

    def __init__(self, reader: StoreReader, signer: S3Store | LocalStore | None) -> None:
        self.reader = reader
        self.place = reader.place
        self._store = reader.store
        self._signer = signer

    async def put(
        self,
        key: str,
        body: Body,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        only_if_absent: bool = False,
    ) -> bool:
        """Store an object by one request; False when `only_if_absent` and the key exists."""
        attributes: Any = {"Content-Type": content_type, **(metadata or {})}
        # One buffer: obstore copies each of a list's buffers byte by byte, at ten times the cost.
        file = b"".join(body) if isinstance(body, list | tuple) else body
        with named(self.place, key):
            try:
                await obstore.put_async(
                    self._store,
                    key,
                    file,
                    attributes=attributes if isinstance(self._store, S3Store) else None,
                    mode="create" if only_if_absent else "overwrite",
                    use_multipart=False,
                )
            except (oe.AlreadyExistsError, oe.PreconditionError):
                return False
        return True

    async def get(self, key: str) -> bytes:
        """Return an object. Raises NoSuchObjectError."""
        with named(self.place, key):
            answer = await obstore.get_async(self._store, key)
            return bytes(await answer.bytes_async())

    async def get_range(self, key: str, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`, fewer where the object ends."""
        return await asyncio.to_thread(self.reader.get_range, key, offset, size)

    async def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> Sequence[memoryview]:
        """Return the bytes of each (offset, size); near ranges share a request."""
        requests = coalesce(ranges)
        bodies = await asyncio.gather(*(self.get_range(key, offset, size) for offset, size, _ in requests))
        return cut(ranges, requests, bodies)

    async def head(self, key: str) -> Head | None:
        """Return what is known of the object, or None when there is none."""
        try:
            with named(self.place, key):
                return _head(await obstore.get_async(self._store, key, options={"head": True}))
        except NoSuchObjectError:
            return None

    async def list(self, prefix: str) -> AsyncIterator[Listed]:
        """Yield all objects in the folder `prefix`, page by page."""
        with named(self.place, prefix):
            async for page in obstore.list(self._store, prefix or None):
                for each in _listed(page):
                    yield each

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; keys that do not exist are deleted already."""
        with named(self.place, ", ".join(keys)):
            if isinstance(self._store, S3Store):
                await obstore.delete_async(self._store, [*keys])
                return
        for key in keys:
            try:
                with named(self.place, key):
                    await obstore.delete_async(self._store, key)
            except NoSuchObjectError:
                continue

    def sign_get(self, key: str, expires_seconds: int = 3600) -> str:
        """Return a URL that anyone may GET, signed for the public endpoint if there is one."""
        return self.sign_many([key], expires_seconds)[0]

    def sign_many(self, keys: Sequence[str], expires_seconds: int = 3600) -> Sequence[str]:
        """Return one URL for each key. Nothing is asked of the server."""
        if not isinstance(self._signer, S3Store):
            raise StorageError(f"{self.place}: a folder has no URLs")
        with named(self.place, ", ".join(keys)):
            return obstore.sign(self._signer, "GET", [*keys], timedelta(seconds=expires_seconds))


def _head(answer: Any) -> Head:
    meta = answer.meta
    content_type = str(answer.attributes.get("Content-Type", ""))
    return Head(int(meta["size"]), (meta["e_tag"] or "").strip('"'), content_type)


def _listed(page: Iterable[Any]) -> list[Listed]:
    return [
        Listed(each["path"], each["size"], _nanoseconds(each["last_modified"]))
        for each in page
        if not each["path"].rpartition("/")[2].startswith(_UNFINISHED)
    ]


def _nanoseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def _s3_store(settings: S3Settings, endpoint: str) -> S3Store:
    options: dict[str, Any] = {
        "allow_http": endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=settings.connect_seconds),
        "read_timeout": timedelta(seconds=settings.stall_seconds),
        "timeout": timedelta(seconds=settings.request_seconds),
    }
    if certificate := settings.certificate():
        options["root_certificate"] = certificate
    # obstore fills whatever is not said from the AWS_ variables of the process: another endpoint
    # would win over ours, and a foreign session token would be sent with our keys.
    given: dict[str, Any] = {"endpoint": endpoint, "aws_endpoint_url_s3": endpoint, "region": settings.region}
    if settings.access_key_id:
        credential = {
            "access_key_id": settings.access_key_id,
            "secret_access_key": settings.secret_access_key,
            "token": settings.session_token or None,
            "expires_at": None,
        }
        given["credential_provider"] = lambda: credential
    return S3Store(
        settings.bucket,
        client_options=options,  # type: ignore[arg-type]
        retry_config={
            "max_retries": _RETRIES,
            "retry_timeout": timedelta(seconds=settings.connect_seconds),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(milliseconds=500),
                "base": 2,
            },
        },
        virtual_hosted_style_request=False,
        skip_signature=False,
        unsigned_payload=True,
        **given,
    )
