"""What a service is told by its environment: where NATS and S3 are, who it is, how long it may stop."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from cygnet.model.errors import BadInputError

DEFAULT_HTTP = "0.0.0.0:9090"
DEFAULT_GRACE_SECONDS = 30.0
LOG_LEVELS = ("debug", "info", "warning", "error")
_MAX_PORT = 65535


class SettingsError(BadInputError):
    """An environment variable is missing or wrong: one line that names it, its value and what is accepted."""

    def __init__(self, variable: str, value: str | None, accepted: str) -> None:
        found = "is not set" if value is None else f"is {value!r}"
        super().__init__(f"{variable} {found}; accepted: {accepted}", reason="bad-setting")
        self.variable = variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment of one service, checked. Secrets don't show in its repr."""

    nats_url: str
    """`nats://host:port` or `tls://host:port`, without credentials."""
    nats_user: str | None = None
    nats_password: str | None = field(default=None, repr=False)
    s3_endpoint: str
    """`http://host:port` or `https://host:port`."""
    s3_access_key_id: str
    s3_secret_access_key: str = field(repr=False)
    s3_region: str = "us-east-1"
    s3_ca_bundle: Path | None = None
    """Certificates that an `https` endpoint is checked against, beside the system's."""
    instance: str
    """Name of this process among its kind: the pod's name."""
    http_host: str = "0.0.0.0"  # noqa: S104 - probes and Prometheus come from outside of the pod
    http_port: int = 9090
    """0: a free one is taken."""
    http_file: Path | None = None
    """Where `host:port` is written once the server listens."""
    grace_seconds: float = DEFAULT_GRACE_SECONDS
    """Time between SIGTERM and the hard end."""
    log_level: str = "info"

    @classmethod
    def from_environment(
        cls,
        env: Mapping[str, str],
        *,
        nats_url: str | None = None,
        s3_endpoint: str | None = None,
        s3_region: str | None = None,
    ) -> Self:
        """Return the settings of `env`; the keyword arguments (the spec's) hold where a variable is not set.

        Raises SettingsError for the first variable that is missing or wrong.
        """
        url, user, password = _nats(env, nats_url)
        host, port = _http(env)
        level = env.get("CYGNET_LOG_LEVEL", "info")
        if level not in LOG_LEVELS:
            raise SettingsError("CYGNET_LOG_LEVEL", level, ", ".join(LOG_LEVELS))
        return cls(
            nats_url=url,
            nats_user=user,
            nats_password=password,
            s3_endpoint=_endpoint(env.get("AWS_ENDPOINT_URL") or s3_endpoint),
            s3_access_key_id=_needed(env, "AWS_ACCESS_KEY_ID", "an access key of the S3 endpoint"),
            s3_secret_access_key=_needed(env, "AWS_SECRET_ACCESS_KEY", "the secret of AWS_ACCESS_KEY_ID"),
            s3_region=env.get("AWS_REGION") or s3_region or "us-east-1",
            s3_ca_bundle=_file(env, "AWS_CA_BUNDLE"),
            instance=env.get("CYGNET_INSTANCE") or f"{socket.gethostname()}-{os.getpid()}",
            http_host=host,
            http_port=port,
            http_file=Path(env["CYGNET_HTTP_FILE"]) if env.get("CYGNET_HTTP_FILE") else None,
            grace_seconds=_seconds(env, "CYGNET_GRACE_SECONDS", DEFAULT_GRACE_SECONDS),
            log_level=level,
        )


def _needed(env: Mapping[str, str], variable: str, accepted: str) -> str:
    value = env.get(variable)
    if not value:
        raise SettingsError(variable, value, accepted)
    return value


def _nats(env: Mapping[str, str], fallback: str | None) -> tuple[str, str | None, str | None]:
    accepted = "nats://[user:password@]host:port or tls://…"
    value = env.get("NATS_URL") or fallback
    if not value:
        raise SettingsError("NATS_URL", env.get("NATS_URL"), accepted)
    try:
        parts = urlsplit(value)
        port = parts.port or 4222
    except ValueError:
        raise SettingsError("NATS_URL", without_password(value), accepted) from None
    if parts.scheme not in ("nats", "tls") or not parts.hostname or parts.path.strip("/"):
        raise SettingsError("NATS_URL", without_password(value), accepted)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    user = env.get("CYGNET_NATS_USER") or (unquote(parts.username) if parts.username else None)
    password = env.get("CYGNET_NATS_PASSWORD") or (unquote(parts.password) if parts.password else None)
    if user and password is None:
        raise SettingsError("CYGNET_NATS_PASSWORD", None, f"the password of NATS user {user!r}")
    if password and user is None:
        raise SettingsError("CYGNET_NATS_USER", None, "the name that CYGNET_NATS_PASSWORD belongs to")
    return f"{parts.scheme}://{host}:{port}", user, password


def with_credentials(url: str, user: str | None, password: str | None) -> str:
    """Return `url` as a client of one variable needs it: with user and password inside."""
    if user is None:
        return url
    scheme, rest = url.split("://", 1)
    return f"{scheme}://{quote(user, safe='')}:{quote(password or '', safe='')}@{rest}"


def without_password(url: str) -> str:
    """Return `url` fit for a log line."""
    scheme, separator, rest = url.partition("://")
    credentials, at, host = rest.rpartition("@")
    return f"{scheme}{separator}{credentials.split(':')[0]}:***@{host}" if at else url


def _endpoint(value: str | None) -> str:
    accepted = "http://host:port or https://host:port"
    if not value:
        raise SettingsError("AWS_ENDPOINT_URL", value, accepted)
    try:
        parts = urlsplit(value)
        port = 443 if parts.port is None else parts.port
    except ValueError:
        raise SettingsError("AWS_ENDPOINT_URL", without_password(value), accepted) from None
    legal = parts.scheme in ("http", "https") and parts.hostname and port > 0
    if not legal or parts.path.strip("/") or parts.query or parts.username:
        raise SettingsError("AWS_ENDPOINT_URL", without_password(value), accepted)
    return value.rstrip("/")


def _file(env: Mapping[str, str], variable: str) -> Path | None:
    value = env.get(variable)
    if not value:
        return None
    if not Path(value).is_file():
        raise SettingsError(variable, value, "a file with PEM certificates")
    return Path(value)


def _http(env: Mapping[str, str]) -> tuple[str, int]:
    value = env.get("CYGNET_HTTP") or DEFAULT_HTTP
    host, _, port = value.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > _MAX_PORT:
        raise SettingsError("CYGNET_HTTP", value, "host:port; port 0 takes a free one")
    return host.strip("[]"), int(port)


def _seconds(env: Mapping[str, str], variable: str, default: float) -> float:
    value = env.get(variable)
    if not value:
        return default
    try:
        seconds = float(value)
    except ValueError:
        seconds = float("nan")
    if not 0 < seconds <= 3600:  # NaN fails too
        raise SettingsError(variable, value, "seconds, above 0, at most 3600")
    return seconds
