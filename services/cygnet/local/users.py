"""The users of a running up's own servers: who they are, and with which keys each of them comes."""

from dataclasses import replace

from cygnet.local.errors import LocalError
from cygnet.local.folder import Place, Up
from cygnet.local.places import wished_nats, wished_s3
from cygnet.spec.loader import load
from cygnet.spec.local import NatsUser, S3User
from cygnet.spec.pipeline import Pipeline


def s3_users(up: Up) -> list[S3User]:
    """Return the users of the embedded S3; none when the S3 is somebody else's."""
    return wished_s3(_pipelines(up)).users if "s3" in up.servers else []


def place_for(user: str, place: Place, up: Up) -> Place:
    """Return a place as one of its S3 users comes there: with their keys and their bucket.

    At NATS it is the user of the same name, else the first one, whom all share. Raises LocalError.
    """
    users = {each.access_key_id: each for each in s3_users(up)}
    if user not in users:
        accepted = ", ".join(users) or "none, local.s3.users is empty"
        raise LocalError(f"--user: {user!r} is no user of the embedded S3; accepted: {accepted}")
    known = users[user]
    nats = _nats_user(user, up)
    return replace(
        place,
        bucket=known.bucket or place.bucket,
        prefix="" if known.bucket else place.prefix,
        s3_access_key_id=known.access_key_id,
        s3_secret_access_key=known.secret_access_key,
        nats_user=nats.user if nats else None,
        nats_password=nats.password if nats else None,
    )


def _nats_user(name: str, up: Up) -> NatsUser | None:
    users = wished_nats(_pipelines(up)).users if "nats" in up.servers else []
    return next((each for each in users if each.user == name), users[0] if users else None)


def _pipelines(up: Up) -> list[Pipeline]:
    return [pipeline for place in up.pipelines.values() for pipeline in load(place.spec)]
