"""Where a bucket is and with which keys it is opened."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cygnet.model.errors import BadInputError

_AMBIENT = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    """One bucket of one S3 endpoint; path-style addresses.

    `access_key_id` empty: the credentials of the pod's or machine's role. `public_endpoint`: the
    address under which others reach the same storage; presigned URLs are signed for it.
    `stall_seconds`: a request without a byte for this long counts as an outage.
    """

    endpoint: str
    bucket: str
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    region: str = "us-east-1"
    ca_bundle: str | None = None
    public_endpoint: str | None = None
    connect_seconds: float = 2.0
    stall_seconds: float = 5.0
    request_seconds: float = 60.0

    def __post_init__(self) -> None:
        for name in ("endpoint", "public_endpoint"):
            value = getattr(self, name)
            if value is None:
                continue
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise BadInputError(
                    f"{name}: {value!r} is not an address; accepted: http://HOST[:PORT] or https://HOST[:PORT]",
                    reason="bad-endpoint",
                )
            object.__setattr__(self, name, value.rstrip("/"))
        if not self.bucket or "/" in self.bucket:
            raise BadInputError(f"bucket: {self.bucket!r} is not a bucket's name", reason="bad-bucket")

    @property
    def place(self) -> str:
        """Endpoint, bucket and access key id, for messages; never a secret."""
        who = self.access_key_id or "of this role"
        return f"S3 {self.endpoint} bucket {self.bucket!r} (access key id {who})"

    def certificate(self) -> bytes | None:
        """Return the extra root certificates (PEM), or None."""
        if self.ca_bundle is None:
            return None
        try:
            return Path(self.ca_bundle).read_bytes()
        except OSError as error:
            raise BadInputError(
                f"ca_bundle: {self.ca_bundle!r} cannot be read: {error}", reason="bad-ca-bundle"
            ) from error


def settings_from_environment(
    bucket: str, *, endpoint: str | None = None, environment: Mapping[str, str] | None = None
) -> S3Settings:
    """Return the settings that the usual AWS variables give: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, ….

    Raises BadInputError when there are no keys and no role.
    """
    env = os.environ if environment is None else environment
    region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or "us-east-1"
    key, secret = env.get("AWS_ACCESS_KEY_ID", ""), env.get("AWS_SECRET_ACCESS_KEY", "")
    if not (key and secret) and not any(env.get(name) for name in _AMBIENT):
        missing = "AWS_ACCESS_KEY_ID" if not key else "AWS_SECRET_ACCESS_KEY"
        raise BadInputError(
            f"{missing} is not set: the bucket {bucket!r} needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            reason="no-keys",
        )
    return S3Settings(
        endpoint=endpoint
        or env.get("AWS_ENDPOINT_URL_S3")
        or env.get("AWS_ENDPOINT_URL")
        or f"https://s3.{region}.amazonaws.com",
        bucket=bucket,
        access_key_id=key,
        secret_access_key=secret,
        session_token=env.get("AWS_SESSION_TOKEN", ""),
        region=region,
        ca_bundle=env.get("AWS_CA_BUNDLE") or None,
    )
