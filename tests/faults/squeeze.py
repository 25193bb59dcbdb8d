"""Makes a stream full as it is: its limit comes down to what it holds, until it is made whole again."""

from tests.faults.fleet import Fleet

from cygnet.transport.api import api

_LEAST_BYTES = 64 << 10


async def squeeze(fleet: Fleet, stream: str, share: float = 1.0) -> None:
    """Leave a stream this share of what it holds, for discarding the old; 1.0 leaves it nothing more."""
    info = await api(fleet.nc, f"STREAM.INFO.{stream}")
    limit = max(_LEAST_BYTES, int(share * info["state"]["bytes"]))
    await api(fleet.nc, f"STREAM.UPDATE.{stream}", {**info["config"], "max_bytes": limit})
    fleet.tally.note(f"{stream} takes {limit} bytes and holds {info['state']['bytes']}")
