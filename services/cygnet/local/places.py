"""Which servers `cygnet up` starts itself, and where each pipeline's NATS and bucket are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from cygnet.local.errors import LocalError
from cygnet.local.folder import Place
from cygnet.local.nats_server import NatsServer
from cygnet.local.s3_server import S3Server
from cygnet.model.errors import BadInputError
from cygnet.spec.local import LocalNats, LocalS3, NatsUser, S3User
from cygnet.spec.pipeline import Pipeline
from cygnet.storage.settings import S3Settings

T = TypeVar("T")
User = TypeVar("User", NatsUser, S3User)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Servers that the user brings along; empty: the spec's, else embedded ones."""

    nats_url: str = ""
    nats_user: str | None = None
    nats_password: str | None = None
    s3_endpoint: str = ""
    s3_access_key_id: str = ""
    s3_secret_access_key: str = ""
    s3_region: str = ""
    s3_ca_bundle: str | None = None

    @classmethod
    def from_environment(cls, env: Mapping[str, str], nats: str | None, s3: str | None) -> "Given":
        """Return what `--nats` and `--s3` say, with users and keys from the usual variables.

        Raises BadInputError for an address that is none.
        """
        if s3 is not None and not s3.startswith(("http://", "https://")):
            raise BadInputError(
                f"--s3: {s3!r} is not an address; accepted: http://HOST[:PORT] or https://HOST[:PORT]"
            )
        return cls(
            nats_url=nats or "",
            nats_user=env.get("CYGNET_NATS_USER") or None,
            nats_password=env.get("CYGNET_NATS_PASSWORD") or None,
            s3_endpoint=s3 or "",
            s3_access_key_id=env.get("AWS_ACCESS_KEY_ID", ""),
            s3_secret_access_key=env.get("AWS_SECRET_ACCESS_KEY", ""),
            s3_region=env.get("AWS_REGION", ""),
            s3_ca_bundle=env.get("AWS_CA_BUNDLE") or None,
        )


def needs_nats(pipelines: Iterable[Pipeline], given: Given) -> bool:
    """Whether a NATS server has to be started."""
    return not given.nats_url and any(pipeline.spec.nats.url is None for pipeline in pipelines)


def needs_s3(pipelines: Iterable[Pipeline], given: Given) -> bool:
    """Whether an S3 endpoint has to be started."""
    return not given.s3_endpoint and any(pipeline.spec.storage.endpoint is None for pipeline in pipelines)


def wished_nats(pipelines: Sequence[Pipeline]) -> LocalNats:
    """Return the one server that all pipelines share: an address, and the users of all."""
    servers = [pipeline.spec.local.nats for pipeline in pipelines]
    users = _distinct("local.nats.users", [(user.user, user) for server in servers for user in server.users])
    listen = _only("local.nats.listen", LocalNats().listen, [server.listen for server in servers])
    return LocalNats.model_construct(listen=listen, users=list(users.values()))


def wished_s3(pipelines: Sequence[Pipeline]) -> LocalS3:
    """Return the one endpoint that all pipelines share: an address, and the users of all."""
    servers = [pipeline.spec.local.s3 for pipeline in pipelines]
    users = _distinct(
        "local.s3.users", [(user.access_key_id, user) for server in servers for user in server.users]
    )
    listen = _only("local.s3.listen", LocalS3().listen, [server.listen for server in servers])
    return LocalS3.model_construct(
        listen=listen,
        users=list(users.values()),
        host=_only("local.s3.host", None, [server.host for server in servers]),
        tls=_only("local.s3.tls", None, [server.tls for server in servers]),
    )


def _only(field: str, default: T, wishes: Iterable[T]) -> T:
    """Return what those pipelines wish for that wish for anything but the default."""
    different = {str(wish): wish for wish in wishes if wish != default}
    if len(different) > 1:
        raise LocalError(
            f"{field}: the pipelines wish for {' and '.join(sorted(different))}; accepted: the same for all,"
            " for they share a server"
        )
    return next(iter(different.values()), default)


