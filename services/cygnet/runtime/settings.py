"""What a service is told by its environment: where NATS and S3 are, who it is, how long it may stop."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from cygnet.runtime.variables import SettingsError, check_endpoint, check_nats_url, http_address, log_level
from cygnet.storage.settings import S3Settings, settings_from_environment

__all__ = ["DEFAULT_GRACE_SECONDS", "Settings", "SettingsError"]

DEFAULT_GRACE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment of one service, checked. Secrets don't show in its repr."""

    nats_url: str = field(repr=False)
    """One or more `nats://[user:password@]host:port`, separated by commas."""
    nats_user: str | None = None
    nats_password: str | None = field(default=None, repr=False)
    s3: S3Settings
    """The pipeline's bucket."""
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
        bucket: str,
        nats_url: str | None = None,
        s3_endpoint: str | None = None,
        s3_region: str | None = None,
    ) -> Self:
        """Return the settings of `env`; the keyword arguments (the spec's) hold where a variable is not set.

        Raises BadInputError for the first variable that is missing or wrong.
        """
        host, port = http_address(env)
        level = log_level(env)
        user, password = env.get("CYGNET_NATS_USER") or None, env.get("CYGNET_NATS_PASSWORD") or None
        if user and not password:
            raise SettingsError("CYGNET_NATS_PASSWORD", None, f"the password of NATS user {user!r}")
        if password and not user:
            raise SettingsError("CYGNET_NATS_USER", None, "the name that CYGNET_NATS_PASSWORD belongs to")
        return cls(
            nats_url=check_nats_url("NATS_URL", env.get("NATS_URL") or nats_url),
            nats_user=user,
            nats_password=password,
            s3=_s3(env, bucket, s3_endpoint, s3_region),
            instance=env.get("CYGNET_INSTANCE") or f"{socket.gethostname()}-{os.getpid()}",
            http_host=host,
            http_port=port,
            http_file=Path(env["CYGNET_HTTP_FILE"]) if env.get("CYGNET_HTTP_FILE") else None,
            grace_seconds=_seconds(env, "CYGNET_GRACE_SECONDS", DEFAULT_GRACE_SECONDS),
            log_level=level,
        )


def _s3(env: Mapping[str, str], bucket: str, endpoint: str | None, region: str | None) -> S3Settings:
    ambient = dict(env)
    if region and not env.get("AWS_REGION"):
        ambient["AWS_REGION"] = region
    for variable in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "CYGNET_S3_PUBLIC_ENDPOINT"):
        check_endpoint(variable, env.get(variable))
    if env.get("AWS_CA_BUNDLE") and not Path(env["AWS_CA_BUNDLE"]).is_file():
        raise SettingsError("AWS_CA_BUNDLE", env["AWS_CA_BUNDLE"], "a file with PEM certificates")
    given = env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL") or endpoint
    settings = settings_from_environment(bucket, endpoint=given, environment=ambient)
    return replace(settings, public_endpoint=env.get("CYGNET_S3_PUBLIC_ENDPOINT") or None)


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
