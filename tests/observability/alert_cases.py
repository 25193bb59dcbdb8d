"""For each alert: what makes it fire, and the nearest thing that must not. Series: as promtool takes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

LIME = 'namespace="beam",pipeline="lime"'
OF_LIME = {"namespace": "beam", "pipeline": "lime"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Series, one value a minute from 0 on, and whether the alert stands at `at`."""

    alert: str
    says: str
    series: Mapping[str, str]
    at: str
    fires: bool
    labels: Mapping[str, str] = field(default_factory=lambda: OF_LIME)


def _condition(kind: str, values: str) -> dict[str, str]:
    return {f'cygnet_pipeline_condition{{condition="{kind}",{LIME}}}': values}


def _late(values: str) -> dict[str, str]:
    return {
        f"cygnet_pipeline_oldest_age_seconds{{{LIME}}}": values,
        f"cygnet_pipeline_target_lag_seconds{{{LIME}}}": "30x1440",
    }


def _replicas(desired: int, most: int) -> dict[str, str]:
    return {
        f"cygnet_pipeline_desired_replicas{{{LIME}}}": f"{desired}x60",
        f"cygnet_pipeline_max_replicas{{{LIME}}}": f"{most}x60",
    }


def _dead(values: str) -> dict[str, str]:
    return {f'cygnet_pipeline_stream_messages{{stream="dead",{LIME}}}': values}


def _dead_bytes(held: int) -> dict[str, str]:
    return {
        f'cygnet_pipeline_stream_bytes{{stream="dead",{LIME}}}': f"{held}x60",
        f'cygnet_pipeline_stream_limit_bytes{{stream="dead",{LIME}}}': "100x60",
    }


def _frames(outcome: str, values: str) -> dict[str, str]:
    component = {"processed": "preprocessor", "stored": "uploader"}[outcome]
    return {f'cygnet_frames_total{{outcome="{outcome}",component="{component}",{LIME}}}': values}


def _uploads(reason: str, values: str) -> dict[str, str]:
    return {f'cygnet_uploads_failed_total{{reason="{reason}",{LIME}}}': values}


def _dropped(values: str) -> dict[str, str]:
    return {
        f'cygnet_source_dropped_frames_total{{detector="cam",reason="intake-overrun",{LIME}}}': values,
    }


def _run(in_flight: str, ended: str) -> dict[str, str]:
    return {
        f'cygnet_ledger_events{{fate="in_flight",detector="cam",run="r1",{LIME}}}': in_flight,
        f'cygnet_ledger_run_ended{{run="r1",{LIME}}}': ended,
    }


def _up(values: str) -> dict[str, str]:
    return {'up{component="operator",job="cygnet"}': values}


def _storage(used: int) -> dict[str, str]:
    return {
        'cygnet_jetstream_storage_bytes{server="nats:4222"}': f"{used}x60",
        'cygnet_jetstream_storage_limit_bytes{server="nats:4222"}': "100x60",
    }


def _pair(
    alert: str,
    *,
    fires: tuple[str, Mapping[str, str], str],
    silent: tuple[tuple[str, Mapping[str, str], str], ...],
    labels: Mapping[str, str] = OF_LIME,
) -> list[Case]:
    cases = [(fires, True), *((each, False) for each in silent)]
    return [
        Case(alert=alert, says=says, series=series, at=at, fires=it_fires, labels=labels)
        for (says, series, at), it_fires in cases
    ]


