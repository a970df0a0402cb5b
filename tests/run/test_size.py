from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from engine.run.size import size_of


@dataclass(frozen=True)
class Pair:
    left: Any
    right: Any


def test_tensors_count_their_whole_storage_once() -> None:
    whole = torch.zeros(100)
    assert size_of(whole) == 400
    assert size_of([whole, whole[:10], whole.view(10, 10)]) == 400


def test_containers_and_dataclasses_are_walked() -> None:
    assert (
        size_of({"samples": torch.zeros(4), "more": [Pair(torch.zeros(2), (torch.zeros(1, dtype=torch.uint8),))]}) == 25
    )


def test_circles_are_passed_once() -> None:
    circle: list[Any] = [torch.zeros(4)]
    circle.append({"again": circle})
    assert size_of(circle) == 16


def test_arrays_images_text_and_bytes_count() -> None:
    array = np.zeros((4, 4))
    assert size_of([array, array[1:]]) == 128
    assert size_of(Image.new("RGB", (10, 10))) == 300
    assert size_of([b"1234", "123"]) == 7


def test_modules_count_their_parameters() -> None:
    assert size_of(torch.nn.Linear(10, 10)) == 440


def test_plain_objects_are_walked_and_programs_are_not() -> None:
    class Holder:
        def __init__(self) -> None:
            self.tensor = torch.zeros(4)
            self.module = np
            self.function = size_of

    assert size_of(Holder()) == 16
    assert size_of([None, 1, 2.0, True]) == 0


def test_memory_of_no_device_counts_nothing() -> None:
    assert size_of(torch.zeros(10, device="meta")) == 0
