"""Writes edges.json: what kornia 0.9 finds in the picture of tests/pictures/test_canny.py.

Needs kornia, which Heddle does not: `python tests/references/canny/make.py`.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2]))

from kornia.filters import canny  # noqa: E402 # pyright: ignore[reportMissingImports] - only for this script

from tests.pictures.test_canny import THRESHOLDS, drawn  # noqa: E402 - the clone is used as it lies there


def rows(low: float, high: float) -> list[str]:
    """The picture's edges as rows of `#` and `.`."""
    _, edges = canny(drawn().movedim(-1, 1), low, high)
    return ["".join(".#"[int(each)] for each in row) for row in edges[0, 0]]


if __name__ == "__main__":
    cases = {f"{low} {high}": rows(low, high) for low, high in THRESHOLDS}
    (HERE / "edges.json").write_text(json.dumps(cases, indent=1) + "\n", "utf-8")
