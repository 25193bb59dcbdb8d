"""Cygnet: image detectors as data pipelines, every frame stored once and only once."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cygnet.storage.dataset import open_dataset as open  # noqa: A004 - it is spoken `cygnet.open`

__version__ = "0.1.0"
__all__ = ["__version__", "open"]


def __getattr__(name: str) -> object:
    """Load `open` at its first use: `import cygnet` alone brings neither numpy nor a network library."""
    if name == "open":
        from cygnet.storage.dataset import open_dataset

        globals()["open"] = open_dataset
        return open_dataset
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
