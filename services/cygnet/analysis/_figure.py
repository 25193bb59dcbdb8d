"""What all figures share: colours that are told apart without colour vision, and how a file is written."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cygnet.model.errors import BadInputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NUCLEAR, ELECTRONIC, NEUTRAL, FIT = "#0072B2", "#D55E00", "#555555", "#009E73"  # of Okabe and Ito's palette
SERIES = ("#E69F00", "#0072B2", "#009E73")
_DPI = 110


def new_figure(width_inches: float, height_inches: float) -> "Figure":
    """Return a figure that no global state knows. Raises BadInputError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise BadInputError("a figure needs matplotlib: pip install 'cygnet[analysis]'") from None
    return Figure(figsize=(width_inches, height_inches), layout="constrained")


def write(figure: Any, path: Path) -> None:
    """Write a figure in the format of the file's suffix. Raises BadInputError when it can't be written."""
    try:
        figure.savefig(path, dpi=_DPI)
    except OSError as error:
        raise BadInputError(f"{path} can't be written: {error.strerror or error}") from error
    except ValueError as error:
        raise BadInputError(f"{path}: {error}") from error


def plain(axes: "Axes") -> None:
    """Leave out what carries nothing, and draw a faint grid behind the data."""
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
