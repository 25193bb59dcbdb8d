"""Keys of `cygnet up` to its own servers, kept in the data folder, readable by its owner only."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cygnet.local.errors import LocalError, disk_trouble
from cygnet.spec.local import OWN_USER

_FILE = "keys.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What Cygnet's own processes use with the embedded servers."""

    nats_user: str
    nats_password: str = field(repr=False)
    s3_access_key_id: str
    s3_secret_access_key: str = field(repr=False)


def own_keys(folder: Path) -> Keys:
    """Return the folder's keys, made at the first call."""
    path = folder / _FILE
    try:
        return Keys(**json.loads(path.read_text()))
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError) as error:
        raise LocalError(f"{path} can't be read: {error}; remove it, and new keys are made") from error
    keys = Keys(
        nats_user=OWN_USER,
        nats_password=secrets.token_urlsafe(24),
        s3_access_key_id=OWN_USER,
        s3_secret_access_key=secrets.token_urlsafe(24),
    )
    write_private(path, json.dumps(asdict(keys), indent=1))
    return keys


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    partial = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        partial.replace(path)
    except OSError as error:
        raise disk_trouble(path.parent, error) from error
