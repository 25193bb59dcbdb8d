"""A Pipeline with every field written out, and a writer of YAML that knows the line of each field."""

import copy
import json
import math
from typing import Any

Path = tuple[str | int, ...]

MINIMAL: dict[str, Any] = {
    "apiVersion": "cygnet.dev/v1alpha1",
    "kind": "Pipeline",
    "metadata": {"name": "lime"},
    "spec": {"sources": [{"name": "lime", "replay": {"path": "frames"}}]},
}

FULL: dict[str, Any] = {
    "apiVersion": "cygnet.dev/v1alpha1",
    "kind": "Pipeline",
    "metadata": {
        "name": "lime",
        "namespace": "beam",
        "labels": {"site": "lngs"},
        "annotations": {"by": "shift"},
    },
    "spec": {
        "lifecycle": "Running",
        "deletionPolicy": "Retain",
        "sources": [
            {
                "name": "lime",
                "replay": {"path": "frames", "loop": True, "rateHz": 10.5, "eventsPerRun": 2000},
                "mirrorSubjects": ["daq/copy"],
                "infoSubject": "daq/info",
                "framesBucket": "cygno-daq",
                "frameKeys": "content",
                "expect": {"dtype": "uint16", "shape": [2304, 2304]},
            },
            {
                "name": "mango",
                "announcements": {
                    "subjects": ["daq/data"],
                    "dedupeBy": "filename+time",
                    "eventsPerRun": 100,
                    "intakeBytes": 67108864,
                },
            },
            {
                "name": "sim",
                "simulator": {
                    "model": "cygno",
                    "preset": "sosc",
                    "spectrum": "school",
                    "seed": 7,
                    "nuclearShare": 0.05,
                    "modulation": {"amplitude": 0.05, "periodSeconds": 60, "phase": 1.5},
                    "noiseLevel": 0.02,
                    "rateHz": 100,
                    "arrivals": "poisson",
                    "burst": {"onSeconds": 2, "offSeconds": 8},
                    "timeScale": 10,
                    "eventsPerRun": 30000,
                    "encoding": "jpeg",
                    "jpegQuality": 80,
                },
            },
        ],
        "runs": "endless",
        "store": True,
        "transport": {"mode": "inline"},
        "preprocessor": {
            "replicas": 2,
            "stages": [
                {"crop": {"halfWindow": 64}},
                {"window": {"min": 80, "max": 120.5, "output": "fraction", "legacyUnderflow": False}},
                {"delay": {"seconds": 0.25}},
            ],
            "scaling": {
                "mode": "auto",
                "minReplicas": 1,
                "maxReplicas": 20,
                "targetLagSeconds": 30,
                "utilization": 0.7,
                "scaleDownWindowSeconds": 300,
                "dryRun": False,
            },
            "urlAllowList": ["https://s3.example.org:9000"],
            "imageLimits": {"maxBytes": 67108864, "maxPixels": 67108864},
            "fetchTimeoutSeconds": 10,
        },
        "aggregator": {
            "chunkSize": 200,
            "maxAgeSeconds": 60,
            "maxBytes": 33554432,
            "format": "npz",
            "keyTemplate": "{prefix}/data-chunk-{last_time}.npz",
        },
        "uploader": {"bucket": "cygno", "prefix": "lime/raw", "replicas": 1},
        "deadLetters": {"maxDeliver": 5, "maxAgeHours": 168},
        "streams": {
            "framesBytes": 67108864,
            "resultsBytes": 67108864,
            "chunksBytes": 67108864,
            "deadBytes": 16777216,
            "replicas": 1,
            "ackWaitSeconds": 30,
            "maxProcessingSeconds": 20,
        },
        "nats": {"url": "nats://nats.example.org:4222", "secretName": "nats"},
        "storage": {"endpoint": "https://s3.example.org", "region": "eu-west-1", "secretName": "s3"},
        "pods": {
            "source": {
                "image": "registry.lab/cygnet/simulator:0.1.0",
                "imagePullSecrets": ["registry"],
                "resources": {
                    "requests": {"cpu": "50m", "memory": "64Mi"},
                    "limits": {"cpu": "1", "memory": "1Gi"},
                },
                "nodeSelector": {"beam": "lngs"},
                "tolerations": [
                    {
                        "key": "cygnet.dev/daq",
                        "operator": "Equal",
                        "value": "lime",
                        "effect": "NoExecute",
                        "tolerationSeconds": 30,
                    }
                ],
                "claims": [{"claimName": "frames", "mountPath": "/frames"}],
            },
            "preprocessor": {
                "image": "registry.lab/cygnet/preprocessor:0.1.0",
                "imagePullSecrets": ["registry"],
                "resources": {},
                "nodeSelector": {"beam": "lngs"},
                "tolerations": [{"operator": "Exists"}],
            },
            "aggregator": {},
            "uploader": {},
        },
        "local": {
            "nats": {"listen": "127.0.0.1:4222", "users": [{"user": "shift", "password": "hunter2"}]},
            "s3": {
                "listen": "127.0.0.1:9000",
                "users": [
                    {"accessKeyId": "shift", "secretAccessKey": "hunter2hunter2", "bucket": "shift-work"}
                ],
                "host": "minio.lab",
                "tls": {"certFile": "s3.crt", "keyFile": "s3.key", "caFile": "ca.crt"},
            },
        },
    },
    "status": {"replicas": 1},
}


def around(path: Path) -> dict[str, Any]:
    """Return a copy of FULL with no more of the spec than what `path` is in."""
    document = copy.deepcopy(FULL)
    if len(path) > 1 and path[0] == "spec":
        part = path[1]
        document["spec"] = {
            "sources": copy.deepcopy(MINIMAL["spec"]["sources"]),
            part: document["spec"][part],
        }
    return document


def inside(document: Any, path: Path) -> Any:
    """Return the value at `path`."""
    for part in path:
        document = document[part]
    return document


def layout(document: dict[str, Any]) -> tuple[str, dict[Path, int]]:
    """Return a document as YAML, one value in a line, and the line of each path."""
    written: list[str] = []
    lines: dict[Path, int] = {(): 1}
    _write(document, (), "", written, lines)
    return "\n".join(written) + "\n", lines


def _write(value: Any, path: Path, indent: str, written: list[str], lines: dict[Path, int]) -> None:
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in children:
        head = f"{indent}{json.dumps(key)}:" if isinstance(value, dict) else f"{indent}-"
        inner = (*path, key)
        lines[inner] = len(written) + 1
        if isinstance(child, dict | list) and child:
            written.append(head)
            if isinstance(value, list):
                lines[inner] += 1  # an item that is a mapping begins with its first field
            _write(child, inner, indent + "  ", written, lines)
        else:
            written.append(f"{head} {_scalar(child)}")


def _scalar(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else f"{'-' * (value < 0)}.inf"
    return json.dumps(value)
