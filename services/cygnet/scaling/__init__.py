"""How many workers there should be: one pure policy for the operator, one machine and the simulator."""

from cygnet.scaling.decision import Action, Condition, Decision, Reason, Status
from cygnet.scaling.history import History, Lifecycle, Sample
from cygnet.scaling.learning import may_ask
from cygnet.scaling.limits import TICK_SECONDS
from cygnet.scaling.memory import Memory
from cygnet.scaling.policy import decide
from cygnet.scaling.spec import ScalingSpec

__all__ = [
    "TICK_SECONDS",
    "Action",
    "Condition",
    "Decision",
    "History",
    "Lifecycle",
    "Memory",
    "Reason",
    "Sample",
    "ScalingSpec",
    "Status",
    "decide",
    "may_ask",
]
