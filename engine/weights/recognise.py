"""What model a file holds, told from the names and shapes of its tensors: a table of rules, first match wins."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from engine.weights import unet_names
from engine.weights.foreign import describe
from engine.weights.read import BadFile, Tensors
from engine.weights.unet_shape import UNetShape, UnknownShape, read_unet_shape

Prediction = Literal["epsilon", "v", "edm"]
Concat = Literal["", "inpaint", "pix2pix"]

NETWORK_PREFIXES = ("model.diffusion_model.", "model.model.", "net.")
VAE_PREFIXES = ("first_stage_model.", "vae.")
SUPPORTED = (
    "SD 1.x, SD 2.x, its unCLIP and its x4 upscaler, SDXL, the SDXL refiner, and their inpainting and instruct-pix2pix"
    " variants"
)

_V_BIAS = "output_blocks.11.1.transformer_blocks.0.norm1.bias"
_V_SPREAD = 0.09  # v-prediction networks of SD2 have a wider spread of this bias than epsilon ones


@dataclass(frozen=True)
class Recognised:
    """A model as its file describes it; `levels` holds (sigma_min, sigma_max) where they are continuous."""

    family: str  # "sd15", "sd2", "unclip", "upscaler", "sdxl" or "refiner"
    unet: UNetShape
    prediction: Prediction = "epsilon"
    levels: tuple[float, float] | None = None
    zero_terminal: bool = False
    sigma_data: float = 1.0
    latent: Literal["sd15", "sdxl", "playground", "x4"] = "sd15"
    concat: Concat = ""  # what channels the network takes beside the noisy latent


@dataclass(frozen=True)
class Rule:
    """A family, and the shape of network that belongs to it."""

    family: str
    fits: Callable[[UNetShape], bool]


def _attends_at_full_size(unet: UNetShape) -> bool:
    return any(unet.encoder[0])


RULES = (
    Rule("upscaler", lambda unet: unet.classes is not None),
    Rule("sd15", lambda unet: unet.vector is None and not unet.linear_projection),
    Rule("sd2", lambda unet: unet.vector is None and unet.linear_projection),
    Rule("unclip", lambda unet: unet.linear_projection and len(unet.widths) > 3 and _attends_at_full_size(unet)),
    Rule("sdxl", lambda unet: unet.vector is not None and len(unet.widths) == 3),
    Rule("refiner", lambda unet: unet.vector is not None and not _attends_at_full_size(unet)),
)


def network_prefix(names: Mapping[str, object]) -> str:
    """What stands before the names of the network's tensors; nothing in files that hold only the network."""
    counts = {prefix: sum(name.startswith(prefix) for name in names) for prefix in NETWORK_PREFIXES}
    best = max(NETWORK_PREFIXES, key=counts.__getitem__)
    if counts[best] > 5:
        return best
    return "model." if "model.input_blocks.0.0.weight" in names else ""


def network_of(tensors: Tensors) -> Tensors:
    """The network's tensors by their original (LDM) names without prefix, whichever way the file spells them."""
    prefix = network_prefix(tensors)
    network = tensors.under(prefix) if prefix else tensors
    if unet_names.is_diffusers_unet(network):
        try:
            names = unet_names.ldm_names(network)
        except ValueError as error:
            raise BadFile(tensors.path, f"is not a network that can be loaded: {error}") from None
        return network.renamed({ldm: name for name, ldm in names.items()})
    return network


def recognise(tensors: Tensors) -> Recognised:
    """The model in a file's tensors. Raises BadFile that says what the file is, and what could be loaded."""
    network = network_of(tensors)
    foreign = describe(tensors.shapes, network.shapes)
    if foreign is not None:
        raise BadFile(tensors.path, f"is {foreign}; models that can be loaded today: {SUPPORTED}")
    try:
        unet = read_unet_shape(network.shapes)
    except UnknownShape as error:
        raise BadFile(tensors.path, f"holds no model that is known: {error}; can be loaded: {SUPPORTED}") from None
    family = next((rule.family for rule in RULES if rule.fits(unet)), None)
    if family is None:
        wrong = f"holds a UNet of no known family ({len(unet.widths)} levels, vector of width {unet.vector})"
        raise BadFile(tensors.path, f"{wrong}; can be loaded: {SUPPORTED}")
    found = replace(Recognised(family, unet), concat=_concat(unet))
    if family == "upscaler":
        return replace(found, prediction="v", latent="x4", concat="")
    if family in ("sd2", "unclip"):
        return replace(found, prediction=_sd2_prediction(network, unet))
    return _sdxl(found, tensors, network) if family in ("sdxl", "refiner") else found


def _concat(unet: UNetShape) -> Concat:
    if unet.in_channels == 8:
        return "pix2pix"
    return "inpaint" if unet.in_channels > 4 else ""


def _sd2_prediction(network: Tensors, unet: UNetShape) -> Prediction:
    """Nothing in the names tells v from epsilon; a bias that training moved does."""
    if unet.in_channels != 4 or _V_BIAS not in network:
        return "epsilon"
    return "v" if network[_V_BIAS].float().std(correction=0).item() > _V_SPREAD else "epsilon"


def _sdxl(found: Recognised, tensors: Tensors, network: Tensors) -> Recognised:
    """SDXL files say in extra tensors how they were trained, beside the network's or under its prefix."""

    def marked(name: str) -> Tensors | None:
        return next((each for each in (tensors, network) if name in each), None)

    found = replace(found, latent="sdxl")
    if found.family == "refiner":
        return found
    if marked("edm_mean") and marked("edm_std"):
        return replace(found, prediction="edm", levels=(0.002, 80.0), sigma_data=0.5, latent="playground")
    if where := marked("edm_vpred.sigma_max"):
        low = where["edm_vpred.sigma_min"].item() if "edm_vpred.sigma_min" in where else 0.002
        return replace(found, prediction="v", levels=(low, where["edm_vpred.sigma_max"].item()))
    if marked("v_pred"):
        return replace(found, prediction="v", zero_terminal=marked("ztsnr") is not None)
    return found


def markers(found: Recognised) -> dict[str, float]:
    """The extra tensors, by name and content, that make a saved SDXL file recognised as this one again."""
    if found.latent == "playground":
        return {"edm_mean": 0.0, "edm_std": 0.0}
    if found.family != "sdxl" or found.prediction != "v":
        return {}
    if found.levels:
        return {"edm_vpred.sigma_min": found.levels[0], "edm_vpred.sigma_max": found.levels[1]}
    return {"v_pred": 0.0} | ({"ztsnr": 0.0} if found.zero_terminal else {})


def vae_prefix(names: Mapping[str, object]) -> str | None:
    """What stands before the names of the autoencoder's tensors; None where a file has none."""
    for prefix in ("", *VAE_PREFIXES):
        if f"{prefix}decoder.conv_in.weight" in names:
            return prefix
    return None
