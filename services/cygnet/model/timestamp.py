"""Times of events: read as announcers write them, kept as nanoseconds since 1970 in UTC."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from cygnet.model.errors import BadInputError

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(Z|z|[+-]\d\d:?\d\d)?"
)
ACCEPTED = "'YYYY-MM-DD hh:mm:ss[.fraction][Z|+hh:mm]', years 1970 to 2200"
_LATEST_YEAR = 2200  # int64 nanoseconds end in 2262


def parse_time(text: object, local: tzinfo | None = None, field: str = "time") -> int:
    """Return UTC nanoseconds of a time as an announcement writes it.

    A time without offset is local: of `local` if given, else of this machine. Raises BadInputError.
    """
    match = _TIME.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise BadInputError(f"{field}: {text!r} is not a time; accepted: {ACCEPTED}", reason="bad-time")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0))  # noqa: DTZ001
        zone = _zone(offset, local)
        utc = (moment.replace(tzinfo=zone) if zone else moment.astimezone()).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise BadInputError(f"{field}: {text!r}: {error}; accepted: {ACCEPTED}", reason="bad-time") from error
    if not 1970 <= utc.year <= _LATEST_YEAR:
        raise BadInputError(f"{field}: {text!r} is out of range; accepted: {ACCEPTED}", reason="bad-time")
    whole = int((utc - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1))
    return whole * 10**9 + int((fraction or "0").ljust(9, "0"))


def _zone(offset: str | None, local: tzinfo | None) -> tzinfo | None:
    if offset is None:
        return local
    if offset in "Zz":
        return UTC
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def format_time(time_ns: int, separator: str = "T") -> str:
    """Return `YYYY-MM-DDThh:mm:ss.ffffff` in UTC: fixed width, so that names sort by time."""
    moment = datetime.fromtimestamp(time_ns // 10**9, UTC)
    return f"{moment:%Y-%m-%d}{separator}{moment:%H:%M:%S}.{time_ns % 10**9 // 1000:06d}"
