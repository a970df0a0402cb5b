"""A network whose layers come when they are called and go again: the next ones are fetched while one works."""

import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from engine.device.held import Holding, Layer, Weight


@dataclass(frozen=True)
class _Fetched:
    """The numbers of a layer's weights that are not near, as they will be once their device has come so far."""

    numbers: tuple[Tensor | None, ...]
    ready: torch.cuda.Event | None


@dataclass
class Stream:
    """Layers that come and go, but for those that stay; it holds at most `window` bytes of them at once."""

    holding: Holding
    staying: frozenset[Layer]
    window: int  # bytes, the layer at work among them
    others: frozenset[Weight]  # near because someone else works with them: they are not let go
    keeps_copy: Callable[[Weight], bool]  # whether one that is let go stays in main memory
    _layers: tuple[Layer, ...] = ()  # those that come and go, in the order in which they are expected
    _on_the_way: "dict[int, Future[_Fetched]]" = field(default_factory=dict[int, "Future[_Fetched]"])
    _called: dict[Layer, None] = field(default_factory=dict[Layer, None])  # all layers, in the order of their calls
    _working: set[int] = field(default_factory=set[int])

    def __post_init__(self) -> None:
        self._layers = tuple(each for each in self.holding.layers if each not in self.staying)

    @contextmanager
    def running(self) -> Generator[None]:
        """Have the layers come and go inside the block."""
        pool = ThreadPoolExecutor(1, "weights")
        compiler = sys.modules.get("torch._dynamo")  # what is compiled takes its weights for granted
        hooks: list[Any] = []
        try:
            places = {layer: place for place, layer in enumerate(self._layers)}
            for layer in self.holding.layers:
                if (module := layer.module()) is None:
                    continue
                hooks.append(module.register_forward_pre_hook(self._calling(layer)))
                if layer in places:
                    hooks.append(module.register_forward_pre_hook(self._before(places[layer], pool)))
                    hooks.append(module.register_forward_hook(self._after(places[layer]), always_call=True))
            with torch.compiler.set_stance("force_eager") if compiler is not None else nullcontext():
                yield
        finally:
            for hook in hooks:
                hook.remove()
            pool.shutdown(wait=True, cancel_futures=True)
            self._on_the_way.clear()
            for place in list(self._working):  # left over where a layer failed
                self._let_go(place)

    def in_order(self) -> tuple[Layer, ...]:
        """All layers in the order of their calls; those that were not called at the end."""
        return (*self._called, *(each for each in self.holding.layers if each not in self._called))

    def _calling(self, layer: Layer) -> Any:
        def calling(_module: Any, _inputs: Any) -> None:
            self._called.setdefault(layer)

        return calling

    def _before(self, place: int, pool: ThreadPoolExecutor) -> Any:
        def before(_module: Any, _inputs: Any) -> None:
            if place in self._working:
                return
            coming = self._on_the_way.pop(place, None)
            if coming is None:
                self._forget()
                coming = pool.submit(self._fetch, place)
            self._working.add(place)
            self._put(place, coming.result())
            self._send_for(place, pool)

        return before

    def _after(self, place: int) -> Any:
        def after(_module: Any, _inputs: Any, _output: Any) -> None:
            if place in self._working:
                self._let_go(place)

        return after

    def _send_for(self, place: int, pool: ThreadPoolExecutor) -> None:
        """Have the layers behind this one fetched, as many as the window holds."""
        coming = [*self._on_the_way, *self._working]
        taken = sum(self._layers[each].size for each in coming)
        for following in range(place + 1, len(self._layers)):
            if following in self._on_the_way or following in self._working:
                continue
            taken += self._layers[following].size
            if taken > self.window:
                return
            self._on_the_way[following] = pool.submit(self._fetch, following)

    def _forget(self) -> None:
        """The guess at the order was wrong: what is on its way is not wanted yet, and takes the room of what is."""
        for other in list(self._on_the_way):
            self._on_the_way.pop(other).cancel()

    def _fetch(self, place: int) -> _Fetched:
        """In the thread that fetches: what of a layer is not near, copied in a stream of its own."""
        began = time.perf_counter()
        weights = self._layers[place].weights
        device = self.holding.device
        if device.type != "cuda":
            fetched = _Fetched(tuple(None if each.is_near else each.fetched() for each in weights), None)
        else:
            with torch.cuda.stream(_beside(device)):
                numbers = tuple(None if each.is_near else each.fetched() for each in weights)
                ready = torch.cuda.Event()
                ready.record()
            fetched = _Fetched(numbers, ready)
        brought = sum(each.nbytes for each in fetched.numbers if each is not None)
        self.holding.note(brought, time.perf_counter() - began)
        return fetched

    def _put(self, place: int, fetched: _Fetched) -> None:
        if fetched.ready is not None:
            now = torch.cuda.current_stream(self.holding.device)
            now.wait_event(fetched.ready)
            for each in fetched.numbers:
                if each is not None:
                    each.record_stream(now)
        for weight, numbers in zip(self._layers[place].weights, fetched.numbers, strict=True):
            if numbers is not None and not weight.is_near:
                weight.put(numbers)

    def _let_go(self, place: int) -> None:
        self._working.discard(place)
        for weight in self._layers[place].weights:
            if weight.is_near and weight not in self.others:
                weight.let_go(keep_in_ram=self.keeps_copy(weight))


_STREAMS: dict[torch.device, torch.cuda.Stream] = {}


def _beside(device: torch.device) -> torch.cuda.Stream:
    """The stream of copies beside the work: one per device, as each stream keeps memory of its own."""
    if device not in _STREAMS:
        _STREAMS[device] = torch.cuda.Stream(device)
    return _STREAMS[device]
