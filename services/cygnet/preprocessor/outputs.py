"""What leaves a preprocessor: packs of results, consumed records, dead letters."""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence

from cygnet.model.account import Consumed as ConsumedRecord
from cygnet.model.intervals import compress
from cygnet.model.result import Result
from cygnet.preprocessor.outcome import Consumed, Done, GivenUp, Outcome
from cygnet.runtime.context import Context
from cygnet.runtime.crash import crash_point
from cygnet.runtime.letters import bury
from cygnet.runtime.metrics import FRAMES
from cygnet.transport.account import append
from cygnet.transport.codec import encode_results, frame_message_id, pack_message_id
from cygnet.transport.connection import inline_limit
from cygnet.transport.publisher import PubAck
from cygnet.transport.puller import Delivery
from cygnet.transport.reference import as_reference, reference_key

STAGE = "result"
_PACK_BYTES = 1 << 20
_SHARE_OF_STREAM = 4  # a message of more than this part of its stream could block it for ever


class Outputs:
    """Publishes outcomes; an input may be acknowledged once `publish` has returned."""

    def __init__(self, context: Context) -> None:
        self._context = context
        results_bytes = context.pipeline.spec.streams.results_bytes
        self._inline = min(inline_limit(context.nc), results_bytes // _SHARE_OF_STREAM)
        self._pack_bytes = min(_PACK_BYTES, self._inline // 2)  # the rest is for index and attributes

    async def publish(self, outcomes: Sequence[Outcome], origins: Sequence[Delivery]) -> None:
        """Publish results, consumed records and dead letters; return when all are acknowledged.

        `origins`: the message that each outcome's frame came in.
        """
        results = [outcome.result for outcome in outcomes if isinstance(outcome, Done)]
        futures = [await self._submit(pack) for pack in packs(results, self._pack_bytes)]
        await self._record_consumed([outcome for outcome in outcomes if isinstance(outcome, Consumed)])
        for outcome, origin in zip(outcomes, origins, strict=True):
            if isinstance(outcome, GivenUp):
                await self._bury(outcome, origin)
        await asyncio.gather(*futures)
        crash_point("preprocessor.published")
        for result in results:
            FRAMES.labels(result.id.detector, "processed").inc()

    async def _submit(self, results: Sequence[Result]) -> "asyncio.Future[PubAck]":
        headers, body = encode_results(results)
        msg_id = pack_message_id([result.id for result in results], STAGE)
        if len(results) == 1:
            msg_id = frame_message_id(results[0].id, STAGE)
        if len(body) > self._inline:
            headers, body = await self._store_result(results[0], headers, body)
        subject = self._context.names.result_subject(results[0].id.detector)
        return await self._context.window.submit(subject, body, headers, msg_id=msg_id)

    async def _store_result(
        self, result: Result, headers: dict[str, str], body: bytes
    ) -> tuple[dict[str, str], bytes]:
        """Put a result that no message can carry into the bucket; return the message that points at it."""
        sha256 = await asyncio.to_thread(lambda: hashlib.sha256(body).hexdigest())
        key = reference_key(self._context.pipeline.prefix, result.id, sha256)
        await self._context.patiently(
            lambda: self._context.bucket.put(key, body, content_type="application/octet-stream")
        )
        crash_point("preprocessor.result-stored")
        return as_reference(result.id, headers, key=key, size=len(body), sha256=sha256)

    async def _record_consumed(self, consumed: Iterable[Consumed]) -> None:
        """Write one record for each run, detector and reason."""
        groups: dict[tuple[str, str, str], list[int]] = {}
        for each in consumed:
            groups.setdefault((each.id.run, each.id.detector, each.reason), []).append(each.id.event)
        for (run, detector, reason), events in groups.items():
            record = ConsumedRecord(run=run, detector=detector, events=compress(events), reason=reason)
            await append(self._context.window, self._context.names, record)
            FRAMES.labels(detector, "consumed").inc(len(events))
            crash_point("preprocessor.consumed")

    async def _bury(self, given_up: GivenUp, origin: Delivery) -> None:
        frame = given_up.frame
        identity = frame.id
        detector = identity.detector if identity else "unknown"
        self._context.log.warning(
            "frame given up",
            reason=given_up.reason,
            why=given_up.message,
            run=identity.run if identity else None,
            detector=detector,
            _event=identity.event if identity else None,
        )
        await bury(
            self._context,
            frame,
            reason=given_up.reason,
            message=given_up.message,
            stage=given_up.stage,
            deliveries=origin.delivered,
            sequence=origin.stream_sequence if identity else None,  # a pack may hold several without
            between=lambda: crash_point("preprocessor.dead-lettered"),
        )
        crash_point("preprocessor.dead-recorded")


def packs(results: Sequence[Result], most_bytes: int = _PACK_BYTES) -> list[list[Result]]:
    """Return the results in groups of one detector and at most `most_bytes` of arrays, in order."""
    groups: list[list[Result]] = []
    size: dict[str, int] = {}
    last: dict[str, list[Result]] = {}
    for result in results:
        detector = result.id.detector
        if detector not in last or size[detector] + result.nbytes > most_bytes:
            last[detector] = []
            groups.append(last[detector])
            size[detector] = 0
        last[detector].append(result)
        size[detector] += result.nbytes
    return groups
