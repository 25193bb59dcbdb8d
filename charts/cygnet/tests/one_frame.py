"""`helm test`: one frame through a real Pipeline, and a look at every pixel that is stored of it.

Runs in the simulator's image with a ServiceAccount that may do nothing but this.
"""

import asyncio
import json
import os
import secrets
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np

import cygnet
from cygnet.model.errors import NoSuchError
from cygnet.simulator.cygno import Detector, detector_seed
from cygnet.storage.bucket import connect
from cygnet.storage.errors import NoSuchBucketError, StorageError
from cygnet.storage.ledger_files import read_ledger
from cygnet.storage.settings import settings_from_environment

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
DETECTOR = "camera"
SECONDS = float(os.environ["TEST_SECONDS"])
NAMESPACE, BUCKET = os.environ["TEST_NAMESPACE"], os.environ["TEST_BUCKET"]
NAME = f"helm-test-{secrets.token_hex(4)}"
SEED = secrets.randbelow(1 << 32)
MIB = 1 << 20
PIPELINE = {
    "apiVersion": "cygnet.dev/v1alpha1",
    "kind": "Pipeline",
    "metadata": {"name": NAME, "namespace": NAMESPACE},
    "spec": {
        "deletionPolicy": "Delete",
        "sources": [{"name": DETECTOR, "simulator": {"model": "cygno", "seed": SEED, "eventsPerRun": 1}}],
        "aggregator": {"chunkSize": 1, "maxBytes": 2 * MIB},
        "uploader": {"bucket": BUCKET, "prefix": NAME},
        "streams": dict.fromkeys(("framesBytes", "resultsBytes", "chunksBytes", "deadBytes"), 8 * MIB),
    },
}


def ask(method: str, name: str = "", body: object = None) -> dict:
    """Ask the API server about Pipelines of the namespace."""
    url = f"https://kubernetes.default.svc/apis/cygnet.dev/v1alpha1/namespaces/{NAMESPACE}/pipelines/{name}"
    request = urllib.request.Request(  # noqa: S310 - the cluster's own address
        url.rstrip("/"),
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}",
            "Content-Type": "application/json",
        },
    )
    trust = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    try:
        with urllib.request.urlopen(request, context=trust, timeout=30) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {url}: {json.load(error).get('message', error.reason)}")


def state() -> str:
    """Return what the Pipeline says of itself."""
    conditions = ask("GET", NAME).get("status", {}).get("conditions", [])
    lines = [
        f"  {each['type']}={each['status']} {each.get('reason', '')}: {each.get('message', '')}"
        for each in conditions
    ]
    return "\n".join(lines) or "  no conditions: does the operator run, and watch this namespace?"


def stored() -> np.ndarray:
    """Wait for the end of the run, and return the image that is stored."""
    reader = connect(settings_from_environment(BUCKET)).reader
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            dataset = cygnet.open(f"s3://{BUCKET}/{NAME}", detector=DETECTOR)
            if read_ledger(reader, NAME, dataset.run):
                return dataset.images()
        except (NoSuchError, NoSuchBucketError):
            pass
        time.sleep(0.5)
    sys.exit(f"nothing is stored after {SECONDS:g} s; the Pipeline says:\n{state()}")


async def sweep() -> None:
    """Remove what was stored; a bucket that is away keeps it."""
    bucket = connect(settings_from_environment(BUCKET))
    try:
        await bucket.delete([each.key async for each in bucket.list(f"{NAME}/")])
    except StorageError as error:
        print(f"not removed: s3://{BUCKET}/{NAME}: {error}")


def main() -> None:
    """Send the frame, compare, and leave nothing behind."""
    ask("POST", body=PIPELINE)
    print(f"Pipeline {NAMESPACE}/{NAME}: one frame of seed {SEED}")
    try:
        found = stored()
        model = Detector("sosc", spectrum="overlap", seed=detector_seed(SEED, DETECTOR))
        sent = model.image(0, model.primary(0, 0.5))
        if found.shape != (1, *sent.shape) or not np.array_equal(found[0], sent):
            sys.exit(f"sent {sent.shape} {sent.dtype}, stored {found.shape} {found.dtype}: the pixels differ")
        print(f"stored: {sent.shape[0]} x {sent.shape[1]} pixels, each as it was sent; sum {int(sent.sum())}")
    finally:
        ask("DELETE", NAME)
        asyncio.run(sweep())


if __name__ == "__main__":
    main()
