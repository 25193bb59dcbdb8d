"""What can go wrong with a bucket, named after what its user can do about it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import obstore.exceptions as oe

from cygnet.model.errors import BadInputError, CygnetError, NoSuchError

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([^<]+)</Code>")
_MESSAGE = re.compile(r"<Message>([^<]+)</Message>")
_WHAT_TO_CHECK = {
    "SignatureDoesNotMatch": "check the secret access key",
    "InvalidAccessKeyId": "check the access key id",
    "ExpiredToken": "the session token has expired: fetch a new one",
    "InvalidToken": "check the session token",
    "RequestTimeTooSkewed": "check this machine's clock",
}
_RETRY_STATUS = {408, 409, 425, 429}


class StorageError(CygnetError):
    """Base of all errors of a bucket."""


class StorageUnavailableError(StorageError):
    """The storage does not answer, or answers 5xx or "slow down": keep what you hold and try again."""


class StorageDeniedError(StorageError):
    """The storage refuses these credentials: someone must change them or the bucket's policy."""


class NoSuchBucketError(StorageError, NoSuchError):
    """The bucket does not exist: create it or correct its name."""


class NoSuchObjectError(StorageError, NoSuchError):
    """The bucket holds no object of this key."""


class CorruptedError(StorageError):
    """Stored bytes are not what their manifest says: a checksum, a size or an identity differs."""


def refused(place: str, status: int | None, body: str, *, key: str = "") -> StorageError:
    """Return the error for an answer of S3: HTTP `status` (None: no answer at all) and error XML.

    `place` names endpoint, bucket and access key id; it never holds the secret.
    """
    code = match[1] if (match := _CODE.search(body)) else ""
    said = match[1] if (match := _MESSAGE.search(body)) else ""
    what = ": ".join(part for part in (code, said) if part) or _first_line(body) or "no reason given"
    if status is None:
        return StorageUnavailableError(f"{place} does not answer: {what}")
    if code == "NoSuchBucket":
        return NoSuchBucketError(f"{place}: there is no such bucket; create it or correct its name")
    if status in (401, 403) or code in _WHAT_TO_CHECK:
        check = _WHAT_TO_CHECK.get(code, "check the keys, and that they may use this bucket")
        return StorageDeniedError(f"{place}: denied with {status} {what}; {check}")
    if status == 404:
        return NoSuchObjectError(f"{place}: there is no object {key!r}")
    if status >= 500 or status in _RETRY_STATUS:
        return StorageUnavailableError(f"{place} answers {status} {what}")
    return StorageError(f"{place}: {status} {what}" + (f" for {key!r}" if key else ""))


@contextmanager
def named(place: str, key: str = "") -> Iterator[None]:
    """Turn obstore's errors into ours; conditions that a caller expects pass through."""
    try:
        yield
    except (oe.AlreadyExistsError, oe.PreconditionError, CygnetError):
        raise
    except FileNotFoundError as error:
        raise refused(place, 404, str(error), key=key) from error
    except (oe.PermissionDeniedError, PermissionError) as error:
        raise refused(place, 403, str(error), key=key) from error
    except oe.UnauthenticatedError as error:
        raise refused(place, 401, str(error), key=key) from error
    except oe.BaseError as error:
        text = str(error)
        status = _STATUS.search(text)
        raise refused(place, int(status[1]) if status else None, text, key=key) from error
    except ValueError as error:
        raise BadInputError(f"key: {key!r} is not an object key: {error}", reason="bad-key") from error


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line if len(line) <= 300 else line[:300] + "…"
