"""Which outputs may feed which inputs."""

import pytest

from engine.graph.types import fits


class AlwaysEqual(str):
    """The wildcard that packs write: a string that is unequal to nothing."""

    __slots__ = ()

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


@pytest.mark.parametrize(
    ("received", "declared"),
    [
        ("IMAGE", "IMAGE"),
        ("FLOAT", "IMAGE,FLOAT"),
        ("FLOAT , INT", "INT"),
        ("*", "LATENT"),
        ("LATENT", "*"),
        ("LATENT", "IMAGE, *"),
        ("LATENT", "COMFY_MATCHTYPE_V3"),
        (AlwaysEqual("*"), "LATENT"),
        ("LATENT", AlwaysEqual("anything")),
        (["a", "b"], AlwaysEqual("*")),
        (["a", "b"], ["a", "b"]),
        (["a", "b"], "COMBO"),
        ("", ""),
    ],
)
def test_types_that_fit(received: object, declared: object) -> None:
    assert fits(received, declared)


@pytest.mark.parametrize(
    ("received", "declared"),
    [
        ("STRING", "INT"),
        ("IMAGE", ["a"]),
        (["a"], ["b"]),
        (["a"], "STRING"),
        ("COMBO", ["a"]),
        ("", "IMAGE"),
        ("BOOL", "BOOLEAN"),
    ],
)
def test_types_that_do_not_fit(received: object, declared: object) -> None:
    assert not fits(received, declared)


def test_strictly_an_input_must_take_all_that_an_output_may_be() -> None:
    assert fits("INT,FLOAT", "FLOAT")
    assert not fits("INT,FLOAT", "FLOAT", strict=True)
    assert fits("FLOAT", "INT,FLOAT", strict=True)
