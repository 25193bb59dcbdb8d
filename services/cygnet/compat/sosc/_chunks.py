"""What the notebooks do with many images: gather them in two lists, upload chunks, list the bucket."""

import asyncio
import io
import os
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cygnet.model.errors import BadInputError
from cygnet.model.timestamp import parse_time
from cygnet.storage import npz
from cygnet.storage.admin import ensure_bucket
from cygnet.storage.bucket import connect
from cygnet.storage.keys import CYGNO_TEMPLATE, render_key, with_suffix
from cygnet.storage.port import Bucket
from cygnet.storage.settings import S3Settings, settings_from_environment

T = TypeVar("T")

list_of_images: list[NDArray[Any]] = []
list_of_timestamps: list["np.datetime64"] = []


def convert_and_accumulate_to_global_lists(timestamp: str, image: object) -> None:
    """Append an image, as a copy, and its time, in UTC and microseconds, to the two lists.

    Different: a copy, so that a crop keeps no frame in memory; UTC, as in all of Cygnet's chunks, where the
    notebooks keep the announcer's local time. BadInputError for a time that is none (theirs: NaT).
    """
    when = np.datetime64(parse_time(timestamp) // 1000, "us")
    list_of_images.append(np.array(image))
    list_of_timestamps.append(when)


def upload_global_lists_to_minio(
    minio_folder: str = "cygno-store",
    n_items: int = 10,
    minio_server: str | None = None,
    minio_user: str | None = None,
    minio_akey: str | None = None,
    minio_bucket: str | None = None,
) -> str | None:
    """Upload the lists as one chunk once they hold `n_items`, clear them, and return its key; None before.

    The chunk is `{minio_folder}/data-chunk-{time of the last}.npz` with `image` (N, …) and `tstamp` (N,).
    Where nothing is said, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and CYGNET_BUCKET hold,
    as `cygnet env --user NAME` prints them. CYGNET_BUCKET is that of the user in AWS_ACCESS_KEY_ID: without
    it, and for another `minio_user`, the bucket is the user's name.

    Different: the bucket is made if it is not there; names have a fixed width, so that they sort by time, and
    one that is taken gets a suffix; no temporary file that others may overwrite; a content type. The lists
    are cleared only when the chunk is stored. With n_items=1 the rest of a run, too, is uploaded. Raises
    StorageUnavailableError or StorageDeniedError, and the lists stay as they are.
    """
    if len(list_of_images) < max(1, n_items):
        return None
    settings = _settings(minio_server, minio_user, minio_akey, minio_bucket)
    file = io.BytesIO()
    np.savez(file, image=np.array(list_of_images), tstamp=np.array(list_of_timestamps))
    first, last = (int(list_of_timestamps[place].astype(np.int64)) * 1000 for place in (0, -1))
    key = render_key(
        CYGNO_TEMPLATE,
        prefix=minio_folder,
        run="",
        detector="",
        first_event=0,
        last_event=len(list_of_images) - 1,
        first_time_ns=first,
        last_time_ns=last,
        seq=0,
        attrs={},
        ext=npz.extension,
    )
    ensure_bucket(settings)
    key = _now(_put(connect(settings), key, file.getvalue()))
    list_of_images.clear()
    list_of_timestamps.clear()
    return key


def check_latest_uploads(minio_bucket: str | None = None) -> None:
    """Print key, content type and size in bytes of each object in the bucket, sorted by key.

    Different: an empty bucket prints nothing (theirs: KeyError), and a thousand objects are not all (theirs
    stops there). Where the bucket is: as `upload_global_lists_to_minio`.
    """
    bucket = connect(_settings(None, None, None, minio_bucket))
    for each in bucket.reader.list(""):
        head = _now(bucket.head(each.key))
        if head is not None:
            print(each.key, head.content_type, head.size)


async def _put(bucket: Bucket, wished: str, body: bytes) -> str:
    key, number = wished, 0
    while await bucket.head(key) is not None or not await bucket.put(
        key, body, content_type=npz.content_type, only_if_absent=True
    ):
        number += 1
        key = with_suffix(wished, number)
    return key


def _settings(server: str | None, user: str | None, akey: str | None, bucket: str | None) -> S3Settings:
    given = {"AWS_ENDPOINT_URL_S3": server, "AWS_ACCESS_KEY_ID": user, "AWS_SECRET_ACCESS_KEY": akey}
    env = {**os.environ, **{name: value for name, value in given.items() if value}}
    another = user if user and user != os.environ.get("AWS_ACCESS_KEY_ID") else None
    name = bucket or another or env.get("CYGNET_BUCKET") or env.get("JUPYTERHUB_USER") or user
    if not name:
        raise BadInputError("minio_bucket: not given; accepted: a bucket's name, here or in CYGNET_BUCKET")
    return settings_from_environment(name, environment=env)


def _now(work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns; a notebook has an event loop already, so another thread runs it."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
