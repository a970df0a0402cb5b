"""What reading, checking and planning a prompt costs, by its number of nodes; a linear cost has a constant ratio.

    python tests/benchmarks/check_and_plan.py

Goal: 1,000 nodes in well under a second. Chains have the longest paths, fans the most links into one node's graph.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from engine.graph.check import check  # noqa: E402 - the clone is used as it lies there
from engine.graph.plan import make_plan  # noqa: E402
from engine.graph.prompt import graph_from_prompt  # noqa: E402
from nodes import built_in_registry  # noqa: E402

SIZES = (10, 100, 1_000, 5_000, 10_000)


def chain(count: int) -> dict[str, Any]:
    """Each node inverts the picture of the one before."""
    prompt: dict[str, Any] = {
        "0": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}}
    }
    for i in range(1, count - 1):
        prompt[str(i)] = {"class_type": "ImageInvert", "inputs": {"image": [str(i - 1), 0]}}
    prompt["end"] = {"class_type": "PreviewImage", "inputs": {"images": [str(count - 2), 0]}}
    return prompt


def fan(count: int) -> dict[str, Any]:
    """A binary tree of batches over single pictures."""
    prompt: dict[str, Any] = {}
    for i in range(count - 1, 0, -1):
        if 2 * i + 1 < count:
            inputs: dict[str, Any] = {"image1": [str(2 * i), 0], "image2": [str(2 * i + 1), 0]}
            prompt[str(i)] = {"class_type": "ImageBatch", "inputs": inputs}
        else:
            inputs = {"width": 8, "height": 8, "batch_size": 1, "color": i}
            prompt[str(i)] = {"class_type": "EmptyImage", "inputs": inputs}
    prompt["end"] = {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}
    return prompt


def seconds(prompt: dict[str, Any]) -> float:
    registry = built_in_registry()
    began = time.perf_counter()
    verdict = check(graph_from_prompt(prompt), registry.snapshot())
    plan = make_plan(verdict.graph, verdict.outputs)
    ended = time.perf_counter()
    assert len(plan.steps) == len(prompt), "the prompt is not what it was meant to be"
    return ended - began


def main() -> None:
    shapes: tuple[Callable[[int], dict[str, Any]], ...] = (chain, fan)
    print(f"{'shape':8} {'nodes':>7} {'ms':>9} {'us per node':>12} {'ratio to 100 nodes':>19}")
    for shape in shapes:
        per_node: dict[int, float] = {}
        for count in SIZES:
            taken = statistics.median(seconds(shape(count)) for _ in range(5))
            per_node[count] = taken / count
            ratio = f"{per_node[count] / per_node[100]:19.2f}" if 100 in per_node else ""
            print(f"{shape.__name__:8} {count:7} {taken * 1e3:9.2f} {per_node[count] * 1e6:12.1f} {ratio}")


if __name__ == "__main__":
    main()
