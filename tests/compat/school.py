"""A student at the CYGNO school: what both notebooks' cells call, with their own libraries."""

import hashlib
import io
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3.session
import matplotlib as mpl
import numpy as np
import requests
from PIL import Image

from compat.notebook import crop_center, unpack_payload
from fixtures.running_up import EXAMPLES


class School:
    """What a year's notebook has in its first cells."""

    def __init__(self, year: int, nats: str, subject: str, user: str, secret: str, bucket: str) -> None:
        self.year = year
        self.spec = EXAMPLES / f"sosc-{year}.yaml"
        self.nats_server = nats
        self.subject = subject
        self.user = user
        self.secret = secret
        self.bucket = bucket

    def __repr__(self) -> str:
        return str(self.year)


def md5(text: bytes) -> str:
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


SCHOOLS = (
    School(
        2023, "nats://sosc:sosc2023@nats.nats:4222", "daq/data/student", "student", md5(b"student"), "student"
    ),
    School(2024, "nats://nats.injector:4222", "daq/data", "minio", "sosc2024", "my-bucket"),
)


def download(url: str, **how: Any) -> bytes:
    """GET a frame; `verify=False` as the cells say, or without."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # InsecureRequestWarning
        answer = requests.get(url, timeout=30, **how)
    answer.raise_for_status()
    return answer.content


def download_image(url: str) -> Image.Image:
    return Image.open(io.BytesIO(download(url, verify=False)))


def windowing(image: np.ndarray, x_min: float, x_max: float) -> np.ndarray:
    """Window as the cells do, with bounds that are no whole numbers: those do not wrap round."""
    return np.clip((image - x_min) / (x_max - x_min), 0.0, 1.0)


class Student:
    """The global lists of day 2, and the functions that share them."""

    def __init__(self, school: School) -> None:
        self.school = school
        self.list_of_images: list[np.ndarray] = []
        self.list_of_timestamps: list[np.datetime64] = []
        self.uploaded: list[str] = []

    @contextmanager
    def s3(self) -> Iterator[Any]:
        """A resource with the notebook's own keys; address and certificate are what the shell says."""
        resource = boto3.session.Session().resource(
            "s3",
            endpoint_url=os.environ["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.school.user,
            aws_secret_access_key=self.school.secret,
        )
        try:
            yield resource
        finally:
            resource.meta.client.close()

    def accumulate(self, timestamp: str, image: np.ndarray) -> None:
        self.list_of_images.append(np.asarray(image))
        self.list_of_timestamps.append(np.datetime64(timestamp))

    def upload(self, folder: str, n_items: int) -> None:
        """Pack the lists through a temporary file, put it into the bucket, and clear them."""
        if len(self.list_of_images) < n_items:
            return
        name = f"{folder}/data-chunk-{self.list_of_timestamps[-1]}.npz"
        with tempfile.TemporaryDirectory() as temporary:
            path = Path(temporary) / "cygno.npz"
            np.savez(path, image=np.array(self.list_of_images), tstamp=np.array(self.list_of_timestamps))
            with self.s3() as s3, path.open("rb") as data:
                s3.Bucket(self.school.bucket).put_object(Key=name, Body=data)
        self.uploaded.append(name)
        self.list_of_images.clear()
        self.list_of_timestamps.clear()

    def check_latest_uploads(self) -> list[tuple[str, str, int]]:
        """Return what the cell prints: key, type and length of each object."""
        with self.s3() as s3:
            client, bucket = s3.meta.client, self.school.bucket
            said = []
            for each in client.list_objects(Bucket=bucket)["Contents"]:
                head = client.head_object(Bucket=bucket, Key=each["Key"])
                print(each["Key"], head["ContentType"], head["ContentLength"])
                said.append((each["Key"], head["ContentType"], head["ContentLength"]))
            return said

    def raw(self, n_items: int) -> Callable[[Any], None]:
        """Return the callback that stores images as they come."""

        def callback(msg: Any) -> None:
            timestamp, url = unpack_payload(msg.payload)
            self.accumulate(timestamp, np.asarray(download_image(url)))
            self.upload("cygno-store", n_items)

        return callback

    def preprocessed(self, n_items: int) -> Callable[[Any], None]:
        """Return the callback that windows, then crops, then stores."""

        def callback(msg: Any) -> None:
            timestamp, url = unpack_payload(msg.payload)
            windowed = windowing(np.asarray(download_image(url)), 80.0, 120.0)
            self.accumulate(timestamp, crop_center(windowed))
            self.upload("cygno-store-preprocess-day3-bis", n_items)

        return callback


def gallery(images: list[np.ndarray], path: Path) -> None:
    """Draw ten images in two rows, as the cells do."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure = plt.figure(figsize=(10, 4))
    for place, image in enumerate(images, 1):
        plt.subplot(2, 5, place)
        plt.imshow(image, cmap="gray")
    plt.tight_layout()
    figure.savefig(path)
    plt.close(figure)
