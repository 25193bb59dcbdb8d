"""The services of one pipeline as processes, and the suite's own look into its streams and values."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.faults.plan import Plan
from tests.faults.poisoned import POISON, POISONED
from tests.faults.rig import Rig
from tests.faults.service import Service, tail
from tests.faults.tally import Tally
from tests.faults.waiting import FaultError, until

from cygnet.runtime.sizes import owner_metadata, stream_sizes
from cygnet.spec.loader import load
from cygnet.transport.client import Client
from cygnet.transport.connection import close
from cygnet.transport.names import Names
from cygnet.transport.runs import RUN_KEY, set_run_state
from cygnet.transport.streams import StreamState, ensure_streams, stream_state
from cygnet.transport.values import Values
from fixtures.s3_gate import Gate

SIMULATOR, PREPROCESSOR = "simulator-0", "preprocessor-0"
AGGREGATOR, UPLOADER = "aggregator-0", "uploader-0"
SLOTS = (SIMULATOR, PREPROCESSOR, AGGREGATOR, UPLOADER)
NO_RUN = "none"
_START_SECONDS = 120.0
_DENIED = "denied with 403"


class Fleet:
    """One pipeline's processes. Each is started again only when a scenario says so."""

    def __init__(self, rig: Rig, plan: Plan, nc: Client, gate: Gate) -> None:
        self.rig = rig
        self.gate = gate
        self.plan = plan
        self.nc = nc
        self.names = Names("local", plan.name)
        self.values = Values(nc, self.names)
        self.folder = rig.folder / plan.name
        self.tally = Tally()
        self.revives = False
        self._services: dict[str, Service] = {}
        self._specs: dict[str, Path] = {}

    def service(self, slot: str) -> Service:
        """Return a slot; made at its first mention."""
        if slot not in self._services:
            self._services[slot] = Service(slot, self.folder)
        return self._services[slot]

    @property
    def services(self) -> list[Service]:
        """All slots."""
        return list(self._services.values())

    # --- starting and ending ----------------------------------------------------------------------

    def start(self, *slots: str, plan: Plan | None = None, crash_at: str = "") -> None:
        """Start the services of some slots, of all four by default."""
        plan = plan or self.plan
        environment = self.rig.environment() | {POISON: plan.poison}
        if plan.is_gated:
            environment["AWS_ENDPOINT_URL"] = self.gate.endpoint
        for slot in slots or SLOTS:
            service = self.service(slot)
            entry = POISONED if plan.poison and service.name == "preprocessor" else "cygnet"
            service.start(self._spec(plan), environment, crash_at=crash_at, entry=entry)
            self.tally.started(f"{slot}, to die at {crash_at}," if crash_at else slot)

    async def ready(self, *slots: str) -> None:
        """Return once the services of these slots, by default of all, listen."""
        wanted = [self.service(slot) for slot in slots or tuple(self._services)]

        async def listening() -> bool:
            self.check_alive()
            return all(service.is_ready for service in wanted)

        async def missing() -> str:
            return "not yet up: " + ", ".join(each.slot for each in wanted if not each.is_ready)

        await until(listening, _START_SECONDS, missing)

    async def whole(self) -> None:
        """Return once the four services run by the fleet's own plan, and no others."""
        for service in self.services:
            if service.slot not in SLOTS or service.spec != self._spec(self.plan) or service.crash_at:
                await self.stop(service.slot)
        missing = [slot for slot in SLOTS if not self.service(slot).is_alive]
        if missing:
            self.start(*missing)
        await self.ready(*SLOTS)

    async def kill(self, *slots: str) -> None:
        """End services as `kill -9` does."""
        for slot in slots:
            await asyncio.to_thread(self.service(slot).kill)
            self.tally.killed(slot)

    async def stop(self, *slots: str) -> None:
        """Ask services to end, all by default. Raises FaultError if one does not do so in order.

        One that has only just been started may not listen to signals yet: it ends by the signal.
        """
        chosen = [self.service(slot) for slot in slots or tuple(self._services)]
        early = {service.slot for service in chosen if not service.is_ready}
        codes = await asyncio.gather(*(asyncio.to_thread(service.stop) for service in chosen))
        for service, code in zip(chosen, codes, strict=True):
            self.tally.note(f"{service.slot} stopped, code {code}")
            in_order = code == 0 or (code == -signal.SIGTERM and service.slot in early)
            if not in_order and not self._is_poisoned(service, code):
                raise FaultError(f"{service.slot} was asked to stop and ended with code {code}")

    async def restart(self, slot: str, *, plan: Plan | None = None, crash_at: str = "") -> None:
        """Stop a service in order and start it again."""
        await self.stop(slot)
        self.start(slot, plan=plan, crash_at=crash_at)

    async def death(self, slot: str, seconds: float) -> None:
        """Return once an armed service has killed itself. Raises FaultError if it does not."""
        service = self.service(slot)

        async def dead() -> bool:
            self.check_alive(but=slot)
            return service.exit_code is not None

        await until(dead, seconds, f"{service.crash_at} was not reached: {slot} lives")
        if service.exit_code != -signal.SIGKILL:
            raise FaultError(
                f"{slot} ended with code {service.exit_code}, not by SIGKILL: {tail(service.log, 1)}"
            )
        self.tally.killed(f"{slot} at {service.crash_at}")

    def check_alive(self, but: str = "") -> None:
        """Raise FaultError if a service has ended that nobody ended.

        If the fleet `revives`, one that was armed and has killed itself, was killed by poison, or was
        denied its bucket at the start is started again, as a supervisor does.
        """
        for service in self._services.values():
            if service.exit_code is None or service.slot == but:
                continue
            if self.revives and service.crash_at and service.exit_code == -signal.SIGKILL:
                self.tally.killed(f"{service.slot} at {service.crash_at}")
                self.start(service.slot)
            elif self.revives and self._is_poisoned(service, service.exit_code):
                self.tally.killed(f"{service.slot} by its frame")
                self.start(service.slot)
            elif self.revives and service.exit_code == 1 and _DENIED in tail(service.log, 1):
                self.tally.note(f"{service.slot} denied at its start")
                self.start(service.slot)
            else:
                raise FaultError(f"{service.slot} ended by itself, code {service.exit_code}")

    def _is_poisoned(self, service: Service, code: int) -> bool:
        return bool(self.plan.poison) and service.name == "preprocessor" and code == -signal.SIGSEGV

    def end_all(self) -> None:
        """End what is left, by force."""
        for service in self._services.values():
            service.kill()

    def logs(self, lines: int = 15) -> str:
        """Return the ends of all logs."""
        return "\n".join(f"--- {each.slot}\n{tail(each.log, lines)}" for each in self._services.values())

    def resident_bytes(self) -> dict[str, int]:
        """Return the memory that each process holds."""
        return {each.slot: each.resident_bytes for each in self._services.values()}

    def _spec(self, plan: Plan) -> Path:
        if plan.name != self.plan.name:
            raise ValueError(f"the plan {plan.name} is of another pipeline than {self.plan.name}")
        text = plan.text()
        if text not in self._specs:
            path = self.folder / f"spec-{len(self._specs)}.yaml"
            path.write_text(text)
            self._specs[text] = path
        return self._specs[text]

    # --- the servers ------------------------------------------------------------------------------

    async def kill_nats(self) -> None:
        """End nats-server with SIGKILL."""
        await asyncio.to_thread(self.rig.nats.kill)
        self.tally.killed("nats-server")

    async def start_nats(self) -> None:
        """Start nats-server on its port and its store."""
        await asyncio.to_thread(self.rig.nats.start)
        self.tally.started("nats-server")

    async def kill_s3(self) -> None:
        """End S3 with SIGKILL."""
        await asyncio.to_thread(self.rig.s3.kill)
        self.tally.killed("S3")

    async def start_s3(self) -> None:
        """Start S3 on its port and its folder."""
        await asyncio.to_thread(self.rig.s3.start)
        self.tally.started("S3")

    # --- looking in -------------------------------------------------------------------------------

    async def make_streams(self) -> None:
        """Make the pipeline's streams, as any service does at its start."""
        [pipeline] = load(self._spec(self.plan))
        await ensure_streams(self.nc, self.names, stream_sizes(pipeline), owner_metadata(pipeline))

    async def queues(self) -> dict[str, StreamState]:
        """Return the states of the streams through which a run flows."""
        names = self.names
        streams = {"FRAMES": names.frames, "RESULTS": names.results}
        streams |= {"CHUNKS": names.chunks, "NOTICES": names.notices}
        return {short: await stream_state(self.nc, stream) for short, stream in streams.items()}


@asynccontextmanager
async def open_fleet(rig: Rig, plan: Plan) -> AsyncIterator[Fleet]:
    """Give a pipeline without running services; end what runs of it afterwards."""
    (rig.folder / plan.name).mkdir(exist_ok=True)
    nc = await rig.client()
    try:
        async with Gate(rig.s3).opened() as gate:
            fleet = Fleet(rig, plan, nc, gate)
            try:
                await fleet.make_streams()
                # A source that was asked for no run asks itself for one: this one is over.
                await set_run_state(fleet.values, NO_RUN, "complete")
                await fleet.values.put(RUN_KEY, {"run": NO_RUN, "events": None})
                yield fleet
            finally:
                fleet.end_all()
    finally:
        await close(nc)


__all__ = ["AGGREGATOR", "PREPROCESSOR", "SIMULATOR", "SLOTS", "UPLOADER", "Fleet", "open_fleet"]
