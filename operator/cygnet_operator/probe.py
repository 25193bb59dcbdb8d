"""Whether the bucket is well, as those say that use it: uploaders that are ready, or what holds them."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from cygnet.scaling import Status
from cygnet_operator.children import is_ready
from cygnet_operator.conditions import Part
from cygnet_operator.observed import Role
from cygnet_operator.reconcile.labels import METRICS_PORT, role_of

Json = dict[str, Any]
_SECONDS = 3.0
_REASONS = {"s3-denied": "StorageDenied", "s3": "StorageUnreachable"}
_WELL = Part(Status.TRUE, "StorageReady", "the uploader is ready")


async def storage(children: Mapping[tuple[str, str], Json], session: aiohttp.ClientSession) -> Part:
    """Return whether the bucket takes what it is given. The operator has no key to try it itself."""
    uploaders = [
        child
        for (kind, _), child in children.items()
        if kind == "Pod" and role_of(child["metadata"].get("labels", {})) is Role.UPLOADER
    ]
    if any(map(is_ready, uploaders)):
        return _WELL
    for pod in uploaders:
        address = pod.get("status", {}).get("podIP")
        if address:
            problems = await _problems(session, address)
            for kind, reason in _REASONS.items():
                if kind in problems:
                    return Part(Status.FALSE, reason, f"{pod['metadata']['name']}: {problems[kind]}")
    if not uploaders:
        return Part(Status.UNKNOWN, "NoUploader", "no uploader runs, and nobody else knows the bucket")
    return Part(
        Status.UNKNOWN, "UploaderNotReady", "no uploader is ready, and none says that the bucket is why"
    )


async def _problems(session: aiohttp.ClientSession, address: str) -> dict[str, str]:
    """Return what a pod says is missing; nothing where it does not answer."""
    host = f"[{address}]" if ":" in address else address
    try:
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        async with session.get(f"http://{host}:{METRICS_PORT}/readyz", timeout=timeout) as response:
            document = await response.json()
        return {str(name): str(why) for name, why in document["problems"].items()}
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError, AttributeError):
        return {}
