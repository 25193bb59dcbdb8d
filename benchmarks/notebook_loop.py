"""The baseline: the consumer as a notebook of the CYGNO school writes it, one process, one frame at a time.

Core NATS, `requests.get` for each URL, PIL, float64 windowing of the whole frame, crop, `np.savez`, boto3.
Run by `benchmarks.consumer`: COUNT ANNOUNCEMENTS SUBJECT PREFIX as arguments, the rest from the environment.
"""

import io
import json
import os
import sys
import warnings

import boto3
import numpy as np
import requests
from PIL import Image

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pynats import NATSClient

CHUNK = 200


def windowing(image: np.ndarray, x_min: float, x_max: float) -> np.ndarray:
    """Scale the whole image to 0 … 1 and clip."""
    return np.clip((image - x_min) / (x_max - x_min), 0, 1)


def crop_center(image: np.ndarray, half: int = 64) -> np.ndarray:
    """Return a view of the centre."""
    y, x = image.shape[0] // 2, image.shape[1] // 2
    return image[y - half : y + half, x - half : x + half]


def main(count: int, subject: str, prefix: str) -> None:
    """Consume `count` announcements and upload chunks of 200."""
    bucket = os.environ["CYGNET_BUCKET"]
    images: list[np.ndarray] = []
    stamps: list[np.datetime64] = []

    def on_message(message) -> None:
        payload = json.loads(message.payload.decode())
        answer = requests.get(payload["url"])
        image = np.array(Image.open(io.BytesIO(answer.content)))
        images.append(crop_center(windowing(image.astype(float), 80, 120)))
        stamps.append(np.datetime64(payload["time"]))
        if len(images) >= CHUNK:
            body = io.BytesIO()
            np.savez(body, image=np.array(images), tstamp=np.array(stamps))
            s3 = boto3.resource("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
            s3.Object(bucket, f"{prefix}/data-chunk-{stamps[-1]}.npz").put(Body=body.getvalue())
            images.clear()
            stamps.clear()

    with NATSClient(os.environ["NATS_URL"]) as client:
        client.subscribe(subject=subject, callback=on_message)
        client.ping()
        print("listening", flush=True)
        client.wait(count=count)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
