"""The school's notebook cells: its own libraries, nothing of Cygnet; exported variables are all they know."""

import io
import json
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3.session
import numpy as np
import requests
from PIL import Image

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it imports pkg_resources, which warns of its own end
    import pynats

SOCKET_SECONDS = 60  # a notebook waits for ever


@contextmanager
def shell(exports: Mapping[str, str], home: Path) -> Iterator[None]:
    """Be a process that has nothing but `exports` to find NATS and S3 with, for the length of a block."""
    before = dict(os.environ)
    kept = {name: before[name] for name in ("PATH", "TZ", "TMPDIR") if name in before}
    os.environ.clear()
    os.environ.update({**kept, **exports, "HOME": str(home)})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def nats_client() -> Any:
    """Return a core NATS client, to be connected by `with`."""
    return pynats.NATSClient(os.environ["NATS_URL"], socket_timeout=SOCKET_SECONDS)


@contextmanager
def s3_client() -> Iterator[Any]:
    """Give a boto3 client that finds everything in the environment."""
    client = boto3.session.Session().client("s3")
    try:
        yield client
    finally:
        client.close()


def unpack_payload(payload: bytes) -> tuple[str, str]:
    """Return time and URL of an announcement."""
    document = json.loads(payload.decode("utf-8"))
    return document["time"], document["url"]


def download_image(url: str) -> Image.Image:
    """GET a frame with nothing but its URL, and open it."""
    answer = requests.get(url, timeout=30)
    answer.raise_for_status()
    return Image.open(io.BytesIO(answer.content))


def object_names(client: Any, bucket: str, prefix: str) -> list[str]:
    """Return the names under a prefix, sorted, which is taken for the order of time."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return sorted(obj["Key"] for page in pages for obj in page.get("Contents", []))


def load_in_memory(client: Any, bucket: str, name: str) -> dict[str, np.ndarray]:
    """Load a chunk through BytesIO."""
    body = client.get_object(Bucket=bucket, Key=name)["Body"].read()
    return arrays_of(io.BytesIO(body))


def load_through_a_file(client: Any, bucket: str, name: str) -> dict[str, np.ndarray]:
    """Load a chunk through a temporary file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chunk.npz"
        client.download_file(bucket, name, str(path))
        return arrays_of(path)


LOADS: tuple[Callable[[Any, str, str], dict[str, np.ndarray]], ...] = (load_in_memory, load_through_a_file)


def arrays_of(file: Path | io.BytesIO) -> dict[str, np.ndarray]:
    """Return all arrays of an npz file."""
    with np.load(file) as npz:
        return {name: npz[name] for name in npz}


def crop_center(image: np.ndarray, half_win: int = 64) -> np.ndarray:
    """Return the central pixels, as the notebooks cut them out."""
    x, y = image.shape[0] // 2, image.shape[1] // 2
    return image[x - half_win : x + half_win, y - half_win : y + half_win]


def windowing(image: np.ndarray, x_min: float, x_max: float) -> np.ndarray:
    """Return counts as 0 … 1, as the notebooks mean it: without the wrap of unsigned counts below x_min."""
    return np.clip((image.astype(np.float32) - np.float32(x_min)) / np.float32(x_max - x_min), 0, 1)
