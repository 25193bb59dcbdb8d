"""The port through which everything sees a bucket: S3 itself, or the folder that a run left."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Body = Any  # bytes, bytearray, memoryview, numpy array of bytes, or a list of these


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of one object without reading it. Metadata is never trusted for a decision."""

    size: int
    etag: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One object in a listing; `modified` in UTC ns."""

    key: str
    size: int
    modified_ns: int


class Reader(Protocol):
    """The blocking face, for notebooks: usable with and without a running event loop."""

    @property
    def place(self) -> str:
        """Where this is, for messages."""

    def get(self, key: str) -> bytes:
        """Return an object. Raises NoSuchObjectError."""

    def size(self, key: str) -> int | None:
        """Return an object's size in bytes, or None when there is none."""

    def head(self, key: str) -> Head | None:
        """Return what is known of the object, or None when there is none; a folder knows no content type."""

    def get_range(self, key: str, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset` by one request, fewer where the object ends."""

    def list(self, prefix: str) -> Sequence[Listed]:
        """Return all objects in the folder `prefix` (whole path segments; empty: all), sorted."""

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the names of the folders directly in the folder `prefix`, sorted."""


class Bucket(Protocol):
    """The async face, for services. Every method raises the errors of `cygnet.storage.errors`."""

    @property
    def reader(self) -> Reader:
        """The blocking face of the same bucket."""

    @property
    def place(self) -> str:
        """Where this is, for messages."""

    async def put(
        self,
        key: str,
        body: Body,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        only_if_absent: bool = False,
    ) -> bool:
        """Store an object by one request, whole or not at all.

        Returns False when `only_if_absent` and the key exists. Not every S3 honours the condition
        (rclone overwrites): True does not prove that nothing was there.
        """

    async def get(self, key: str) -> bytes:
        """Return an object. Raises NoSuchObjectError."""

    async def get_range(self, key: str, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`, fewer where the object ends."""

    async def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> Sequence[memoryview]:
        """Return the bytes of each (offset, size); near ranges share a request."""

    async def head(self, key: str) -> Head | None:
        """Return what is known of the object, or None when there is none."""

    def list(self, prefix: str) -> AsyncIterator[Listed]:
        """Yield all objects in the folder `prefix` (whole path segments; empty: all), page by page."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; keys that do not exist are deleted already."""

    def sign_get(self, key: str, expires_seconds: int = 3600) -> str:
        """Return a URL that anyone may GET; signed for the public endpoint if there is one."""

    def sign_many(self, keys: Sequence[str], expires_seconds: int = 3600) -> Sequence[str]:
        """Return one URL for each key."""
