"""Disks for pods that outlive them: `local` PersistentVolumes where the rig has no provisioner."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.clusters import Cluster, RigCluster

SIZE = "2Gi"


@contextmanager
def storage_class(cluster: Cluster, name: str, volumes: int) -> Iterator[str]:
    """Give the name of a storage class with this many volumes; where there are others `""`, the default."""
    if not isinstance(cluster, RigCluster):
        yield ""
        return
    folder = cluster.kubectl.kubeconfig.parents[1] / "volumes" / name
    folders = [folder / str(number) for number in range(volumes)]
    for each in folders:
        each.mkdir(parents=True)
        each.chmod(0o777)
    cluster.kubectl.apply(*(_volume(name, number, path) for number, path in enumerate(folders)))
    try:
        yield name
    finally:
        for number in range(volumes):
            cluster.kubectl.delete("persistentvolume", f"{name}-{number}")
        shutil.rmtree(folder, ignore_errors=True)


def _volume(name: str, number: int, folder: Path) -> dict[str, Any]:
    on_first_node = {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-0"]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{name}-{number}"},
        "spec": {
            "capacity": {"storage": SIZE},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": name,
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [on_first_node]}]}},
        },
    }
