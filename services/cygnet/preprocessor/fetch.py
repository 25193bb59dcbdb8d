"""Gets the bytes of an announced frame: pooled, bounded in time and size, from allowed hosts only."""

import asyncio
import re
import ssl
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

import aiohttp

from cygnet.model.errors import BadInputError
from cygnet.model.frame import Announcement
from cygnet.preprocessor.allow_list import AllowList, origin_of
from cygnet.runtime.backoff import delays
from cygnet.runtime.metrics import FETCHES
from cygnet.storage.errors import (
    NoSuchBucketError,
    NoSuchObjectError,
    StorageError,
    StorageUnavailableError,
)
from cygnet.storage.port import Bucket
from cygnet.storage.settings import S3Settings

CONNECTIONS = 16
_CONNECT_SECONDS = 5.0
_UNSIGNED_STATUS = (400, 403)  # rclone and S3, of what is not signed or was too long ago
_BUCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
_OK, _PARTIAL, _NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 200, 206, 404, 429, 500
OpenBucket = Callable[[str], Bucket]


class ForeignTroubleError(Exception):
    """A host that is not ours fails or is slow: worth another try, but not for ever."""


class Fetcher:
    """Fetches announced frames. Trouble of the pipeline's own S3 is StorageUnavailableError: hold the frame.

    A foreign host is tried `tries` times. BadInputError says what is wrong with the frame itself.
    `own`: the pipeline's own S3 and bucket.
    """

    def __init__(
        self,
        allow_list: AllowList,
        own: S3Settings,
        open_bucket: OpenBucket,
        *,
        max_bytes: int,
        timeout_seconds: float,
        tries: int,
    ) -> None:
        self._allow_list = allow_list
        self._own = own
        self._trust = ssl.create_default_context(cadata=_pem(own)) if own.ca_bundle else True
        self._open_bucket = open_bucket
        self._slots = asyncio.Semaphore(CONNECTIONS)
        self._max_bytes = max_bytes
        self._tries = tries
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=_CONNECT_SECONDS)
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, announcement: Announcement) -> bytes:
        """Return the frame's bytes."""
        origin = self._allow_list.check(announcement.url)
        if self._allow_list.is_own(origin):
            return await self._from_own_storage(announcement)
        for attempt, delay in enumerate(delays(), start=1):
            try:
                return await self._get(announcement)
            except ForeignTroubleError as error:
                FETCHES.labels("foreign-trouble").inc()
                if attempt >= self._tries:
                    raise BadInputError(f"url: {error}, {attempt} times", reason="fetch-failed") from error
                await asyncio.sleep(delay)
        raise AssertionError("delays never end")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _from_own_storage(self, announcement: Announcement) -> bytes:
        try:
            return await self._get(announcement)
        except ForeignTroubleError as error:
            raise StorageUnavailableError(str(error)) from error

    async def _get(self, announcement: Announcement) -> bytes:
        """GET the URL, without following redirects: they could lead off the allow-list."""
        url, headers = self._reached(announcement.url)
        own = self._allow_list.is_own(self._allow_list.check(announcement.url))
        if announcement.offset is not None and announcement.size is not None:
            last = announcement.offset + announcement.size - 1
            headers["Range"] = f"bytes={announcement.offset}-{last}"
        try:
            # The time-out is the host's: waiting for our own connections does not count.
            async with (
                self._slots,
                self._connections().get(
                    url, headers=headers, allow_redirects=False, ssl=self._trust if own else True
                ) as answer,
            ):
                if answer.status in (_OK, _PARTIAL):
                    body = await self._read(answer)
                    FETCHES.labels("ok").inc()
                    is_partial = (
                        answer.status == _PARTIAL or "Content-Range" in answer.headers
                    )  # rclone says 200
                    return body if is_partial else _cut(body, announcement)
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ForeignTroubleError(
                f"{_host(announcement.url)}: {type(error).__name__} {error}".strip()
            ) from error
        except BadInputError:
            raise
        except ValueError as error:
            raise BadInputError(f"url: {announcement.url!r}: {error}", reason="bad-url") from error
        FETCHES.labels(str(status)).inc()
        return await self._refused(announcement, status)

    def _reached(self, url: str) -> tuple[str, dict[str, str]]:
        """Return URL and headers under which we reach what `url` points at.

        Our own S3 is asked at its endpoint: the name that others know it by, and that the URL was signed
        with, is said in a header and need not resolve here.
        """
        public = self._own.public_endpoint
        if public is None or origin_of(url) != origin_of(public):
            return url, {}
        scheme, netloc, *_ = urlsplit(self._own.endpoint)
        return urlsplit(url)._replace(scheme=scheme, netloc=netloc).geturl(), {"Host": _host(url)}

    async def _refused(self, announcement: Announcement, status: int) -> bytes:
        host = _host(announcement.url)
        if status >= _SERVER_ERROR or status == _TOO_MANY:
            raise ForeignTroubleError(f"{host} answered {status}")
        if status in _UNSIGNED_STATUS and (place := self._stored_at(announcement)) is not None:
            return await self._by_key(announcement, *place)
        if status == _NOT_FOUND:
            raise BadInputError(f"url: {host} answered 404: there is no such object", reason="not-found")
        kind = "a redirect, which is not followed" if 300 <= status < 400 else "refused"
        raise BadInputError(f"url: {host} answered {status}: {kind}", reason="fetch-refused")

    def _stored_at(self, announcement: Announcement) -> tuple[str, str] | None:
        """Return bucket and key of a frame in our own S3, whose URL has expired or was never signed."""
        if not self._allow_list.is_own(self._allow_list.check(announcement.url)):
            return None
        if announcement.bucket and announcement.key:
            return announcement.bucket, announcement.key
        bucket, _, key = unquote(urlsplit(announcement.url).path.lstrip("/")).partition("/")
        return (bucket, key) if bucket and key else None

    async def _by_key(self, announcement: Announcement, bucket_name: str, key: str) -> bytes:
        if not _BUCKET_NAME.fullmatch(bucket_name):
            raise BadInputError(
                f"bucket: {bucket_name[:80]!r} is no bucket's name; accepted: 3 to 63 of A-Z a-z 0-9 . _ -",
                reason="not-found",
            )
        try:
            bucket = self._open_bucket(bucket_name)
            head = await bucket.head(key)
            if head is None:
                raise BadInputError(f"key: {bucket_name}/{key} does not exist", reason="not-found")
            self._check_size(head.size if announcement.size is None else announcement.size)
            if announcement.offset is not None and announcement.size is not None:
                return await bucket.get_range(key, announcement.offset, announcement.size)
            return await bucket.get(key)
        except (NoSuchObjectError, NoSuchBucketError) as error:
            raise BadInputError(f"key: {bucket_name}/{key} does not exist", reason="not-found") from error
        except StorageUnavailableError:
            raise
        except StorageError as error:
            if bucket_name == self._own.bucket:
                raise  # our own credentials are refused: no frame is to blame
            raise BadInputError(f"bucket: {error}", reason="fetch-refused") from error

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        """Read a body that may say nothing, or the wrong thing, about its length."""
        if answer.content_length is not None:
            self._check_size(answer.content_length)
            return await answer.read()
        pieces, size = [], 0
        async for piece in answer.content.iter_any():
            size += len(piece)
            self._check_size(size)
            pieces.append(piece)
        return b"".join(pieces)

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            raise BadInputError(
                f"body: {size} bytes or more; accepted: imageLimits.maxBytes, {self._max_bytes}",
                reason="too-large",
            )

    def _connections(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=CONNECTIONS, ttl_dns_cache=60)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=self._timeout, auto_decompress=False, requote_redirect_url=False
            )
        return self._session


def _cut(body: bytes, announcement: Announcement) -> bytes:
    """Return the announced range of a body that a server sent whole."""
    if announcement.offset is None or announcement.size is None:
        return body
    return body[announcement.offset : announcement.offset + announcement.size]


def _pem(settings: S3Settings) -> str | None:
    certificates = settings.certificate()
    return certificates.decode("ascii") if certificates else None


def _host(url: str) -> str:
    return urlsplit(url).netloc
