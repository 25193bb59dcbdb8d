"""Write every dashboard as JSON into the chart: python -m dashboards."""

from pathlib import Path

from dashboards.grafana import to_json
from dashboards.operator_board import OPERATOR
from dashboards.pipeline_board import PIPELINE

FOLDER = Path(__file__).resolve().parents[1] / "charts/cygnet/dashboards"
BOARDS = {"pipeline.json": PIPELINE, "operator.json": OPERATOR}


def main() -> None:
    """Write."""
    for name, board in BOARDS.items():
        (FOLDER / name).write_text(to_json(board))


if __name__ == "__main__":
    main()
