"""A LoRA on a model and its text encoders: which of the file's changes fit, and where they go."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.model import Model
from engine.diffusion.text.clip import Clip
from engine.weights import unet_names
from engine.weights.deltas import Delta, fits
from engine.weights.lora import Lora
from engine.weights.lora_names import ENCODER, NETWORK, Targets, text_targets, unet_targets
from engine.weights.lora_origin import is_of_text, made_for
from engine.weights.patch import Patch, Target

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Weight:
    """A parameter of a module that can be patched; `owner` is the text encoder that has it, or nothing."""

    owner: str
    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class _Fitted:
    """What of a LoRA goes onto one model: changes by the parameters' owners, and the modules that they come from."""

    patches: Mapping[str, tuple[Patch, ...]]
    modules: frozenset[str]


def add_lora(
    model: Model, clip: Clip | None, lora: Lora, strength_model: float, strength_clip: float
) -> tuple[Model, Clip | None]:
    """The model and its text encoders with a LoRA added to what patches they have; both given stay as they are.

    At strength 0 a part is given back itself. One warning says how much of the file fits where that is not all. Raises
    ValueError where nothing does, and for a model of a family whose names are not known.
    """
    on_network = _fit(lora, *_network(model), strength_model)
    on_text = _fit(lora, *_text(clip), strength_clip) if clip else _Fitted({}, frozenset())
    _tell(model, clip, lora, on_network.modules | on_text.modules)
    if strength_model and on_network.patches:
        model = replace(model, patches=(*model.patches, *on_network.patches[""]))
    if clip and strength_clip and on_text.patches:
        added = {
            name: replace(tower, patches=(*tower.patches, *on_text.patches.get(name, ())))
            for name, tower in clip.towers.items()
        }
        clip = replace(clip, towers=added)
    return model, clip


def _network(model: Model) -> tuple[Targets, dict[str, _Weight]]:
    if not isinstance(model.family, StableDiffusion):
        msg = f"a LoRA cannot be put on models of the family {model.family.name} today"
        raise ValueError(msg)
    tensors: dict[str, Tensor] = model.network.state_dict()
    originals = unet_names.ldm_names(tensors)
    weights = {NETWORK + originals[name]: _Weight("", name, tuple(tensor.shape)) for name, tensor in tensors.items()}
    return unet_targets(tensors), weights


def _text(clip: Clip) -> tuple[Targets, dict[str, _Weight]]:
    tensors: dict[str, dict[str, Tensor]] = {name: tower.network.state_dict() for name, tower in clip.towers.items()}
    weights = {
        ENCODER.format(clip.towers[tower].embedding) + name: _Weight(tower, name, tuple(tensor.shape))
        for tower, named in tensors.items()
        for name, tensor in named.items()
    }
    return text_targets({clip.towers[tower].embedding: named for tower, named in tensors.items()}), weights


def _fit(lora: Lora, targets: Targets, weights: Mapping[str, _Weight], strength: float) -> _Fitted:
    patches: dict[str, list[Patch]] = {}
    modules: set[str] = set()
    for module, changes in lora.modules.items():
        if module not in targets:
            continue
        wanted = [(targets[module], delta) for delta in changes.weight]
        wanted += [(_bias_of(targets[module]), delta) for delta in changes.bias]
        if all(_fits(target, delta, weights) for target, delta in wanted):
            modules.add(module)
            for target, delta in wanted:
                weight = weights[target.weight]
                patch = Patch(replace(target, weight=weight.name), delta, strength)
                patches.setdefault(weight.owner, []).append(patch)
    return _Fitted({owner: tuple(each) for owner, each in patches.items()}, frozenset(modules))


def _fits(target: Target, delta: Delta, weights: Mapping[str, _Weight]) -> bool:
    if target.weight not in weights:
        return False
    shape = weights[target.weight].shape
    return fits(delta, shape if target.rows is None else (target.rows[1], *shape[1:]))


def _bias_of(target: Target) -> Target:
    return replace(target, weight=f"{target.weight.removesuffix('.weight')}.bias")


def _tell(model: Model, clip: Clip | None, lora: Lora, fitted: frozenset[str]) -> None:
    """Say how much of a file fits, if that is not all of it."""
    wanted = [name for name in lora.modules if clip is not None or not is_of_text(name)]
    missing = [name for name in wanted if name not in fitted]
    if not wanted:
        _log.warning("%s changes text encoders only, and here it is put on a model alone", lora.path.name)
    elif missing and not fitted:
        msg = f"{lora.path.name}: none of its {len(wanted)} modules fits this {model.family.name} model{_origin(lora)}"
        raise ValueError(f"{msg}. Its first is named {missing[0]} ({lora.path})")
    elif missing or lora.strange:
        _log.warning(
            "%s: %d of its %d modules fit this %s model%s. The rest is left out, e.g. %s",
            lora.path.name,
            len(wanted) - len(missing),
            len(wanted) + len(lora.strange),
            model.family.name,
            _origin(lora) if missing else "",
            [*missing, *lora.strange][0],
        )


def _origin(lora: Lora) -> str:
    words = made_for(lora)
    return "" if words is None else f"; it seems to be made for {words}"
