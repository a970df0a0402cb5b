"""Two models, or the text encoders of two, made into one: patches that mix the second's weights into the first's.

Nothing is computed and no weight is copied here. The first model stays as it is, the second too; what was patched on
either before is part of what is mixed, and what is patched on the result later changes the mixture.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from torch import Tensor, nn

from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.model import Model
from engine.diffusion.patched import Patches
from engine.diffusion.text.clip import Clip
from engine.weights import unet_names
from engine.weights.blend import Blend
from engine.weights.patch import Patch, Target

_log = logging.getLogger(__name__)

_FIRST_LAYER = "conv_in.weight"
_PROJECTION = "text_projection.weight"  # of pooled text: single files of SD 1.x come with and without it


@dataclass(frozen=True)
class Mix:
    """How much is kept of the first model's weight, and how much taken of the second's."""

    kept: float
    taken: float


UNTOUCHED = Mix(1.0, 0.0)

Recipe = Callable[[str], Mix]
"""The mix of a weight, by its name in the original layout without prefix, e.g. `input_blocks.1.0.in_layers.0.bias`."""


def between(ratio: float) -> Mix:
    """A share of the first model, the rest of the second."""
    return Mix(ratio, 1.0 - ratio)


def by_prefix(ratios: Mapping[str, float]) -> Recipe:
    """Shares of the first model by how names begin; the longest beginning counts, and where none fits the first."""
    otherwise = next(iter(ratios.values()))

    def mix(name: str) -> Mix:
        fitting = max((prefix for prefix in ratios if name.startswith(prefix)), key=len, default=None)
        return between(otherwise if fitting is None else ratios[fitting])

    return mix


def merge_models(first: Model, second: Model, recipe: Recipe) -> Model:
    """The first model with the second's weights mixed in; its levels, hooks and all else are the first's.

    Where one of them takes more channels (inpainting), the first layer stays as the first model has it, and a warning
    says so. Raises ValueError for models of different shapes, and of a family whose names are not known.
    """
    for model in (first, second):
        if not isinstance(model.family, StableDiffusion):
            msg = f"models of the family {model.family.name} cannot be merged today"
            raise ValueError(msg)
    own, other = (dict(model.network.named_parameters()) for model in (first, second))
    names = f"the first model ({first.family.name}) and the second ({second.family.name})"
    left = _FIRST_LAYER if _differ_in_channels(own, other) else None
    _check(own, other, names, left)
    originals = unet_names.ldm_names(own)
    patches = tuple(_patches(other, second.patches, lambda name: recipe(originals[name]), left))
    if left and recipe(originals[left]) != UNTOUCHED:
        _log.warning(
            "the models that are merged take %d and %d channels: the first layer stays that of the first model",
            own[left].shape[1],
            other[left].shape[1],
        )
    return replace(first, patches=(*first.patches, *patches)) if patches else first


def merge_clips(first: Clip, second: Clip, mix: Mix) -> Clip:
    """The first model's text encoders with the second's mixed in. Raises ValueError where they are not alike."""
    if set(first.towers) != set(second.towers):
        mine, theirs = (", ".join(tower.embedding for tower in clip.towers.values()) for clip in (first, second))
        msg = f"the text encoders cannot be merged: the first model has {mine}, the second {theirs}"
        raise ValueError(f"{msg}; merge those of models of one kind")
    towers = dict(first.towers)
    for name, tower in first.towers.items():
        mine, theirs = (_encoder(clip.towers[name].network) for clip in (first, second))
        _check(mine, theirs, f"the text encoders {tower.embedding} of the first model and of the second", None)
        patches = tuple(_patches(theirs, second.towers[name].patches, lambda _: mix, None))
        towers[name] = replace(tower, patches=(*tower.patches, *patches))
    return first if mix == UNTOUCHED else replace(first, towers=towers)


def _encoder(network: nn.Module) -> dict[str, Tensor]:
    return {name: weight for name, weight in network.named_parameters() if name != _PROJECTION}


def _patches(other: Mapping[str, Tensor], patches: Patches, recipe: Recipe, left: str | None) -> Iterator[Patch]:
    """One for each weight that is not left as it is."""
    changes: dict[str, list[Patch]] = {}
    for patch in patches:
        changes.setdefault(patch.target.weight, []).append(patch)
    for name, weight in other.items():
        mix = recipe(name)
        if name != left and mix != UNTOUCHED:
            yield Patch(Target(name), Blend(weight, tuple(changes.get(name, ())), mix.kept), mix.taken)


def _differ_in_channels(own: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    mine, theirs = (weights[_FIRST_LAYER].shape for weights in (own, other))
    return mine[1] != theirs[1] and (mine[0], *mine[2:]) == (theirs[0], *theirs[2:])


def _check(own: Mapping[str, Tensor], other: Mapping[str, Tensor], names: str, left: str | None) -> None:
    """Raise ValueError where not every weight of one has its like in the other."""
    for one, another, which in ((own, other, "first"), (other, own, "second")):
        if missing := next((name for name in one if name not in another), None):
            msg = f"{names} cannot be merged: only the {which} has {missing}; merge models of one kind"
            raise ValueError(msg)
    for name, weight in own.items():
        if name != left and weight.shape != other[name].shape:
            mine, theirs = (list(weights[name].shape) for weights in (own, other))
            msg = f"{names} cannot be merged: {name} is {mine} in the one and {theirs} in the other"
            raise ValueError(f"{msg}; merge models of one kind")
