"""Environment variables that services and operator share, and the error about one that is wrong."""

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from cygnet.model.errors import BadInputError
from cygnet.transport.connection import without_password

DEFAULT_HTTP = "0.0.0.0:9090"
LOG_LEVELS = ("debug", "info", "warning", "error")
_MAX_PORT = 65535


class SettingsError(BadInputError):
    """An environment variable is missing or wrong: one line that names it, its value and what is accepted."""

    def __init__(self, variable: str, value: str | None, accepted: str) -> None:
        found = "is not set" if value is None else f"is {value!r}"
        super().__init__(f"{variable} {found}; accepted: {accepted}", reason="bad-setting")
        self.variable = variable


def log_level(env: Mapping[str, str]) -> str:
    """Return CYGNET_LOG_LEVEL; raise SettingsError if there is no such level."""
    level = env.get("CYGNET_LOG_LEVEL") or "info"
    if level not in LOG_LEVELS:
        raise SettingsError("CYGNET_LOG_LEVEL", level, ", ".join(LOG_LEVELS))
    return level


def http_address(env: Mapping[str, str]) -> tuple[str, int]:
    """Return host and port of CYGNET_HTTP; raise SettingsError if it is no address."""
    value = env.get("CYGNET_HTTP") or DEFAULT_HTTP
    host, _, port = value.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > _MAX_PORT:
        raise SettingsError("CYGNET_HTTP", value, "host:port; port 0 takes a free one")
    return host.strip("[]"), int(port)


def check_nats_url(variable: str, value: str | None) -> str:
    """Return one or several addresses of NATS; raise SettingsError if one is none."""
    accepted = "nats://[user:password@]host:port or tls://…, several separated by commas"
    if not value:
        raise SettingsError(variable, value, accepted)
    for each in value.split(","):
        parts = _parts(each.strip())
        if parts is None or parts.scheme not in ("nats", "tls") or not parts.hostname or parts.port == 0:
            raise SettingsError(variable, without_password(value), accepted)
    return value


def check_endpoint(variable: str, value: str | None) -> None:
    """Raise SettingsError if an S3 endpoint is given and is none."""
    if not value:
        return
    parts = _parts(value)
    legal = parts and parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    if not parts or not legal or parts.path.strip("/") or parts.query or parts.username:
        raise SettingsError(variable, without_password(value), "http://host:port or https://…")


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts
