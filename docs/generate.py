"""Writes the tables of the docs that are made from the code: `python docs/generate.py`."""

import sys
from itertools import groupby
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))

from engine.node.spec import Input, NodeType  # noqa: E402 - the clone is used as it lies there
from nodes import built_in_registry  # noqa: E402


def nodes_page() -> str:
    """The page of all built-in nodes: by category, with their sockets and what they do."""
    types = built_in_registry().snapshot()
    ordered = sorted((types[id] for id in types), key=lambda each: (each.category, each.id))
    lines = [
        "# Built-in nodes",
        "",
        f"All {len(ordered)} of them, by category. Made from the code by `python docs/generate.py`; do not edit.",
    ]
    for category, group in groupby(ordered, key=lambda each: each.category):
        lines += ["", f"## {category}", "", "| node | inputs | outputs | what it does |", "|---|---|---|---|"]
        lines += [_row(each) for each in group]
    return "\n".join(lines) + "\n"


def _row(type_: NodeType) -> str:
    inputs = ", ".join(_input(each) for each in type_.inputs if each.section != "hidden")
    outputs = ", ".join(output.name for output in type_.outputs)
    return f"| `{type_.id}` | {inputs} | {outputs} | {_cell(type_.description)} |"


def _input(each: Input) -> str:
    return each.name if each.required else f"{each.name} (optional)"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    (DOCS / "nodes.md").write_text(nodes_page(), "utf-8")
