"""Bypassed nodes hand on the input that suits the consumer."""

import pytest

from engine.graph.editor.fit import Kind, Node
from engine.graph.editor.resolve import are_compatible, bypassed_input
from engine.graph.editor.saved import SavedNode, Slot


@pytest.mark.parametrize(
    ("a", "b", "compatible"),
    [
        ("IMAGE", "image", True),
        ("IMAGE", "MASK", False),
        ("*", "MASK", True),
        ("IMAGE,MASK", "MASK", True),
        ("IMAGE, MASK", "LATENT,mask", True),
        ("IMAGE,MASK", "LATENT", False),
    ],
)
def test_slots_can_be_joined_where_they_have_a_type_in_common(a: str, b: str, compatible: bool) -> None:
    assert are_compatible(a, b) is compatible
    assert are_compatible(b, a) is compatible


@pytest.mark.parametrize(
    ("inputs", "outputs", "output", "wanted", "chosen"),
    [
        (["MODEL", "CLIP"], ["MODEL", "CLIP"], 1, "CLIP", 1),
        (["LATENT", "VAE"], ["IMAGE"], 0, "IMAGE", None),
        (["MODEL", "CONDITIONING", "CONDITIONING", "LATENT"], ["LATENT"], 0, "LATENT", 3),
        (["IMAGE", "IMAGE"], ["IMAGE"], 0, "IMAGE", 0),
        (["MODEL", "VAE"], ["X"], 1, "*", 1),
        (["MODEL", "VAE"], ["X", "Y", "Z"], 2, "*", 0),
        ([], ["X"], 0, "*", None),
        (["MASK", "IMAGE,MASK", "*"], ["IMAGE"], 0, "IMAGE", 1),
    ],
)
def test_a_bypassed_node_hands_on_the_input_that_suits(
    inputs: list[str], outputs: list[str], output: int, wanted: str, chosen: int | None
) -> None:
    slots = tuple(Slot(str(index), type) for index, type in enumerate(inputs))
    node = Node(SavedNode("1", "T"), Kind.STEP, "T", slots, tuple(Slot(type, type) for type in outputs))
    assert bypassed_input(node, output, wanted) == (None if chosen is None else slots[chosen])
