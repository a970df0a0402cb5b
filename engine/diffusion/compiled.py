"""Networks whose transformer layers are compiled: layers that are alike share what is compiled, which takes less time
than a whole network does."""

import os
import shutil
from typing import TypeVar

import torch
from diffusers.models.attention import BasicTransformerBlock
from torch import nn

M = TypeVar("M", bound=nn.Module)

_COMPILERS = ("c++", "g++", "clang++", "cl")


def check_backend(backend: str, device: torch.device) -> None:
    """Raises ValueError where a backend of torch.compile cannot work on this device."""
    if backend == "cudagraphs" and device.type != "cuda":
        msg = f"the backend cudagraphs records work of NVIDIA cards, and the model is on {device.type}: take inductor"
        raise ValueError(msg)
    names = (os.environ.get("CXX"), *_COMPILERS)
    if backend == "inductor" and device.type == "cpu" and not any(name and shutil.which(name) for name in names):
        msg = (
            "the backend inductor compiles with a C++ compiler for the CPU, and none was found: install g++ or clang++"
        )
        raise ValueError(msg)


def compiled(network: M, backend: str) -> M:
    """The network itself, its transformer layers compiled from their first call on for each size."""
    for layer in network.modules():
        if isinstance(layer, BasicTransformerBlock):
            layer.compile(backend=backend)
    return network
