"""A network with patches: a twin of its modules that shares every weight which no patch changes.

The network itself is never touched: without its patches it is, bit for bit, what it was. Twins are made when they are
first called, and the ones called last are kept.
"""

from collections.abc import Sequence
from copy import deepcopy
from threading import RLock
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import torch
from diffusers.hooks.layerwise_casting import LayerwiseCastingHook, apply_layerwise_casting_hook
from torch import nn

from engine.device import held, memory
from engine.device.resident import bring_if_free
from engine.diffusion.compiled import compiled
from engine.weights.patch import Patch, patched

M = TypeVar("M", bound=nn.Module)
Patches = tuple[Patch, ...]

KEPT = 2  # twins of one network: workflows that go to and fro between two sets of patches are common


class _Kept:
    """The twins in use lately, by network and patches; a network that is gone takes its twins along."""

    def __init__(self) -> None:
        self._twins: WeakKeyDictionary[nn.Module, list[tuple[Patches, str | None, nn.Module]]] = WeakKeyDictionary()
        self._lock = RLock()

    def get(self, network: nn.Module, patches: Patches, backend: str | None) -> nn.Module:
        with self._lock:
            twins = self._twins.setdefault(network, [])  # the one called last at the end
            index = next((at for at, (*known, _) in enumerate(twins) if _same(known, patches, backend)), None)
            if index is None:
                del twins[: len(twins) - KEPT + 1]  # before the next is made: it needs their memory
                twin = make_twin(network, patches)
                with memory.named_shortage("patching weights"):
                    bring_if_free(twin)
                twins.append((patches, backend, twin if backend is None else compiled(twin, backend)))
            else:
                twins.append(twins.pop(index))
            return twins[-1][2]

    def clear(self) -> None:
        with self._lock:
            self._twins.clear()


_kept = _Kept()
memory.on_shortage(_kept.clear)


def _same(known: Sequence[Any], patches: Patches, backend: str | None) -> bool:
    return known[1] == backend and (known[0] is patches or known[0] == patches)


def with_patches(network: M, patches: Patches, backend: str | None = None) -> M:
    """The network with these patches, its layers compiled by a backend of torch.compile; without either, itself.

    Raises OutOfMemory.
    """
    return cast(M, _kept.get(network, patches, backend)) if patches or backend else network


def make_twin(network: M, patches: Sequence[Patch]) -> M:
    """Copies of a network's modules, with patched weights where there are patches and the network's own elsewhere.

    Where the network's weights may come and go, so may the patched ones: they are computed when they are wanted.
    Patches name parameters of the network. Raises KeyError for one that it does not have, and OutOfMemory.
    """
    own = dict(network.named_parameters())
    by_weight: dict[str, list[Patch]] = {}
    for patch in patches:
        by_weight.setdefault(patch.target.weight, []).append(patch)
    # What deepcopy finds here by the id of the original is taken as its copy.
    stand_ins: dict[int, Any] = {id(each): each for each in (*own.values(), *network.buffers())}
    holding = held.of(network)
    device = next(iter(own.values())).device
    reads: dict[str, held.Read] = {}
    with torch.no_grad(), memory.named_shortage("patching weights", device):
        for name, of_weight in by_weight.items():
            if holding is None:
                weight = patched(own[name], of_weight, name)
            else:
                weight = torch.empty_like(own[name], device="meta")
                reads[name] = _patching(held.read_of(own[name]), tuple(of_weight), name)
            stand_ins[id(own[name])] = nn.Parameter(weight, requires_grad=False)
    twin = deepcopy(network, stand_ins)
    _cast_again(twin)
    if holding is not None:
        held.hold(twin, reads, holding.device, f"{holding.what}, patched", holding.file)
    return twin


def _patching(read: held.Read, patches: Patches, name: str) -> held.Read:
    return lambda: patched(read(), patches, name)


def _cast_again(twin: nn.Module) -> None:
    """Hooks that convert weights kept in a narrow type still call the original's layers: hang them on the twin's."""
    for layer in twin.modules():
        attributes = vars(layer)
        if (registry := attributes.get("_diffusers_hook")) is None:
            continue
        hooks: list[LayerwiseCastingHook] = list(registry.hooks.values())
        del attributes["_diffusers_hook"], attributes["forward"]
        for hook in hooks:
            apply_layerwise_casting_hook(layer, hook.storage_dtype, hook.compute_dtype, hook.non_blocking)
