"""Live parameters and the spec: a changed spec sets them, an unchanged one leaves what a person has set."""

from collections.abc import Mapping

from cygnet.transport.values import Values

PARAMETERS_KEY = "params"
_FROM_SPEC_KEY = "params.spec"  # what the spec said when it was last followed
Window = Mapping[str, float]


async def follow_spec(values: Values, window: Window | None) -> bool:
    """Write the spec's window as the parameters if the spec says something new; return whether it did."""
    wanted = {} if window is None else {"window": dict(window)}
    seen = await values.get(_FROM_SPEC_KEY)
    if seen is not None and seen.data == wanted:
        return False
    is_first = seen is None and await values.get(PARAMETERS_KEY) is None
    if not is_first:
        await values.put(PARAMETERS_KEY, wanted)
    await values.put(_FROM_SPEC_KEY, wanted)
    return not is_first
