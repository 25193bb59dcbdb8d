"""Which URLs of announcements may be fetched at all: scheme, host and port on a list."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from cygnet.model.errors import BadInputError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]")
Origin = tuple[str, str, int]


def origin_of(url: str, field: str = "url") -> Origin:
    """Return (scheme, host, port) of a URL; raise BadInputError for what is no http URL."""
    if _AMBIGUOUS.search(url):
        raise BadInputError(
            f"{field}: {url[:200]!r}: blanks, control characters and backslashes are read differently by"
            " different programs; accepted: a URL without them",
            reason="bad-url",
        )
    try:
        parts = urlsplit(url)
        port = _DEFAULT_PORTS.get(parts.scheme, 0) if parts.port is None else parts.port
    except ValueError as error:
        raise BadInputError(f"{field}: {url[:200]!r}: {error}", reason="bad-url") from error
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise BadInputError(
            f"{field}: {url[:200]!r}; accepted: http:// or https:// and a host", reason="bad-url"
        )
    if parts.username is not None:
        raise BadInputError(f"{field}: a URL with a user name is not fetched", reason="bad-url")
    return parts.scheme, parts.hostname.lower(), port


class AllowList:
    """The origins that may be fetched: the pipeline's own S3 and those that the spec names."""

    def __init__(self, own: Iterable[str], more: Iterable[str] = ()) -> None:
        self._own = {origin_of(each, "endpoint") for each in own}
        self._origins = {*self._own, *(origin_of(each, "urlAllowList") for each in more)}

    def is_own(self, origin: Origin) -> bool:
        """Whether this is the pipeline's own S3, under any of its addresses."""
        return origin in self._own

    def check(self, url: str) -> Origin:
        """Return the origin of a URL that may be fetched; raise BadInputError for another."""
        origin = origin_of(url)
        if origin not in self._origins:
            accepted = ", ".join(sorted("{}://{}:{}".format(*each) for each in self._origins))
            raise BadInputError(
                "url: {}://{}:{} is not on the allow-list; accepted: {}".format(*origin, accepted),
                reason="url-not-allowed",
            )
        return origin
