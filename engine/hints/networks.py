"""Networks that see hints: built by controlnet-aux, filled from files of weights, kept, and moved to work and back."""

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine.device import memory, place
from engine.hints import annotators, library
from engine.hints.annotators import Weights
from engine.weights import shelf
from engine.weights.read import BadFile, Tensors, open_tensors

# What training scripts put before the names of tensors; the state_dict around them is taken off on reading.
_PREFIXES = ("", "module.", "model.", "model.module.", "depth_model.", "depth_model.module.")

Names = Callable[[str], str]


def same(name: str) -> str:
    """A tensor is called in the file as in the network."""
    return name


def network(weights: Weights, make: Callable[[], Any], what: str, stored_name: Names = same) -> Any:
    """The network of these weights, kept after it was read once, on the processor.

    `stored_name` tells what a tensor of the network is called in the file. Raises MissingWeights, or BadFile for a
    file that holds something else.
    """
    path = annotators.find(weights, what)
    return shelf.current().get(lambda: _read(path, make, what, stored_name), (path,), "annotator", make)


def _read(path: Path, make: Callable[[], Any], what: str, stored_name: Names) -> Any:
    tensors = open_tensors(path)
    # Nodes run in inference mode, and its tensors would know no gradients, which other users of the value may want.
    with torch.inference_mode(False), torch.no_grad(), library.quiet():
        made: nn.Module = make()
        _fill(made, tensors, what, stored_name)
        return made.float().eval().requires_grad_(False)


def _fill(made: nn.Module, tensors: Tensors, what: str, stored_name: Names) -> None:
    wanted = {name: stored_name(name) for name in made.state_dict()}
    prefix = max(_PREFIXES, key=lambda each: sum(each + name in tensors for name in wanted.values()))
    found = {name: prefix + stored for name, stored in wanted.items() if prefix + stored in tensors}
    # Files from before PyTorch 0.4.1 do not count batches, and nothing but training asks for the count.
    missing = [name for name in wanted if name not in found and not name.endswith("num_batches_tracked")]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise BadFile(tensors.path, f"holds no weights of {what}: it lacks {wanted[missing[0]]}{more}")
    try:
        made.load_state_dict({name: tensors[stored] for name, stored in found.items()}, strict=False)
    except RuntimeError as error:
        told = str(error).strip().rpartition("\n")[2].strip()
        raise BadFile(tensors.path, f"holds no weights of {what}: {told}") from None


@contextmanager
def at_work(networks: Iterable[nn.Module], what: str) -> Generator[torch.device]:
    """Has networks on the device of this process for a while, and on the processor again after it."""
    device = place.current().device
    networks = tuple(networks)
    try:
        with memory.named_shortage(what, device), torch.inference_mode(False), torch.no_grad(), library.quiet():
            for each in networks:
                each.to(device)
            yield device
    finally:
        if device.type != "cpu":
            for each in networks:
                each.to("cpu")