CASES: tuple[Case, ...] = (
    *_pair(
        "CygnetLagBudgetBurnsFast",
        fires=("late for ten minutes", _late("5x50 90x10"), "62m"),
        silent=(
            ("late for five minutes", _late("5x55 90x5"), "62m"),
            ("late for twenty minutes, but no more", _late("5x20 90x20 5x30"), "62m"),
            ("exactly at the target", _late("30x120"), "62m"),
        ),
    ),
    *_pair(
        "CygnetLagBudgetBurnsSlowly",
        fires=("late three minutes in every half hour", _late("5x26 90x2 " * 13), "6h20m"),
        silent=(
            ("late one minute in every half hour", _late("5x28 90x0 " * 13), "6h20m"),
            ("late for an hour in the morning", _late("5x60 90x60 5x300"), "6h20m"),
        ),
    ),
    *_pair(
        "CygnetFramesGivenUp",
        fires=("the first letter of its kind", _dead("0x5 1x60"), "10m"),
        silent=(
            ("letters that lie there", _dead("7x60"), "30m"),
            ("letters that are replayed", _dead("7x5 0x60"), "10m"),
        ),
    ),
    Case(
        alert="CygnetFramesGivenUp",
        says="letters that drive out older ones",
        series=_dead("100x60")
        | {f'cygnet_dead_letters_total{{detector="cam",reason="truncated",{LIME}}}': "0+3x60"},
        at="20m",
        fires=True,
    ),
    *_pair(
        "CygnetDeadLettersWait",
        fires=("a letter of yesterday", _dead("1x1440"), "12h30m"),
        silent=(
            ("a letter of this morning", _dead("1x1440"), "11h30m"),
            ("none", _dead("0x1440"), "12h30m"),
        ),
    ),
    *_pair(
        "CygnetDeadLettersFull",
        fires=("81 of 100 bytes", _dead_bytes(81), "10m"),
        silent=(("79 of 100 bytes", _dead_bytes(79), "10m"),),
    ),
    *_pair(
        "CygnetFramesDropped",
        fires=("one frame", _dropped("0x5 1x60"), "10m"),
        silent=(("frames of an hour ago", _dropped("0x5 9x90"), "70m"),),
        labels={**OF_LIME, "detector": "cam", "reason": "intake-overrun"},
    ),
    *_pair(
        "CygnetChunkLost",
        fires=("one chunk", _uploads("lost", "0x5 1x60"), "10m"),
        silent=(("a bucket that is away", _uploads("away", "0+1x60"), "10m"),),
    ),
    *_pair(
        "CygnetIngestRefused",
        fires=(
            "held for 40 s of each minute",
            {f'cygnet_source_held_seconds_total{{detector="cam",component="source",{LIME}}}': "0+40x60"},
            "15m",
        ),
        silent=(
            (
                "held for 20 s of each minute",
                {f'cygnet_source_held_seconds_total{{detector="cam",component="source",{LIME}}}': "0+20x60"},
                "15m",
            ),
            (
                "a preprocessor that RESULTS holds",
                {f'cygnet_publish_blocked{{component="preprocessor",{LIME}}}': "1x60"},
                "15m",
            ),
        ),
    ),
    Case(
        alert="CygnetIngestRefused",
        says="held without an end, so that no time is counted yet",
        series={
            f'cygnet_publish_blocked{{component="source",{LIME}}}': "1x60",
            f'cygnet_source_held_seconds_total{{detector="cam",component="source",{LIME}}}': "0x60",
        },
        at="15m",
        fires=True,
    ),
    *_pair(
        "CygnetUploadFailing",
        fires=("the bucket is away", _uploads("away", "0x5 1+1x60"), "20m"),
        silent=(
            ("a single failure", _uploads("away", "0x5 1x60"), "14m"),
            ("none", _uploads("refused", "0x60"), "20m"),
        ),
    ),
    *_pair(
        "CygnetNothingStored",
        fires=("no uploader", _frames("processed", "0+60x60") | _frames("stored", "500x60"), "25m"),
        silent=(
            ("stored as processed", _frames("processed", "0+60x60") | _frames("stored", "0+60x60"), "25m"),
            ("nothing to process", _frames("processed", "500x60") | _frames("stored", "500x60"), "25m"),
        ),
    ),
    *_pair(
        "CygnetRunDoesNotClose",
        fires=("7 events that are nowhere", _run("7x60", "0x5 1x60"), "25m"),
        silent=(
            ("a run that goes on", _run("7x60", "0x60"), "25m"),
            ("a run that closes", _run("7x10 0x60", "0x5 1x60"), "25m"),
        ),
        labels={**OF_LIME, "run": "r1"},
    ),
    *_pair(
        "CygnetPipelineStalled",
        fires=("nothing finished for 3 minutes", _condition("Stalled", "0x5 1x60"), "9m"),
        silent=(
            ("nothing finished for a minute", _condition("Stalled", "0x5 1x1 0x60"), "9m"),
            ("unknown, for the scaler is blind", _condition("Stalled", "-1x60"), "9m"),
        ),
    ),
    *_pair(
        "CygnetScalerBlind",
        fires=("blind for 6 minutes", _condition("MetricsAvailable", "1x5 0x60"), "12m"),
        silent=(
            ("blind for 4 minutes", _condition("MetricsAvailable", "1x5 0x4 1x60"), "12m"),
            ("another condition is False", _condition("Paused", "0x60"), "12m"),
        ),
    ),
    *_pair(
        "CygnetAtMaxReplicas",
        fires=("20 of 20 and late", _late("90x60") | _replicas(20, 20), "15m"),
        silent=(
            ("20 of 20 in time", _late("9x60") | _replicas(20, 20), "15m"),
            ("19 of 20 and late", _late("90x60") | _replicas(19, 20), "15m"),
        ),
    ),
    *_pair(
        "CygnetOperatorDown",
        fires=("it does not answer", _up("1x5 0x60"), "12m"),
        silent=(
            ("a restart of 4 minutes", _up("1x5 0x3 1x60"), "12m"),
            ("it answers", _up("1x60"), "12m"),
        ),
        labels={},
    ),
    Case(
        alert="CygnetOperatorDown",
        says="nobody knows of it",
        series={f'up{{component="uploader",{LIME}}}': "1x60"},
        at="12m",
        fires=True,
        labels={},
    ),
    *_pair(
        "CygnetOperatorBlind",
        fires=("refused for 6 minutes", {'cygnet_operator_watch_alive{resource="pods"}': "1x5 0x60"}, "12m"),
        silent=(
            (
                "refused for 3 minutes",
                {'cygnet_operator_watch_alive{resource="pods"}': "1x5 0x2 1x60"},
                "12m",
            ),
        ),
        labels={"resource": "pods"},
    ),
    *_pair(
        "CygnetReconcileFails",
        fires=("for 20 minutes", {f"cygnet_operator_reconcile_failing{{{LIME}}}": "0x5 1x60"}, "26m"),
        silent=(
            ("for 10 minutes", {f"cygnet_operator_reconcile_failing{{{LIME}}}": "0x5 1x10 0x60"}, "26m"),
        ),
    ),
    *_pair(
        "CygnetJetStreamStorageFull",
        fires=("81 of 100 bytes", _storage(81), "10m"),
        silent=(
            ("79 of 100 bytes", _storage(79), "10m"),
            ("no limit", {'cygnet_jetstream_storage_bytes{server="nats:4222"}': "81x60"}, "10m"),
        ),
        labels={"server": "nats:4222"},
    ),
)
