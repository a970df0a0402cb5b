"""The weights of a network and where they lie: near, where the network computes; in RAM; or only in their file.

A weight that is not near costs nothing there: its parameter keeps its shape, type and device, and its numbers are NaN
until they are brought back. Networks that share a parameter share its weight.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from weakref import ReferenceType, WeakKeyDictionary, ref

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

Read = Callable[[], Tensor]
"""Gives a weight's numbers anew, on any device and in any type: mapped out of a file, or computed."""

# Layers whose weights are read by their own forward and nowhere else, so that they may come and go around it.
_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Embedding, nn.GroupNorm, nn.LayerNorm)


@dataclass(eq=False)
class Weight:
    """One parameter, and where its numbers are. It outlives its network where another one's numbers are made of it."""

    of: "ReferenceType[nn.Parameter]"
    read: Read
    shape: torch.Size
    dtype: torch.dtype
    device: torch.device
    is_near: bool = False
    ram: Tensor | None = None  # a copy in main memory, where that is not where the network computes

    @property
    def size(self) -> int:
        """Bytes when near."""
        return self.shape.numel() * self.dtype.itemsize

    def fetched(self) -> Tensor:
        """The numbers in the parameter's own type, in memory of their own near the network. Changes nothing."""
        with torch.inference_mode(False), torch.no_grad():
            stored = self.read() if self.ram is None else self.ram
            made = stored.reshape(self.shape).to(self.device, self.dtype, non_blocking=True)
            # Mapped out of a file they would lie where the file has them, and kernels round otherwise at odd
            # addresses: the same weights in two files should predict the same bits.
            return made.clone() if made.data_ptr() == stored.data_ptr() else made

    def put(self, numbers: Tensor) -> None:
        """Have the network compute with these."""
        if (parameter := self.of()) is not None:
            parameter.data = numbers
            self.is_near = True

    def let_go(self, *, keep_in_ram: bool = False) -> None:
        """Give up what lies near, keeping a copy in main memory if asked."""
        if (parameter := self.of()) is not None:
            if keep_in_ram and self.ram is None:
                self.ram = in_ram(parameter.data)
            parameter.data = _nothing(self.shape, self.dtype, self.device)
        self.is_near = False

    def value(self) -> Tensor:
        """The numbers as the network computes with them, wherever they lie."""
        parameter = self.of()
        return parameter.data if parameter is not None and self.is_near else self.fetched()


@dataclass(eq=False)
class Layer:
    """A layer of a network with weights that may come and go around its forward."""

    module: "ReferenceType[nn.Module]"
    weights: tuple[Weight, ...]

    @property
    def size(self) -> int:
        return sum(each.size for each in self.weights)


@dataclass(eq=False)
class Holding:
    """All weights of one network. `what` is told to people, `file` is where the numbers come from."""

    what: str
    file: str
    device: torch.device
    weights: tuple[Weight, ...]
    layers: tuple[Layer, ...]  # in the order in which they were last seen to run, as far as that is known
    staying: frozenset[Layer] | None = None  # those that stay near while the others come and go
    is_spared: bool = False  # whether it is to hold no more near than it has to
    users: int = 0  # how many are at work with it now
    turn: int = 0  # when it was last used, in turns of its device's account
    bytes_read: int = 0  # brought near in all
    seconds_read: float = 0.0  # that this took

    @property
    def size(self) -> int:
        return sum(each.size for each in self.weights)

    @property
    def near(self) -> int:
        """Bytes that lie where the network computes."""
        return sum(each.size for each in self.weights if each.is_near)

    @property
    def in_ram(self) -> int:
        """Bytes of copies in main memory."""
        return sum(each.ram.nbytes for each in self.weights if each.ram is not None)

    @property
    def fixed(self) -> tuple[Weight, ...]:
        """Weights of no layer: they cannot come and go while the network works."""
        mobile = {id(weight) for layer in self.layers for weight in layer.weights}
        return tuple(each for each in self.weights if id(each) not in mobile)

    def bring(self, weights: "tuple[Weight, ...] | None" = None) -> None:
        """Have these weights near, or all. Raises what running out of memory raises."""
        began, brought = time.perf_counter(), 0
        for each in self.weights if weights is None else weights:
            if not each.is_near:
                each.put(each.fetched())
                brought += each.size
        self.note(brought, time.perf_counter() - began)

    def note(self, brought: int, seconds: float) -> None:
        """So many bytes came near in so much time."""
        self.bytes_read += brought
        self.seconds_read += seconds


@dataclass
class Holdings:
    """The networks of this process whose weights may come and go, as long as they are alive."""

    of_module: "WeakKeyDictionary[nn.Module, Holding]" = field(default_factory=WeakKeyDictionary[nn.Module, Holding])
    of_parameter: WeakTensorKeyDictionary = field(default_factory=WeakTensorKeyDictionary)

    def on(self, device: torch.device) -> Iterator[Holding]:
        """Those that compute on a device."""
        return (each for each in self.all() if each.device == device)

    def all(self) -> "list[Holding]":
        """Every one, asked from any thread."""
        alive = [module for each in self.of_module.keyrefs() if (module := each()) is not None]
        return [each for module in alive if (each := self.of_module.get(module)) is not None]


holdings = Holdings()


def hold(module: nn.Module, reads: Mapping[str, Read], device: torch.device, what: str, file: str = "") -> Holding:
    """Take over the parameters of a network that has none of its own yet: `reads` gives each by its name.

    A parameter that is held already is shared. Nothing is read: every weight that is new is away.
    """
    weights: dict[str, Weight] = {}
    made: dict[int, Weight] = {}  # of parameters that stand in several places
    stand_ins: list[nn.Parameter] = []
    for name, parameter in list(module.named_parameters(remove_duplicate=False)):
        weight: Weight | None = holdings.of_parameter.get(parameter) or made.get(id(parameter))
        if weight is None:
            stand_ins.append(_stand_in(parameter, device))
            weight = made[id(parameter)] = _held(stand_ins[-1], reads[name])
        stand_in = weight.of()
        if stand_in is not parameter:
            owner, _, own_name = name.rpartition(".")
            setattr(module.get_submodule(owner), own_name, stand_in)
        weights[name] = weight
    unique = tuple(dict.fromkeys(weights.values()))
    holding = Holding(what, file, device, unique, tuple(_layers(module, weights)))
    holdings.of_module[module] = holding
    return holding


def settle(module: nn.Module) -> None:
    """Bring all weights of a network near, and leave them to it from now on."""
    holding = holdings.of_module.pop(module, None)
    if holding is None:
        return
    holding.bring()
    for each in module.parameters():
        holdings.of_parameter.pop(each, None)


def forget(module: nn.Module) -> Holding | None:
    """Leave a network's weights to others that share them; gives what was held for it."""
    return holdings.of_module.pop(module, None)


def of(module: object) -> Holding | None:
    """What is held for a network; None for one that looks after its weights itself."""
    return holdings.of_module.get(module) if isinstance(module, nn.Module) else None


def value_of(parameter: Tensor) -> Tensor:
    """The numbers of a parameter, wherever they lie."""
    weight: Weight | None = holdings.of_parameter.get(parameter)
    return parameter if weight is None else weight.value()


def numbers_of(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The names and numbers of a network's state, one after the other, wherever they lie."""
    for name, tensor in module.state_dict(keep_vars=True).items():
        yield name, value_of(tensor).detach()


def read_of(parameter: nn.Parameter) -> Read:
    """How the numbers of a parameter are got: also later, when they may lie elsewhere."""
    weight: Weight | None = holdings.of_parameter.get(parameter)
    return (lambda: parameter.data) if weight is None else weight.value


def change(parameter: nn.Parameter, altered: Callable[[Tensor], Tensor]) -> None:
    """Have a parameter's numbers altered, now and whenever they are brought near again."""
    weight: Weight | None = holdings.of_parameter.get(parameter)
    if weight is None:
        with torch.no_grad():
            parameter.copy_(altered(parameter))
        return
    before = weight.read
    weight.read = lambda: altered(before().reshape(weight.shape).to(weight.device, weight.dtype))
    if weight.is_near:
        weight.put(weight.fetched())


def in_ram(numbers: Tensor) -> Tensor:
    """A copy in main memory; pinned for NVIDIA's cards, which then copy it back while they compute."""
    with torch.inference_mode(False), torch.no_grad():
        if numbers.device.type != "cuda":
            return numbers.to("cpu", copy=True)
        kept = torch.empty(numbers.shape, dtype=numbers.dtype, pin_memory=True)
        return kept.copy_(numbers)


def _stand_in(parameter: nn.Parameter, device: torch.device) -> nn.Parameter:
    """Another parameter in place of this one: nodes run in inference mode, whose tensors cannot be given numbers."""
    with torch.inference_mode(False):
        return nn.Parameter(_nothing(parameter.shape, parameter.dtype, device), requires_grad=False)


def _held(parameter: nn.Parameter, read: Read) -> Weight:
    weight = Weight(ref(parameter), read, parameter.shape, parameter.dtype, parameter.device)
    holdings.of_parameter[parameter] = weight
    return weight


def _layers(module: nn.Module, weights: Mapping[str, Weight]) -> Iterator[Layer]:
    whole: set[str] = set()  # attention of torch's own reads the weights of its layers itself
    for name, inner in module.named_modules():
        if isinstance(inner, nn.MultiheadAttention):
            whole.add(f"{name}.")
        if not isinstance(inner, _LAYERS) or any(name.startswith(each) for each in whole):
            continue
        own = [weights[f"{name}.{each}" if name else each] for each, _ in inner.named_parameters(recurse=False)]
        if own:
            yield Layer(ref(inner), tuple(own))


def _nothing(shape: torch.Size, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A tensor of this shape and type that takes the memory of one number."""
    fill = float("nan") if dtype.is_floating_point and dtype.itemsize > 1 else 0
    with torch.inference_mode(False):
        return torch.full((), fill, dtype=torch.float32, device=device).to(dtype).expand(shape)
