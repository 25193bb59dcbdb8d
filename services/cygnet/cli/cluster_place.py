"""Where the NATS and the bucket of a Pipeline on a cluster are for whoever sits outside of it."""

import os
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from cygnet.cli.cluster import ClusterError
from cygnet.local.folder import Place
from cygnet.spec.pipeline import Pipeline

FORWARD = (
    "kubectl -n NAMESPACE-OF-THE-OPERATOR port-forward svc/RELEASE-nats 4222:4222, then"
    " export NATS_URL=nats://USER:PASSWORD@127.0.0.1:4222"
)


def place_on_cluster(pipeline: Pipeline, environment: Mapping[str, str] | None = None) -> Place:
    """Return a Pipeline's place, by the variables that services read too and then by its spec.

    The keys of the bucket may be absent: most commands don't need it. Raises ClusterError.
    """
    env = os.environ if environment is None else environment
    spec = pipeline.spec
    url = env.get("NATS_URL") or spec.nats.url
    if not url:
        raise ClusterError(
            f"pipeline {pipeline.metadata.name} is on the installation's NATS, and NATS_URL does not say how"
            f" that is reached from here; for the chart's own: {FORWARD}"
        )
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        if parts.scheme not in ("nats", "tls") or not parts.hostname:
            raise ValueError("no host")
    except ValueError as error:
        raise ClusterError("NATS_URL: accepted: nats://[user:password@]host:port") from error
    user, password = (unquote(part) if part else None for part in (parts.username, parts.password))
    return Place(
        namespace=pipeline.metadata.namespace,
        bucket=spec.uploader.bucket,
        prefix=pipeline.prefix,
        spec="",
        nats_url=f"{parts.scheme}://{host}",
        nats_user=user or env.get("CYGNET_NATS_USER") or None,
        nats_password=password or env.get("CYGNET_NATS_PASSWORD") or None,
        s3_endpoint=env.get("AWS_ENDPOINT_URL_S3")
        or env.get("AWS_ENDPOINT_URL")
        or spec.storage.endpoint
        or "",
        s3_access_key_id=env.get("AWS_ACCESS_KEY_ID") or "",
        s3_secret_access_key=env.get("AWS_SECRET_ACCESS_KEY") or "",
        s3_region=env.get("AWS_REGION") or spec.storage.region,
        s3_ca_bundle=env.get("AWS_CA_BUNDLE") or None,
    )


def check_bucket(place: Place) -> None:
    """Raise ClusterError when the keys to a place's bucket are not given."""
    if not (place.s3_endpoint and place.s3_access_key_id and place.s3_secret_access_key):
        raise ClusterError(
            f"the bucket {place.bucket} is needed for this; set AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY to how it is reached from here"
        )
