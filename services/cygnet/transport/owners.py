"""Whose the streams on a server are: what each pipeline's bucket of values carries about its owner."""

from dataclasses import dataclass

from nats.aio.client import Client as NatsClient

from cygnet.transport.api import api

INSTALLATION, NAMESPACE, PIPELINE, UID, POLICY = (
    f"cygnet.dev/{word}" for word in ("installation", "namespace", "pipeline", "uid", "deletion-policy")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The Pipeline that streams were made for."""

    installation: str
    namespace: str
    pipeline: str
    uid: str
    deletion_policy: str


def owner_metadata(owner: Owner) -> dict[str, str]:
    """Return what streams and bucket carry, so that a sweep takes only what is its own."""
    return {
        INSTALLATION: owner.installation,
        NAMESPACE: owner.namespace,
        PIPELINE: owner.pipeline,
        UID: owner.uid,
        POLICY: owner.deletion_policy,
    }


async def owners(nc: NatsClient) -> list[Owner]:
    """Return the owners of all buckets of values: a pipeline's bucket is the last thing that is deleted."""
    found: list[Owner] = []
    offset = 0
    while True:
        answer = await api(nc, "STREAM.LIST", {"offset": offset, "subject": "$KV.>"})
        page = answer.get("streams") or []
        offset += len(page)
        for stream in page:
            metadata = stream["config"].get("metadata") or {}
            if all(name in metadata for name in (INSTALLATION, NAMESPACE, PIPELINE, UID, POLICY)):
                found.append(
                    Owner(
                        installation=metadata[INSTALLATION],
                        namespace=metadata[NAMESPACE],
                        pipeline=metadata[PIPELINE],
                        uid=metadata[UID],
                        deletion_policy=metadata[POLICY],
                    )
                )
        if not page or offset >= int(answer.get("total", 0)):
            return found
