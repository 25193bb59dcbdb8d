"""One visit to a Pipeline: apply what is not as it should be, write the status. Level-triggered."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from cygnet.runtime.logging import Log
from cygnet.runtime.pipeline_metrics import note_conditions
from cygnet.scaling import Condition, Status
from cygnet_operator.admission import Refusal, check_place
from cygnet_operator.children import missing
from cygnet_operator.conditions import SCALED, Part
from cygnet_operator.events import Events
from cygnet_operator.kinds import BY_KIND, SECRET
from cygnet_operator.kube import Kube, KubeAwayError, KubeError, NotFoundError
from cygnet_operator.lifecycle import Phase, Step
from cygnet_operator.member import Member
from cygnet_operator.metrics import forget
from cygnet_operator.observed import Observed, Role
from cygnet_operator.reconcile import HASH_ANNOTATION, Wanted, covers, objects
from cygnet_operator.replicas import base, replicas
from cygnet_operator.settings import Settings
from cygnet_operator.status import Facts, is_due, reduce
from cygnet_operator.store import Key, Store

Json = dict[str, Any]


class Outcome(StrEnum):
    """What a visit came to."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    GONE = "gone"
    FAILED = "failed"


class Visitor:
    """Visits Pipelines one by one; `members` are those that are looked after."""

    def __init__(
        self,
        kube: Kube,
        store: Store,
        settings: Settings,
        events: Events,
        log: Log,
        mark: Callable[[Key], None],
    ) -> None:
        self.members: dict[Key, Member] = {}
        self._places: dict[tuple[str, str, str] | None, set[Key]] = defaultdict(set)
        self._kube = kube
        self._store = store
        self._settings = settings
        self._events = events
        self._log = log
        self._mark = mark

    def member(self, key: Key) -> Member | None:
        """Return who stands for a Pipeline as it is now, None if it is gone or going."""
        document = self._store.pipeline(key)
        known = self.members.get(key)
        if document is None or "deletionTimestamp" in document["metadata"]:
            if known:
                self._let_go(known)
            return None
        uid = str(document["metadata"]["uid"])
        if known and known.uid != uid:
            self._let_go(known)
            known = None
        if known is None:
            known = self.members[key] = Member(key=key, uid=uid, status=document.get("status") or {})
        if known.refresh(document, self._settings):
            self._places[known.claim.place if known.claim else None].add(key)
        return known

    def _let_go(self, member: Member) -> None:
        """Forget a Pipeline that is gone; others may have waited for its place."""
        del self.members[member.key]
        forget(*member.key)
        self._mark_refused()

    def observe(self, member: Member) -> Observed | None:
        """Return what is seen of a Pipeline, None if it is gone or its spec is refused."""
        document = self._store.pipeline(member.key)
        return member.observe(document, self._store.children(member.key)) if document else None

    async def visit(self, key: Key) -> Outcome:
        """Bring one Pipeline to where it should be.

        Raises KubeError when the API server did not take something; all else was done nevertheless.
        """
        member = self.member(key)
        document = self._store.pipeline(key)
        if member is None or document is None:
            return Outcome.GONE
        refusal = self._refusal(member)
        observed = None if refusal else self.observe(member)
        if refusal or observed is None:
            facts = Facts(name=key[1], generation=int(document["metadata"]["generation"]), refusal=refusal)
            await self._tell(member, document, facts)
            return Outcome.REFUSED
        step = member.next_step(observed)
        wanted = replicas(observed, step, member.decided)
        member.decided = base(observed, member.decided) if step.others else None
        changed, error = await self._apply(member, observed, wanted)
        facts = Facts(
            name=key[1],
            generation=observed.generation,
            streams=member.streams,
            storage=member.storage,
            failure=member.failure,
            step=step,
            replicas=wanted,
            roles=observed.roles,
            numbers={**member.look.numbers, "run": member.look.run} if member.look else None,
            scaled=member.scaled.status if member.scaled else {},
            scaled_conditions=member.scaled.conditions if member.scaled else (),
        )
        written = await self._tell(member, document, facts)
        if error:
            raise error
        return Outcome.APPLIED if changed or written else Outcome.UNCHANGED

    def _refusal(self, member: Member) -> Refusal | None:
        """Return why a Pipeline is not accepted: its spec, or another Pipeline that has its place."""
        if member.spec and isinstance(member.spec[1], Refusal):
            return member.spec[1]
        mine = member.claim
        if mine is None:
            return None
        there = {key: self.members.get(key) for key in self._places[mine.place]}
        others = {key: other.claim for key, other in there.items() if other and other.claim}
        self._places[mine.place] = {key for key, claim in others.items() if claim.place == mine.place}
        return check_place(mine, others.values())

    async def _apply(
        self, member: Member, observed: Observed, wanted: Mapping[Role, int]
    ) -> tuple[bool, KubeError | None]:
        """Apply each object that is not as it should be; one that is refused keeps no other from its turn."""
        version = self._store.version(member.key)
        made_of = (observed.generation, version, *wanted.values())
        if member.applied == made_of:
            return False, None
        children = self._store.children(member.key)
        secret_is_missing = missing(children)
        failure: KubeError | None = None
        changed = False
        for each in objects(observed, self._settings, wanted):
            if self._is_there(member, each, children, secret_is_missing=secret_is_missing):
                continue
            try:
                answer = await self._kube.apply(each.document, BY_KIND[each.key[0]])
            except KubeError as error:
                failure = failure or error
                self._log.warning(
                    "not applied", pipeline="/".join(member.key), object=each.key, why=str(error)
                )
                if isinstance(error, KubeAwayError):
                    break
                continue
            changed = True
            if each.key[0] == SECRET.kind:
                member.secret = each.document["metadata"]["annotations"][HASH_ANNOTATION]
            else:
                self._store.put(answer)
        member.failure = Part(Status.FALSE, "ApplyFailed", str(failure)) if failure else None
        member.applied = (
            None if failure else (observed.generation, self._store.version(member.key), *wanted.values())
        )
        return changed, failure

    def _is_there(
        self,
        member: Member,
        each: Wanted,
        children: Mapping[tuple[str, str], Json],
        *,
        secret_is_missing: bool,
    ) -> bool:
        if each.key[0] == SECRET.kind:
            digest = each.document["metadata"]["annotations"][HASH_ANNOTATION]
            return bool(member.secret == digest and not secret_is_missing)
        child = children.get(each.key)
        return child is not None and covers(child, each.document)

    async def _tell(self, member: Member, document: Json, facts: Facts) -> bool:
        """Write the status if it is worth a write, and tell of what has changed."""
        now = time.time()
        before = member.status
        after = reduce(before, facts, now)
        told = [Condition(each["type"], Status(each["status"]), each["reason"], each["message"])
                for each in after["conditions"] if each["type"] not in SCALED]  # fmt: skip
        note_conditions(*member.key, told)
        if not is_due(before, after, now - member.written):
            return False
        try:
            await self._kube.apply_status(*member.key, after)
        except NotFoundError:
            return False  # it is gone, and its watch will say so
        member.status, member.written = after, now
        await self._tell_of(document, before, after, facts.step)
        if facts.refusal is None and _status_of(before, "Accepted") != "True":
            self._mark_refused()
        return True

    async def _tell_of(self, document: Json, before: Json, after: Json, step: Step | None) -> None:
        """Write Events about what became another: accepted or not, streams, lifecycle."""
        for kind, action in (
            ("Accepted", "Accept"),
            ("StreamsReady", "MakeStreams"),
            ("StorageReady", "Store"),
        ):
            was, new = _of(before, kind), _of(after, kind)
            is_news = (was.get("status"), was.get("reason")) != (new["status"], new["reason"])
            if is_news and (new["status"] == "False" or was.get("status") == "False"):
                is_bad = new["status"] == "False"
                await self._events.tell(
                    document, new["reason"], new["message"], action=action, warning=is_bad
                )
        phase, was_phase = _of(after, "Drained").get("reason"), _of(before, "Drained").get("reason")
        if (
            step
            and phase != was_phase
            and (was_phase in Phase.__members__.values() or phase != Phase.RUNNING)
        ):
            note = step.message or f"the Pipeline is {str(step.phase).lower()}"
            await self._events.tell(document, str(step.phase), note, action="Follow")

    def _mark_refused(self) -> None:
        """A place in a bucket may have become free, or taken, for those that wait for one."""
        for key, member in self.members.items():
            if _status_of(member.status, "Accepted") == "False":
                self._mark(key)


def _of(status: Mapping[str, Any], kind: str) -> Json:
    return next((each for each in status.get("conditions", []) if each["type"] == kind), {})


def _status_of(status: Mapping[str, Any], kind: str) -> str:
    return str(_of(status, kind).get("status", ""))
