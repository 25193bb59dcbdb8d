"""What the notebooks do with a message: unpack it, and download what it points at."""

import os
from typing import Any, Protocol

import urllib3
from PIL import Image

from cygnet.imaging import DecodeLimits, decode
from cygnet.model.errors import BadInputError, CygnetError
from cygnet.transport.codec import decode_announcement

_LIMITS = DecodeLimits(max_bytes=64 << 20, max_pixels=64 << 20)
_OK = 200
_TIMES = urllib3.Timeout(connect=5, read=10)
_AGAIN = urllib3.Retry(
    total=2, redirect=0, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504), raise_on_status=False
)


class Message(Protocol):
    """What pynats gives a callback."""

    payload: bytes


class DownloadError(CygnetError):
    """An image could not be had from its URL."""


def unpack_payload(msg: Message | bytes) -> tuple[str, str]:
    """Return (time, url) of a message (2023), or of its payload (2024), as the announcer wrote them.

    BadInputError, a ValueError, says what is wrong with a payload; in the notebooks: UnicodeDecodeError,
    JSONDecodeError or KeyError.
    """
    announcement = decode_announcement(msg if isinstance(msg, bytes) else msg.payload)
    return announcement.time, announcement.url


def download_image(url: str) -> Image.Image:
    """Return the gray image, PIL mode L (or I;16), that a presigned URL gives.

    Different: certificates are checked, against AWS_CA_BUNDLE if it is set (`cygnet env` sets it), where the
    notebooks check none; it gives up after 10 s without a byte, tries again when the server is in trouble,
    and opens nothing but an image of at most 64 MiB. DownloadError for an answer other than 200 (2023: the
    error document went to PIL), BadInputError for what is no gray image.
    """
    with urllib3.PoolManager(timeout=_TIMES, retries=_AGAIN, **_trust()) as pool:
        try:
            answer = pool.request("GET", url, preload_content=False)
            with answer:
                if answer.status != _OK:
                    raise DownloadError(f"{_shown(url)} answered {answer.status}")
                body = answer.read(_LIMITS.max_bytes + 1)
        except urllib3.exceptions.HTTPError as error:
            raise DownloadError(f"{_shown(url)}: {error}") from error
    if len(body) > _LIMITS.max_bytes:
        raise BadInputError(f"{_shown(url)}: accepted: {_LIMITS.max_bytes} bytes", reason="too-large")
    return Image.fromarray(decode(body, limits=_LIMITS))


def _trust() -> dict[str, Any]:
    bundle = os.environ.get("AWS_CA_BUNDLE")
    return {"ca_certs": bundle} if bundle else {}


def _shown(url: str) -> str:
    """Return a URL without its signature, which opens the object for whoever reads it."""
    return url.partition("?")[0]
