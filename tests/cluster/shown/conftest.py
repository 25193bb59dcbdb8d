"""One installation for the tests of a file, as a user makes it, on disks that outlive its pods."""

from collections.abc import Callable, Iterator

import pytest

from cluster.clusters import Cluster
from cluster.conftest import new_namespaces
from cluster.helm import helm_4
from cluster.installation import Installation, image_values
from cluster.volumes import SIZE, storage_class


@pytest.fixture(scope="module")
def installation(cluster: Cluster, images: Callable[[str], str]) -> Iterator[Installation]:
    """The chart with NATS and S3 of its own, and an empty namespace for Pipelines."""
    helm = helm_4(cluster.kubectl)
    with new_namespaces(cluster) as make:
        home, pipelines = make(), make()
        with storage_class(cluster, home, 2) as name:
            disk = {"persistence": {"size": SIZE, "storageClass": name}}
            installation = Installation(
                cluster=cluster,
                helm=helm,
                home=cluster.kubectl.within(home),
                pipelines=cluster.kubectl.within(pipelines),
                values={
                    "images": image_values(images),
                    "watchNamespaces": [pipelines, home],
                    "nats": disk,
                    "s3": {"enabled": True, **disk},
                },
            )
            try:
                installation.install()
                yield installation
            finally:
                cluster.kubectl.within(pipelines).run("delete", "pipelines", "--all", seconds=120)
                helm.clean()
                cluster.kubectl.run("delete", "namespace", home, "--wait=true", seconds=180)
