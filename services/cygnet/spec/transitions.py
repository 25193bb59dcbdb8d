"""What must stay while a pipeline holds frames: rules between a Pipeline as it was and as it is to be.

On one machine `cygnet up` refuses the same changes while a run is unfinished.
"""

from cygnet.spec.rules import Cel, Rule

_HAD = (
    "has(oldSelf.status) && has(oldSelf.status.conditions)"
    " && oldSelf.status.conditions.exists(c, c.type == '{}' && c.status == 'True')"
)
_FREE = f"!({_HAD.format('Accepted')}) || ({_HAD.format('Drained')})"
"""Nothing can be on its way: the pipeline has never been accepted, or it is drained."""


def _fixed(field: str, absent: str = "") -> Rule:
    """Return the rule that a field stays as it is; `absent`: what it is where it is not given."""

    def value(of: str) -> str:
        return (
            f"(has({of}.spec.{field}) ? {of}.spec.{field} : {absent.format(of)})"
            if absent
            else (f"{of}.spec.{field}")
        )

    return Rule(
        f"{field} is fixed while frames are on their way: set lifecycle: Drained, and change it once the"
        " condition Drained is True",
        f"spec.{field}",
        Cel(holds=f"{_FREE} || {value('self')} == {value('oldSelf')}"),
    )


FIXED = (
    _fixed("store"),
    _fixed("uploader.bucket"),
    _fixed("uploader.prefix", "{}.metadata.name"),
    _fixed("storage.endpoint", "''"),
    _fixed("nats.url", "''"),
)
"""Where frames, chunks and the account lie. Sizes, replicas and times of streams change in place."""
