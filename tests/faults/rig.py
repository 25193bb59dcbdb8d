"""The servers of the suite, nats-server and S3, and its frames, in a folder of their own."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.faults.frames import FrameFolder, make_folder
from tests.faults.plan import BUCKET

from cygnet.transport.client import Client
from cygnet.transport.connection import connect
from fixtures.nats_server import NatsServer, free_port
from fixtures.s3_server import ACCESS_KEY_ID, SECRET_ACCESS_KEY, RcloneS3

_MAX_PAYLOAD = 1 << 20  # a server's default: chunks travel in slices, large results by reference


class Rig:
    """A nats-server and an S3 server on free ports, and folders of frames."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        settings: dict[str, Any] = {"max_payload": _MAX_PAYLOAD}
        self.nats = NatsServer(folder / "nats", settings=settings)
        self.s3 = RcloneS3(folder / "s3")
        self.spare_ports = (free_port(), free_port())
        self._frames: dict[str, FrameFolder] = {}

    @property
    def bucket_folder(self) -> Path:
        """Where the objects of the bucket lie on this disk."""
        return self.s3.folder / BUCKET

    def environment(self) -> dict[str, str]:
        """Return what tells a service where the servers are."""
        return {
            "NATS_URL": self.nats.url,
            "AWS_ENDPOINT_URL": self.s3.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        }

    def frames(self, name: str, **form: Any) -> FrameFolder:
        """Return the folder of frames of this name, made when it is first asked for."""
        if name not in self._frames:
            self._frames[name] = make_folder(self.folder / "frames" / name, **form)
        return self._frames[name]

    async def client(self) -> Client:
        """Return a connection of the suite's own to NATS."""
        return await connect(self.nats.url, name="faults", patient=True)


@asynccontextmanager
async def open_rig() -> AsyncIterator[Rig]:
    """Run the servers for the length of the block; nothing of them is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="cygnet-faults-"))
    rig = Rig(folder)
    try:
        await asyncio.to_thread(rig.nats.start)
        await asyncio.to_thread(rig.s3.start)
        yield rig
    finally:
        rig.s3.stop()
        rig.nats.stop()
        shutil.rmtree(folder, ignore_errors=True)
