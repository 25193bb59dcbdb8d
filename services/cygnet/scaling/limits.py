"""The fixed numbers of the scaling policy, each with the reason why it is not an option.

What depends on the experiment is in `ScalingSpec`. What is here follows from how the samples are taken and
from what a step costs; a user who has to tune one of these has found a fault in the policy. All times are in
seconds.
"""

from typing import Final

TICK_SECONDS: Final = 5.0
"""Samples and decisions come every tick: short beside a pod's start (20 s), long beside a broker request."""

STALE_SECONDS: Final = 3 * TICK_SECONDS
"""A sample older than three ticks says nothing of now. A hole this long in the history also cuts it."""

WARM_UP_SECONDS: Final = 2 * TICK_SECONDS
"""After a start, a hole or a reset of a counter no rate is believed before this much has been seen."""

RATE_WINDOW_SECONDS: Final = 30.0
"""Processed frames are counted over this long, or over three frames' time per fleet when frames are slow."""

RATE_WINDOW_LIMIT_SECONDS: Final = 600.0
"""No rate looks further back than this, whatever a frame costs; the history is kept as long."""

ARRIVAL_TIME_CONSTANT_SECONDS: Final = 15.0
"""The arrival rate forgets with this time constant: two thirds of a step are believed after three ticks."""

TOLERANCE: Final = 0.1
"""Demand within ±10 % of the replicas changes nothing: HPA's own dead band, above the noise of a 5 s rate."""

UP_FACTOR: Final = 2
UP_PODS: Final = 8
UP_PERIOD_SECONDS: Final = 15.0
"""One step up at most doubles or adds eight pods, every 15 s: a wrong rate can do no more harm. HPA adds
four; as a pod starts in 20 s, 100 frames/s on one pod of 12 were then 36 s over the target, with eight none
(`simulator.py`)."""

DOWN_FRACTION: Final = 0.25
DOWN_PERIOD_SECONDS: Final = 30.0
DOWN_AFTER_UP_SECONDS: Final = 60.0
"""A step down takes at most a quarter (one pod of a small fleet), every 30 s, and never reverses a fresh
step up: its pods need 20 s to start and as long again to show in a rate."""

COOLDOWN_SECONDS: Final = 300.0
"""How long nothing must happen before the last pod goes, and how long a person's own scaling is respected
(KEDA's cooldownPeriod has the same default)."""

BACKPRESSURE_FILL: Final = 0.8
"""A downstream stream this full is not sent more: the rest is what workers already hold."""

BUSY_FRAMES_PER_POD: Final = 2
"""With more than two frames waiting per pod no pod is idle, so that processed/ready is a pod's capacity."""

COUNTED_MESSAGES: Final = 10
"""A rate is told from this many acked messages; fewer, such as slow packs, are too coarse, and then what the
workers say that they have processed counts."""

MU_WEIGHT: Final = 0.3
MU_MIN_SECONDS: Final = 2 * TICK_SECONDS
"""A new capacity counts 30 %, and only after ten busy seconds with the same pods."""

GAIN_EXPECTED: Final = 0.1
GROWTH_JUDGED: Final = 1.2
GROWTHS_IN_VAIN: Final = 2
RETRY_GROWTH_SECONDS: Final = 600.0
"""A growth of at least a fifth that brings less than a tenth has met another limit. After two of them growth
stops; it is tried again when the backlog is gone or after ten minutes, since the other limit may have
moved."""

FOREIGN_WRITES_LIMIT: Final = 3
"""This many scalings by others within two cooldowns is not a person but a second autoscaler."""

PEAK_BUCKETS: Final = 12
"""The scale-down window is remembered as this many maxima, so that the memory fits a status field."""
