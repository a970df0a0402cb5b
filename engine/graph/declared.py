"""Which inputs of a node are declared by its type: those that it lists, and the members of its groups."""

from collections.abc import Iterator

from engine.graph.graph import Node
from engine.node.spec import Input, NodeType


def declared_inputs(node: Node, type_: NodeType) -> Iterator[Input]:
    """The inputs to check, hidden ones aside.

    A group's members are listed nowhere: they are the names `group.member` that the node has and its type knows.
    """
    listed = {each.name: each for each in type_.inputs if each.section != "hidden"}
    yield from listed.values()
    for name in node.inputs:
        group, dot, _ = name.partition(".")
        if dot and name not in listed and group in listed and (member := type_.input(name)) is not None:
            yield member
