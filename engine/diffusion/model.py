"""The value a MODEL link carries: a network, how its levels of noise are counted, and what nodes hooked into it.

A Model is never changed in place. A node that alters one gives back `dataclasses.replace(model, …)`; the network, with
its weights, is shared by all of them.
"""

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch
from torch import Tensor, nn

from engine.device.resident import fits_whole, require, resident, sparing
from engine.diffusion.parameterisation import variance_share
from engine.diffusion.patched import Patches, with_patches

if TYPE_CHECKING:
    from engine.diffusion.conditioning import Conditioning
    from engine.diffusion.latent_format import LatentFormat
    from engine.diffusion.levels import Levels
    from engine.diffusion.parameterisation import Parameterisation
    from engine.diffusion.tiling import Tiling


@dataclass(frozen=True)
class Block:
    """Where in a network a block hook is called: `part` is "input", "middle" or "output", `index` counts from 0."""

    part: str
    index: int


BlockHook = Callable[[Tensor, Tensor | None, Block], tuple[Tensor, Tensor | None]]
"""`hook(h, skip, block) -> (h, skip)`: hidden state (B, C, H, W), and in output blocks the skip that joins it."""


@dataclass(frozen=True)
class AttentionPlace:
    """Where in a network its picture attends to itself or to the text: a transformer layer of a block."""

    block: Block
    layer: int  # counted from 0 in each block
    size: tuple[int, int]  # height and width of the tokens, row by row
    latent: tuple[int, int]  # height and width of the latent in this call
    weights: nn.Module  # with `to_q`, `to_k`, `to_v`, `to_out` and `heads`
    sources: "tuple[Sources, ...]" = ()

    def read(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """What keys and what values are made of where a source (B, m, dim) is attended to: mostly the source itself."""
        keys = values = source
        for each in self.sources:
            keys, values = each.hook(keys, values)
        return keys, values

    @property
    def depth(self) -> int:
        """How often the latent was halved on the way here; 0 at its own size."""
        return max(0, round(math.log2(self.latent[0] * self.latent[1] / (self.size[0] * self.size[1])) / 2))


Attend = Callable[[Tensor], Tensor]
StandIn = Callable[[Tensor, Attend, AttentionPlace], Tensor]
"""`hook(tokens, attend, place) -> tokens`, all (B, n, C): stands in for attention, and may call it as `attend`."""


class Beside(Protocol):
    """What cross-attention reads beside the text. What it needs travels with each entry, so that rows may differ."""

    def is_active(self, sigma: float, levels: "Levels") -> bool:
        """Whether it counts at this level of noise."""
        ...

    def extras(self, entry: Mapping[str, Any], latent: Tensor) -> dict[str, Tensor]:
        """What one conditioning entry brings along, by names of its own: as `Family.extras`."""
        ...

    def hook(self, extras: Mapping[str, Tensor]) -> StandIn:
        """What stands in for the cross-attention of one call, whose rows bring these."""
        ...


def is_within(start: float, end: float, sigma: float, levels: "Levels") -> bool:
    """Whether a level of noise lies between two shares of the way from noise (0) to image (1)."""
    return levels.at_percent(end) <= sigma <= levels.at_percent(start)


@dataclass(frozen=True, eq=False)
class Between:
    """`hook(tokens, place) -> tokens`, both (B, n, C): changes a layer's tokens between self-attention and the text."""

    hook: Callable[[Tensor, AttentionPlace], Tensor]


@dataclass(frozen=True, eq=False)
class Sources:
    """`hook(keys, values) -> (keys, values)`, all (B, m, dim): changes what any attention makes keys and values of."""

    hook: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


AttentionHook = StandIn | Between | Sources
"""What may be hooked into the layers of a network's transformers."""


@dataclass(frozen=True)
class Ranged:
    """A block hook for a part of the way from noise (0) to image (1)."""

    hook: BlockHook
    start: float
    end: float

    def is_active(self, sigma: float, levels: "Levels") -> bool:
        return is_within(self.start, self.end, sigma, levels)


@dataclass(frozen=True)
class Guided:
    """One guided evaluation, as guidance hooks see it; all tensors (B, C, …), denoised latents unless said."""

    x: Tensor  # the noisy latent
    sigma: Tensor  # (B,)
    cond: Tensor
    uncond: Tensor  # zeros where the negative prompt was not evaluated
    scale: float
    x0: Tensor  # the guided result so far
    model: "Predictor"
    made: Mapping[str, Tensor] = field(default_factory=dict[str, Tensor])  # all predictions, asides too, by name


PredictionsHook = Callable[[list[Tensor], Guided], list[Tensor]]
GuidedHook = Callable[[Guided], Tensor]
MaskHook = Callable[[Tensor, Tensor, Tensor, "Levels"], Tensor]
"""`hook(mask, sigma, sigmas, levels) -> mask`: the noise mask (B, C, …), the level now and the whole schedule."""


SHOWN = "{}: shown"
"""The name in `Guided.made` of the latent that a watcher had predicted, by that of its aside."""


class Watcher(Protocol):
    """Sees the self-attention of one evaluation's pass over a list, and makes of it another latent to predict."""

    def __call__(self, tokens: Tensor, attend: Attend, place: AttentionPlace) -> Tensor:
        """An attention hook."""
        ...

    def shown(self, x: Tensor, sigma: Tensor, x0: Tensor, levels: "Levels") -> Tensor:
        """What is predicted next in place of x (B, C, …) at sigma (B,), where the list predicted x0."""
        ...


@dataclass(frozen=True, eq=False)
class Aside:
    """One more prediction at every evaluation, which guidance hooks find in `Guided.made` by its name.

    `of` names whose prompt is asked: "positive" is the guider's first list; or it is a list of its own. `attention`
    hooks count in this prediction alone. With `watch` it is that of a second latent, made of what a watcher saw.
    """

    name: str
    of: "Literal['positive', 'negative'] | Conditioning"
    attention: tuple[AttentionHook, ...] = ()
    watch: Callable[[], Watcher] | None = None


@dataclass(frozen=True)
class Reuse:
    """From which share of the way (0 is noise) to which a run may do without the network, while less than `threshold`
    of its output changes; `verbose` has it say how often it did.
    """

    name: str
    threshold: float
    start: float
    end: float
    verbose: bool = False


@dataclass(frozen=True)
class DeepCache:
    """From which share of the way to which a UNet is called whole once in `interval` calls. The others begin with what
    the last whole one had before its output block `first`, and compute that block, those after it, and the input blocks
    whose skips they join.
    """

    interval: int
    first: int
    start: float
    end: float


@dataclass(frozen=True, eq=False)
class Deep:
    """The state (B, C, h, w) that a UNet had before its output block `first` in an earlier call."""

    first: int
    state: Tensor


DEEP = "deep"
"""The extra input of a call that carries such a state."""


@dataclass(frozen=True)
class Hooks:
    """What nodes put into a model's sampling. Tuples: the order is that of installation.

    `predictions` may change the list [cond, uncond] before it is combined; `combine` replaces the linear formula of
    classifier-free guidance and returns x0; `finish` functions each return a new x0. `noise_mask` turns the mask into
    another one for this sigma. `always_uncond` switches the shortcut at guidance scale 1 off. `attention` hooks stand
    in for self-attention, later ones around earlier ones, change tokens behind it, or what any attention reads; those
    of `beside_text` stand in for what reads the text; `ranged` ones join `blocks` at some levels. With `tiling` the
    network sees large latents tile by tile, with `deep` not all of its blocks are called at every step.
    """

    predictions: tuple[PredictionsHook, ...] = ()
    combine: GuidedHook | None = None
    finish: tuple[GuidedHook, ...] = ()
    noise_mask: MaskHook | None = None
    always_uncond: bool = False
    blocks: tuple[BlockHook, ...] = ()
    ranged: tuple[Ranged, ...] = ()
    attention: tuple[AttentionHook, ...] = ()
    beside_text: tuple[Beside, ...] = ()
    asides: tuple[Aside, ...] = ()
    reuse: Reuse | None = None
    tiling: "Tiling | None" = None
    deep: DeepCache | None = None


class Family(Protocol):
    """What differs between families of models: what the network takes besides text, and how it is called."""

    @property
    def name(self) -> str: ...

    @property
    def latent_format(self) -> "LatentFormat": ...

    @property
    def repeats_text(self) -> bool:
        """Whether text may be repeated along its tokens without a change: true where only cross-attention reads it."""
        ...

    def values_per_cell(self, network: nn.Module) -> int:
        """How many numbers are alive per latent cell at the widest place of a call, as measured."""
        ...

    def extras(self, entry: Mapping[str, Any], latent: Tensor, mask: Tensor | None) -> dict[str, Tensor]:
        """The inputs beside text that one conditioning entry asks for, e.g. `y` (1 or B, adm) or `concat` (B, c, H, W).

        `entry` holds the settings of a conditioning entry, `role` ("positive" or "negative") and the run's `seed`;
        `latent` is the processed initial latent (B, C, H, W), `mask` the noise mask (B, 1, H, W) at latent size, if
        any. Tensors of the latent's height and width are cropped for entries that cover an area. Beside them `call`
        may find `bias` (1 or B, T): how much more each token is attended to.
        """
        ...

    def call(
        self,
        network: nn.Module,
        x: Tensor,
        t: Tensor,
        context: Tensor,
        extras: Mapping[str, Tensor],
        blocks: tuple[BlockHook, ...],
        attention: tuple[AttentionHook, ...] = (),
        beside_text: tuple[StandIn, ...] = (),
        deep: Deep | None = None,
    ) -> Tensor:
        """One call of the network: x (B, C, H, W) already scaled, t (B,), context (B, tokens, dim) -> (B, C, H, W).

        Hooks of `attention` stand in for self-attention, those of `beside_text` for the attention to the context. With
        `deep`, which models with `Hooks.deep` are given, only a part of a UNet is called.
        """
        ...


class Predictor(Protocol):
    """What guidance and sampling need of a model: it predicts clean latents, and says how its levels are counted."""

    @property
    def hooks(self) -> Hooks: ...

    @property
    def levels(self) -> "Levels": ...

    @property
    def latent_format(self) -> "LatentFormat": ...

    @property
    def device(self) -> torch.device: ...

    @property
    def repeats_text(self) -> bool: ...

    @property
    def bytes_per_cell(self) -> int:
        """Memory that one call takes for each latent cell (rows * height * width), beside the weights."""
        ...

    def fits_whole(self, work: int) -> bool:
        """Whether a call that takes so many bytes can have all weights beside it."""
        ...

    def require(self, work: int, what: str) -> None:
        """Raise OutOfMemory where memory does not hold so many bytes of work beside as few weights as need be."""
        ...

    def sparing(self) -> AbstractContextManager[None]:
        """In the block calls hold no more weights than they have to, which takes time."""
        ...

    def extras(self, entry: Mapping[str, Any], latent: Tensor, mask: Tensor | None) -> dict[str, Tensor]:
        """As `Family.extras`."""
        ...

    def predict(
        self,
        x: Tensor,
        sigma: Tensor,
        context: Tensor,
        extras: Mapping[str, Tensor],
        blocks: tuple[BlockHook, ...] = (),
    ) -> Tensor:
        """As `Model.predict`."""
        ...


@dataclass(frozen=True)
class Model:
    """A diffusion model ready to sample: frozen, shared, altered only by `dataclasses.replace`.

    `network` is as it was loaded; `patches` change its weights when it is called.
    """

    network: nn.Module
    family: Family
    levels: "Levels"
    parameterisation: "Parameterisation"
    hooks: Hooks = field(default_factory=Hooks)
    patches: Patches = ()
    tells_variance: bool = False  # whether `predict` gives what networks with twice the channels learnt of variances
    backend: str | None = None  # of torch.compile, for the layers of its transformers
    _variants: dict[Any, "Model"] = field(default_factory=dict[Any, "Model"], init=False, repr=False, compare=False)

    @property
    def patched(self) -> nn.Module:
        """The network with its patches, compiled where that is wanted. Raises OutOfMemory."""
        return with_patches(self.network, self.patches, self.backend)

    @property
    def latent_format(self) -> "LatentFormat":
        return self.family.latent_format

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.network.parameters()).dtype

    @property
    def repeats_text(self) -> bool:
        return self.family.repeats_text

    @property
    def bytes_per_cell(self) -> int:
        """Memory that one call takes for each latent cell (rows * height * width), beside the weights."""
        return self.family.values_per_cell(self.network) * self.dtype.itemsize

    def fits_whole(self, work: int) -> bool:
        """Whether a call that takes so many bytes can have all weights beside it."""
        return fits_whole(self.patched, work)

    def require(self, work: int, what: str) -> None:
        """As `Predictor.require`."""
        require(self.patched, self.device, work, what)

    def sparing(self) -> AbstractContextManager[None]:
        """As `Predictor.sparing`."""
        return sparing(self.patched)

    def extras(self, entry: Mapping[str, Any], latent: Tensor, mask: Tensor | None) -> dict[str, Tensor]:
        """The inputs beside text that one conditioning entry asks for: see `Family.extras`."""
        made = self.family.extras(entry, latent, mask)
        for each in self.hooks.beside_text:
            made = {**made, **each.extras(entry, latent)}
        return made

    def with_latent_format(self, latent_format: "LatentFormat") -> "Model":
        """The same model for latents of another scale."""
        family: Any = self.family  # families are dataclasses, which a protocol cannot say
        return replace(self, family=replace(family, latent_format=latent_format))

    def at(self, sigma: float) -> "Model":
        """The model with the hooks that count at this level."""
        active = tuple(each for each in self.hooks.beside_text if each.is_active(sigma, self.levels))
        blocks = tuple(each.hook for each in self.hooks.ranged if each.is_active(sigma, self.levels))
        return self._reading(active).hooked(blocks)

    def _reading(self, beside_text: tuple[Beside, ...]) -> "Model":
        """The model that reads these alone beside the text: the same value every time."""
        if beside_text == self.hooks.beside_text:
            return self
        key = "beside text", beside_text
        if key not in self._variants:
            self._variants.setdefault(key, replace(self, hooks=replace(self.hooks, beside_text=beside_text)))
        return self._variants[key]

    def hooked(self, blocks: tuple[BlockHook, ...] = (), attention: tuple[AttentionHook, ...] = ()) -> "Model":
        """The model with more hooks: the same value every time, so that what is wanted of it can share calls."""
        if not blocks and not attention:
            return self
        if (blocks, attention) not in self._variants:
            self._variants.setdefault((blocks, attention), self._with(blocks, attention))
        return self._variants[blocks, attention]

    def watched(self, watcher: AttentionHook) -> "Model":
        """The model with a hook of one evaluation: a value that shares calls with no other."""
        return self._with((), (watcher,))

    def _with(self, blocks: tuple[BlockHook, ...], attention: tuple[AttentionHook, ...]) -> "Model":
        hooks = self.hooks
        more = replace(hooks, blocks=(*hooks.blocks, *blocks), attention=(*hooks.attention, *attention))
        return replace(self, hooks=more)

    def predict(
        self,
        x: Tensor,
        sigma: Tensor,
        context: Tensor,
        extras: Mapping[str, Tensor],
        blocks: tuple[BlockHook, ...] = (),
    ) -> Tensor:
        """The clean latents that the network sees in `x` (B, C, H, W) at `sigma` (B,); float32 in and out.

        `blocks` are hooks of this call alone, before the model's own: a control net's residuals, say. A model that
        `tells_variance` gives (B, 2 C, H, W) if its network has learnt them: the v of Nichol & Dhariwal (2021), eq. 15,
        behind the latents.
        """
        scaled = self.parameterisation.scale_input(x, sigma)
        t = self.levels.timestep(sigma)
        cast = {name: value.to(self.dtype) if value.is_floating_point() else value for name, value in extras.items()}
        hooks = (*blocks, *self.hooks.blocks)
        x_in, text = scaled.to(self.dtype), context.to(self.dtype)
        state, setting = cast.pop(DEEP, None), self.hooks.deep
        deep = None if state is None or setting is None else Deep(setting.first, state)
        beside = tuple(each.hook(cast) for each in self.hooks.beside_text)
        network, attention = self.patched, self.hooks.attention
        with resident(network, self.bytes_per_cell * x[:, 0].numel(), f"a step of the {self.family.name} model"):
            out = self.family.call(network, x_in, t, text, cast, hooks, attention, beside, deep)
        output, rest = out.float().split([x.shape[1], out.shape[1] - x.shape[1]], dim=1)
        x0 = self.parameterisation.x0(x, sigma, output)
        return torch.cat([x0, variance_share(rest)], dim=1) if self.tells_variance else x0
