"""Ranged reads of S3 objects over pooled connections.

Not obstore's: it insists on status 206, and `rclone serve s3` answers a range with 200 and a
correct Content-Range. What counts here is that header, and that exactly the asked bytes came.
"""

import os
from typing import Any

import urllib3

from cygnet.storage.errors import StorageError, StorageUnavailableError, refused
from cygnet.storage.settings import S3Settings

_RETRIES = 2
_RETRY_STATUS = (429, 500, 502, 503, 504)


class RangeClient:
    """GET with a Range header on presigned URLs; thread-safe, usable again after a fork."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        certificate = settings.certificate()
        trust: dict[str, Any] = {"ca_cert_data": certificate.decode("ascii")} if certificate else {}
        self._pool = urllib3.PoolManager(
            maxsize=32,
            timeout=urllib3.Timeout(connect=settings.connect_seconds, read=settings.stall_seconds),
            retries=urllib3.Retry(
                total=_RETRIES,
                read=1,
                redirect=0,
                backoff_factor=0.1,
                status_forcelist=_RETRY_STATUS,
                raise_on_status=False,
                respect_retry_after_header=False,
            ),
            **trust,
        )
        self._pid = os.getpid()

    def get(self, url: str, key: str, offset: int, size: int) -> bytes:
        """Return `size` > 0 bytes from `offset`; fewer when the object ends before.

        Raises the errors of `cygnet.storage.errors`.
        """
        if os.getpid() != self._pid:  # a child shares its parent's sockets: never write to them
            self._pool.clear()
            self._pid = os.getpid()
        place = self._settings.place
        try:
            answer = self._pool.request(
                "GET",
                url,
                headers={"Range": f"bytes={offset}-{offset + size - 1}", "Accept-Encoding": "identity"},
            )
        except urllib3.exceptions.HTTPError as error:
            raise StorageUnavailableError(f"{place} does not answer: {_reason(error)}") from error
        if answer.status not in (200, 206):
            text = answer.data.decode("utf-8", "replace")
            if answer.status == 416:
                raise StorageError(f"{place}: {key!r} ends before byte {offset}")
            raise refused(place, answer.status, text, key=key)
        said = answer.headers.get("Content-Range", "")
        if not said.startswith(f"bytes {offset}-"):
            raise StorageError(
                f"{place}: a range of {key!r} was asked and not given (Content-Range {said!r})"
            )
        return answer.data


def _reason(error: urllib3.exceptions.HTTPError) -> str:
    cause = getattr(error, "reason", None) or error
    return f"{type(cause).__name__}: {cause}".partition("\n")[0][:300]
