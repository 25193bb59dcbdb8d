"""Asked by the chart before an uninstall: whether Pipelines would lose what they live on.

Runs as `python -m cygnet_operator.uninstalling` with the operator's environment and account.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence

from cygnet.runtime.variables import SettingsError
from cygnet_operator.kinds import PIPELINE
from cygnet_operator.kube import Json, Kube, KubeError, NotFoundError, login
from cygnet_operator.settings import Settings

OWN_NATS, CRD_GOES = "CYGNET_OWN_NATS", "CYGNET_CRD_GOES"
_SHOWN = 10


def on_nats(pipelines: Sequence[Json], url: str) -> list[str]:
    """Return, as namespace/name, the Pipelines that live on the NATS at `url`, the installation's own."""
    return [
        _name(pipeline)
        for pipeline in pipelines
        if pipeline.get("spec", {}).get("nats", {}).get("url") in (None, "", url)
    ]


def refusal(pipelines: Sequence[Json], settings: Settings, env: Mapping[str, str]) -> str:
    """Return why the release should not go, empty where it may."""
    reasons = []
    if env.get(OWN_NATS) == "true" and (held := on_nats(pipelines, settings.nats_url)):
        reasons.append(f"on its NATS, which goes with it, live {_some(held)}")
    if env.get(CRD_GOES) == "true" and pipelines:
        reasons.append(
            f"the CRD goes with it (crds.keep=false), and so do {_some([_name(each) for each in pipelines])}"
        )
    if not reasons:
        return ""
    namespace, release = settings.installation.split("/")
    return (
        f"release {release} stays: {'; and '.join(reasons)}.\n"
        "Drain and delete them, or give them a NATS of their own by spec.nats.url. To let the release go all"
        f" the same:\n  helm upgrade {release} CHART --namespace {namespace} --reuse-values"
        f" --set uninstall.force=true\n  helm uninstall {release} --namespace {namespace}"
    )


async def _pipelines(namespaces: Sequence[str]) -> list[Json]:
    access = login()
    if access is None:
        raise KubeError("login", 0, "NoCredentials", "neither a pod's account nor KUBECONFIG")
    found: list[Json] = []
    async with Kube(access) as kube:
        for namespace in namespaces or (None,):
            try:
                found += (await kube.list(PIPELINE, namespace))[0]
            except NotFoundError:  # no CRD, no Pipelines
                continue
    return found


def main(env: Mapping[str, str] = os.environ) -> int:
    """Say why the release should not go, and return 1; return 0 where it may."""
    try:
        settings = Settings.from_environment(env)
        reason = refusal(asyncio.run(_pipelines(settings.namespaces)), settings, env)
    except (SettingsError, KubeError) as error:
        reason = f"whether Pipelines live on this release is not known: {error}"
    print(reason or "no Pipeline is in the way", file=sys.stderr if reason else sys.stdout)
    return 1 if reason else 0


def _name(pipeline: Json) -> str:
    metadata = pipeline["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    noun = "Pipeline" if len(names) == 1 else "Pipelines"
    return f"{len(names)} {noun}: {', '.join(sorted(names)[:_SHOWN])}{more}"


if __name__ == "__main__":
    sys.exit(main())