def _distinct(field: str, users: Iterable[tuple[str, User]]) -> dict[str, User]:
    """Return the users by name; two pipelines may name the same one, with the same secret."""
    known: dict[str, User] = {}
    for name, user in users:
        if known.setdefault(name, user) != user:
            raise LocalError(
                f"{field}: the pipelines give {name!r} different secrets; accepted: the same one, or another"
                " name"
            )
    return known


def place_of(
    pipeline: Pipeline, spec: Path, given: Given, nats: NatsServer | None, s3: S3Server | None
) -> Place:
    """Return where a pipeline's NATS and bucket are, with the keys to them. Raises LocalError."""
    name, storage = pipeline.metadata.name, pipeline.spec.storage
    nats_url, nats_user, nats_password = _nats(pipeline, given, nats)
    endpoint = given.s3_endpoint or storage.endpoint or (s3.url if s3 else "")
    ca_bundle, public = given.s3_ca_bundle if endpoint.startswith("https") else None, None
    if s3 and endpoint == s3.url:
        key, secret = s3.access_key_id, s3.secret_access_key
        ca_bundle, public = s3.ca_bundle, s3.public_url
    elif given.s3_access_key_id and given.s3_secret_access_key:
        key, secret = given.s3_access_key_id, given.s3_secret_access_key
    else:
        raise LocalError(f"{name}: {endpoint} needs keys; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    return Place(
        namespace=pipeline.metadata.namespace,
        bucket=pipeline.spec.uploader.bucket,
        prefix=pipeline.prefix,
        spec=str(spec),
        nats_url=nats_url,
        nats_user=nats_user,
        nats_password=nats_password,
        s3_endpoint=endpoint,
        s3_access_key_id=key,
        s3_secret_access_key=secret,
        s3_region=given.s3_region or storage.region,
        s3_ca_bundle=ca_bundle,
        s3_public_endpoint=public,
        s3_embedded=s3 is not None and endpoint == s3.url,
    )


def _nats(pipeline: Pipeline, given: Given, server: NatsServer | None) -> tuple[str, str | None, str | None]:
    if server and not given.nats_url and pipeline.spec.nats.url is None:
        return server.url, server.user, server.password
    url = given.nats_url or pipeline.spec.nats.url or ""
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("nats", "tls") or not parts.hostname:
            raise ValueError("no host")
    except ValueError as error:
        raise LocalError("--nats: not a NATS address; accepted: nats://[user:password@]host:port") from error
    if parts.username:
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}", unquote(parts.username), unquote(parts.password or "")
    return url, given.nats_user, given.nats_password


def environment(place: Place) -> dict[str, str]:
    """Return what a service is told of its place; what `cygnet up` itself was told does not shine through."""
    return {
        "NATS_URL": place.nats_url,
        "CYGNET_NATS_USER": place.nats_user or "",
        "CYGNET_NATS_PASSWORD": place.nats_password or "",
        "AWS_ENDPOINT_URL": place.s3_endpoint,
        "AWS_ENDPOINT_URL_S3": "",
        "AWS_ACCESS_KEY_ID": place.s3_access_key_id,
        "AWS_SECRET_ACCESS_KEY": place.s3_secret_access_key,
        "AWS_SESSION_TOKEN": "",
        "AWS_REGION": place.s3_region,
        "AWS_CA_BUNDLE": place.s3_ca_bundle or "",
        "CYGNET_S3_PUBLIC_ENDPOINT": place.s3_public_endpoint or "",
    }


def s3_settings(place: Place) -> S3Settings:
    """Return how a place's bucket is opened over S3."""
    return S3Settings(
        endpoint=place.s3_endpoint,
        bucket=place.bucket,
        access_key_id=place.s3_access_key_id,
        secret_access_key=place.s3_secret_access_key,
        region=place.s3_region,
        ca_bundle=place.s3_ca_bundle,
        public_endpoint=place.s3_public_endpoint,
    )
