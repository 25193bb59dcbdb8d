"""The buckets of the embedded S3's users: made, and with a first object in them."""

import asyncio

from cygnet.local.s3_server import S3Server
from cygnet.storage.admin import ensure_bucket
from cygnet.storage.bucket import connect
from cygnet.storage.settings import S3Settings

FIRST_OBJECT = "README.txt"
_TEXT = """This bucket is yours. `cygnet env --user {user}` prints what a client needs to use it.

It is not empty, because programs that read `Contents` of a listing fail in an empty bucket.
"""


async def make_user_buckets(server: S3Server) -> None:
    """Make the bucket of each user that has one, with an object in it.

    Raises StorageUnavailableError, StorageDeniedError.
    """
    for user in server.users:
        if user.bucket is None:
            continue
        settings = S3Settings(
            endpoint=server.url,
            bucket=user.bucket,
            access_key_id=server.access_key_id,
            secret_access_key=server.secret_access_key,
            ca_bundle=server.ca_bundle,
        )
        await asyncio.to_thread(ensure_bucket, settings)
        bucket = connect(settings)
        if await bucket.head(FIRST_OBJECT) is None:
            body = _TEXT.format(user=user.access_key_id).encode()
            await bucket.put(FIRST_OBJECT, body, content_type="text/plain; charset=utf-8")
