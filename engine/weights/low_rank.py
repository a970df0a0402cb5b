"""A change of one weight as tensors of a LoRA file: two small factors, or the whole difference."""

from typing import Literal

import torch
from torch import Tensor

LoraType = Literal["standard", "full_diff"]


def factors(difference: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """The two factors whose product is nearest to a difference (o, i, …): up (o, r, …) and down (r, i, …).

    Of all products of this rank, that of the largest singular values is the nearest (Eckart & Young 1936). Each factor
    gets the root of them. `r` is `rank`, or less where the weight has not so many; kernels stay with `down`, as Hu et
    al. (2021) is read for convolutions.
    """
    out, into, *kernel = difference.shape
    rows, values, columns = torch.linalg.svd(difference.float().flatten(1), full_matrices=False)
    count = min(rank, out, into)
    roots = values[:count].sqrt()
    up = (rows[:, :count] * roots).reshape(out, count, *[1] * len(kernel))
    down = (roots[:, None] * columns[:count]).reshape(count, into, *kernel)
    return up, down


def as_lora(name: str, difference: Tensor, rank: int, kind: LoraType, *, with_biases: bool = True) -> dict[str, Tensor]:
    """What a LoRA file holds, float16, of the difference of a weight by its name in files, `….weight` or `….bias`.

    Matrices and convolutions become two factors, or stay whole with `full_diff`. Norms and biases are always whole, and
    left out where they are not wanted. Of what does not change there is nothing.
    """
    module, _, leaf = name.rpartition(".")
    is_matrix = difference.ndim > 1
    if not difference.any() or not (is_matrix or with_biases):
        return {}
    if is_matrix and kind == "standard":
        up, down = factors(difference, rank)
        tensors = {f"{module}.lora_up.weight": up, f"{module}.lora_down.weight": down}
    else:
        tensors = {f"{module}.{'diff' if leaf == 'weight' else 'diff_b'}": difference}
    return {name: tensor.half().cpu().contiguous() for name, tensor in tensors.items()}
