"""What the executor costs per node: chains of trivial nodes, run for the first time and again from the cache."""

import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from engine.graph.graph import Graph, Link, Node  # noqa: E402 - the clone is used as it lies there
from engine.graph.plan import make_plan  # noqa: E402
from engine.node.declare import describe, node  # noqa: E402
from engine.run.events import RunFinished  # noqa: E402
from engine.run.policies import Classic  # noqa: E402
from engine.run.run import alone, run  # noqa: E402

SIZES = (10, 100, 1000, 5000)


@node("benchmark")
def first(value: int = 0) -> int:
    """Start a chain."""
    return value


@node("benchmark")
def following(value: int) -> int:
    """Add one."""
    return value + 1


@node("benchmark", is_output=True)
def last(value: int) -> None:
    """End a chain."""


TYPES = {each.id: each for each in (describe(first), describe(following), describe(last))}


def chain(length: int) -> Graph:
    nodes = {"0": Node("0", "first", {"value": 1})}
    for index in range(1, length - 1):
        nodes[str(index)] = Node(str(index), "following", {"value": Link(str(index - 1), 0)})
    nodes["end"] = Node("end", "last", {"value": Link(str(length - 2), 0)})
    return Graph(nodes)


def timed(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


def main() -> None:
    """Print seconds, microseconds per node, and how the cost per node compares with the shortest chain's."""
    print(f"{'nodes':>6} {'first run':>11} {'per node':>10} {'ratio':>6} {'cached':>11} {'per node':>10} {'ratio':>6}")
    base: tuple[float, float] | None = None
    for size in SIZES:
        plan, cache = make_plan(chain(size), {"end"}), Classic()

        def once(plan: object = plan, cache: Classic = cache) -> None:
            *_, end = alone(run(plan, TYPES, cache))  # pyright: ignore[reportArgumentType]
            if not isinstance(end, RunFinished):
                sys.exit(f"the run ended with {end}")

        fresh, again = timed(once), timed(once)
        each = (fresh / size * 1e6, again / size * 1e6)
        base = base or each
        ratios = (each[0] / base[0], each[1] / base[1])
        print(
            f"{size:>6} {fresh * 1e3:>9.1f}ms {each[0]:>8.1f}us {ratios[0]:>6.2f}"
            f" {again * 1e3:>9.2f}ms {each[1]:>8.1f}us {ratios[1]:>6.2f}"
        )


if __name__ == "__main__":
    main()
