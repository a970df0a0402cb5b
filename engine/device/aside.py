"""Work beside what a device is doing: on a copy of a tensor, in a stream of its own where the device has streams."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class Copied:
    """A tensor as it will be once its device has come so far."""

    tensor: Tensor
    ready: torch.cuda.Event | None


@dataclass
class Aside:
    """One place for such work per process, as each stream keeps memory of its own."""

    _streams: dict[torch.device, torch.cuda.Stream] = field(default_factory=dict[torch.device, torch.cuda.Stream])

    def copy(self, tensor: Tensor) -> Copied:
        """Copy a tensor without waiting for it."""
        copied = tensor.detach().clone()
        if copied.device.type != "cuda":
            return Copied(copied, None)
        ready = torch.cuda.Event()
        ready.record(torch.cuda.current_stream(copied.device))
        return Copied(copied, ready)

    @contextmanager
    def working_on(self, copied: Copied) -> Generator[Tensor]:
        """The tensor, in its own stream. Waits for it first; work is to be waited for before the block ends."""
        if copied.ready is None:
            yield copied.tensor
            return
        copied.ready.synchronize()
        device = copied.tensor.device
        stream = self._streams.setdefault(device, torch.cuda.Stream(device))
        with torch.cuda.stream(stream):
            yield copied.tensor
            stream.synchronize()
