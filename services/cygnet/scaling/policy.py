"""The scaling policy: one pure function from what was seen to how many pods there should be, and why."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from cygnet.scaling import rules, steps
from cygnet.scaling.conditions import blind, conditions
from cygnet.scaling.decision import Action, Decision, Verdict
from cygnet.scaling.history import History, Lifecycle, Sample
from cygnet.scaling.inputs import inputs, sample_inputs
from cygnet.scaling.learning import adopt, demand_of, learn, notice_ask, notice_others
from cygnet.scaling.measure import Fault, fault_in, measure
from cygnet.scaling.memory import Memory
from cygnet.scaling.rules import Situation
from cygnet.scaling.spec import ScalingSpec

RULES: Final[tuple[Callable[[Situation], Verdict | None], ...]] = (
    rules.lifecycle,
    rules.external,
    rules.rollout,
    rules.asked,
    rules.bounds,
    rules.metrics,
    rules.manual,
    rules.from_zero,
    rules.warm_up,
    rules.stalled,
    rules.backpressured,
    steps.capacity_unknown,
    steps.to_zero,
    steps.up,
    steps.down,
    steps.enough,
)
"""The first rule that speaks decides."""


def decide(history: History, spec: ScalingSpec) -> Decision:
    """Decide how many pods there should be at `history.now`.

    Pure: the same history and spec give the same decision. Call it every tick (5 s), also when sampling
    failed (then with a sample of Nones, or none); put `Decision.memory` into the next history, and set the
    replicas to `Decision.desired` when `Decision.acts`. The contract is DESIGN §9.
    """
    sample = history.samples[-1] if history.samples else Sample(time=history.now)
    memory = _with_others(history.memory.not_after(history.now), sample, spec)
    memory = notice_ask(memory, sample, spec)
    current = -1 if sample.desired is None else sample.desired
    fault = fault_in(history)
    if fault and current < 0:
        return _blind(history, spec, memory, fault)
    measurement = None if fault else measure(history.samples, memory.mu_hz)
    steady = sample.lifecycle is Lifecycle.RUNNING and not sample.rolling_out
    if measurement and measurement.warm and steady:
        memory = learn(memory, measurement, spec)
    situation = Situation(
        now=history.now,
        spec=spec,
        sample=sample,
        current=current,
        memory=memory,
        fault=fault,
        measurement=measurement,
        demand=demand_of(measurement, memory.mu_hz, spec) if measurement else None,
    )
    verdict = _first_verdict(situation)
    dry_run = spec.dry_run and not rules.is_asked(situation)  # what a person asks for is no trial
    return Decision(
        time=history.now,
        current=current,
        desired=verdict.replicas,
        action=_action(current, verdict.replicas),
        reason=verdict.reason,
        message=verdict.message,
        inputs=inputs(situation),
        conditions=conditions(situation, verdict),
        dry_run=dry_run,
        memory=_after(memory, current, verdict.replicas, history.now, dry_run=dry_run),
    )


def _first_verdict(situation: Situation) -> Verdict:
    for rule in RULES:
        if verdict := rule(situation):
            return verdict
    raise RuntimeError("the last rule always speaks")


def _action(current: int, desired: int) -> Action:
    if desired == current:
        return Action.HOLD
    return Action.UP if desired > current else Action.DOWN


def _with_others(memory: Memory, sample: Sample, spec: ScalingSpec) -> Memory:
    if sample.desired is None or sample.desired < 0:
        return memory
    if spec.external or sample.lifecycle in (Lifecycle.PAUSED, Lifecycle.DRAINED):
        return adopt(memory, sample)
    return notice_others(memory, sample.desired, sample.time, spec)


def _after(memory: Memory, current: int, desired: int, now: float, *, dry_run: bool) -> Memory:
    """Remember the step. A dry run takes it too, so that it speaks as often as it would act."""
    if desired == current:
        return memory
    memory = replace(memory, last_up=now) if desired > current else replace(memory, last_down=now)
    return memory if dry_run else replace(memory, replicas=desired, replaced=current)


def _blind(history: History, spec: ScalingSpec, memory: Memory, fault: Fault) -> Decision:
    """Decide nothing: not even the replicas are known."""
    return Decision(
        time=history.now,
        current=None,
        desired=None,
        action=Action.HOLD,
        reason=fault.reason,
        message=fault.message,
        inputs=sample_inputs(history.samples[-1]) if history.samples else {},
        conditions=blind(fault),
        dry_run=spec.dry_run,
        memory=memory,
    )
