"""The embedded servers of one `cygnet up`: started where none is given, watched, and started again."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from cygnet.local.disk import Fullness, free_bytes, mebibytes, reserved_bytes
from cygnet.local.errors import LocalError
from cygnet.local.folder import Claim
from cygnet.local.keys import own_keys
from cygnet.local.nats_server import NatsServer
from cygnet.local.places import Given, needs_nats, needs_s3, wished_nats, wished_s3
from cygnet.local.ports import choose
from cygnet.local.s3_server import S3Server
from cygnet.spec.pipeline import Pipeline

_WATCH_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 10.0


class Servers:
    """nats-server and S3, or none of them when the user brings their own."""

    def __init__(self, claim: Claim, pipelines: Sequence[Pipeline], given: Given) -> None:
        """After a kill the addresses of before are taken again: announcements that wait still point there."""
        self.nats: NatsServer | None = None
        self.s3: S3Server | None = None
        before = claim.before.servers if claim.before and claim.killed_before else {}
        keys = own_keys(claim.folder)
        if needs_nats(pipelines, given):
            nats = wished_nats(pipelines)
            address = choose(nats.listen, "local.nats.listen", before.get("nats", ""))
            self.nats = NatsServer(claim.folder, address, nats.users, keys, reserved_bytes(pipelines))
        if needs_s3(pipelines, given):
            s3 = wished_s3(pipelines)
            address = choose(s3.listen, "local.s3.listen", before.get("s3", ""))
            self.s3 = S3Server(claim.folder, address, s3, keys)
        self.restarts = 0
        self.trouble = ""
        """What a person must know of the disk while it is full."""
        self._folder = claim.folder
        self._fullness = Fullness()
        self._is_shut = False  # nats-server may have streams that gave up on a full disk

    async def __aenter__(self) -> Self:
        try:
            for server in self._all():
                server.start()
            for server in self._all():
                await server.ready()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    def addresses(self) -> dict[str, str]:
        """Return the address of each server, by its name."""
        return {server.name: server.address.listen for server in self._all()}

    def notes(self) -> list[str]:
        """Return what a person should know about the addresses."""
        return [
            f"{server.name} listens on {server.address.listen}: {note}"
            for server in self._all()
            if (note := server.address.note())
        ]

    async def watch(self, say: Callable[[str], None]) -> None:
        """Start a server again whenever it dies, on its old address, until cancelled."""
        await asyncio.gather(self._mind_disk(), *(self._keep(server, say) for server in self._all()))

    async def _mind_disk(self) -> None:
        """Say when the disk is full, and know when it has room again."""
        while self._all():
            needed = self.nats.needed_bytes if self.nats and self._fullness.is_full else 0
            free = free_bytes(self._folder)
            self._is_shut |= self._fullness.look(free, needed)
            self.trouble = self._in_words(free) if self._fullness.is_full else ""
            await asyncio.sleep(_WATCH_SECONDS)

    def _in_words(self, free: int) -> str:
        needs = []
        if self.nats:
            needs.append(f"nats-server needs {mebibytes(self.nats.needed_bytes)} in {self.nats.store}")
        if self.s3:
            needs.append(f"S3 needs room for what is stored in {self.s3.folder}")
        return (
            f"the disk under {self._folder} is full, {free >> 20} MiB free: {', '.join(needs)};"
            " what is announced is held; free some space, and it goes on by itself"
        )

    async def _keep(self, server: NatsServer | S3Server, say: Callable[[str], None]) -> None:
        wait = _WATCH_SECONDS
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            if server.pid is None:
                why = f"the embedded {server.name} server died; it is started again (see {server.log})"
            elif server is self.nats and self._is_shut:
                # A stream whose write failed takes nothing more until its server is started again.
                why = f"the disk under {self._folder} has room again; the embedded nats-server starts anew"
                self._is_shut = False
            else:
                continue
            self.restarts += 1
            say(why)
            try:
                await server.stop()
                server.start()
                await server.ready()
                wait = _WATCH_SECONDS
            except LocalError as error:
                say(str(error))
                wait = min(_LONGEST_WAIT_SECONDS, 2 * wait)
                await asyncio.sleep(wait)

    async def _stop(self) -> None:
        await asyncio.gather(*(server.stop() for server in self._all()))

    def _all(self) -> list[NatsServer | S3Server]:
        return [server for server in (self.nats, self.s3) if server]
