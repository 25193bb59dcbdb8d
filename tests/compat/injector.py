"""An injector like the school's: JPEG into a bucket of its own, presigned, announced by core NATS."""

import hashlib
import io
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from PIL import Image

BUCKET = "cygno-daq"
SUBJECT = "daq/data"
LOG_SUBJECT = "daq/info"
NOISE_COUNTS = 0.02 * 255
JPEG_QUALITY = 80
URL_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Injected:
    """A frame that was announced: its bytes and its time, naive and local."""

    jpeg: bytes
    time: datetime
    filename: str

    @property
    def image(self) -> np.ndarray:
        """What anyone gets who decodes the JPEG."""
        return np.asarray(Image.open(io.BytesIO(self.jpeg)))


class Injector:
    """PUTs a noisy copy of one of its pictures, then announces it."""

    def __init__(self, nats: Any, s3: Any, pictures: list[np.ndarray], seed: int) -> None:
        self._nats = nats
        self._s3 = s3
        self._pictures = pictures
        self._random = np.random.default_rng(seed)
        s3.create_bucket(Bucket=BUCKET)

    def inject(self, time: datetime | None = None) -> Injected:
        """Make one frame known; `time` is what its clock says if that stands still."""
        picture = self._pictures[self._random.integers(len(self._pictures))]
        noisy = picture + NOISE_COUNTS * self._random.standard_normal(picture.shape, np.float32)
        buffer = io.BytesIO()
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(
            buffer, format="JPEG", quality=JPEG_QUALITY
        )
        jpeg = buffer.getvalue()
        filename = f"cygno-{hashlib.md5(jpeg, usedforsecurity=False).hexdigest()}.jpg"
        self._s3.put_object(Bucket=BUCKET, Key=filename, Body=jpeg)
        url = self._s3.generate_presigned_url(
            "get_object", Params={"Bucket": BUCKET, "Key": filename}, ExpiresIn=URL_SECONDS
        )
        now = time or datetime.now()  # noqa: DTZ005 naive and local, as it is written
        payload = {"url": url, "time": str(now), "filename": filename}
        self._nats.publish(SUBJECT, payload=json.dumps(payload).encode("utf-8"))
        self._nats.publish(LOG_SUBJECT, payload=f"sent {filename}".encode("ascii"))
        return Injected(jpeg, now, filename)
