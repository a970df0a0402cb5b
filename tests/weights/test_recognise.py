"""A model is known by the names and shapes of its tensors, at full size and without reading any."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from engine.diffusion.families.autoencoder import build_autoencoder
from engine.diffusion.families.unet import build_unet
from engine.weights import unet_names, vae_names
from engine.weights.read import BadFile, Spec, Tensors
from engine.weights.recognise import network_prefix, recognise, vae_prefix
from engine.weights.unet_shape import UNetShape, read_unet_shape

PREFIX = "model.diffusion_model."


def unread(shapes: Mapping[str, tuple[int, ...]]) -> Tensors:
    """Tensors that are only names and shapes."""

    def read(name: str) -> torch.Tensor:
        return torch.zeros(shapes[name])

    return Tensors(Path("model.safetensors"), {name: Spec(shape, None) for name, shape in shapes.items()}, read, {})


def file_of(shape: UNetShape, **others: tuple[int, ...]) -> Tensors:
    module = build_unet(shape, "width 64").state_dict()
    names = unet_names.ldm_names(module)
    return unread({PREFIX + names[name]: tuple(each.shape) for name, each in module.items()} | others)


def depths(*levels: int, each: int = 2) -> tuple[tuple[int, ...], ...]:
    return tuple((depth,) * each for depth in levels)


def shape(
    encoder: tuple[int, ...], middle: int | None, context: int, vector: int | None, width: int = 320, channels: int = 4
) -> UNetShape:
    widths = tuple(width * factor for factor in (1, 2, 4, 4)[: len(encoder)])
    decoder = depths(*reversed(encoder), each=3)
    return UNetShape(channels, 4, widths, depths(*encoder), middle, decoder, context, True, vector)


SD2 = shape((1, 1, 1, 0), 1, 1024, None)
SDXL = shape((0, 2, 10), 10, 2048, 2816)
REFINER = shape((0, 4, 4, 0), 4, 1280, 2560, width=384)
SSD_1B = shape((0, 2, 4), None, 2048, 2816)
UPSCALER = UNetShape(
    in_channels=7,
    out_channels=4,
    widths=(256, 512, 512, 1024),
    encoder=depths(0, 1, 1, 1),
    middle=1,
    decoder=depths(1, 1, 1, 0, each=3),
    context=1024,
    linear_projection=True,
    classes=1000,
    crossed=(False, True, True, False),
)
VEGA = shape((0, 1, 2), None, 2048, 2816)


@pytest.fixture(scope="module")
def sd15(spec_dir: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the original SD 1.5 file."""
    listed: dict[str, list[int]] = json.loads((spec_dir / "parity" / "sd15.json").read_text())
    return {name: tuple(shape) for name, shape in listed.items()}


def test_sd15_is_recognised_at_full_size(sd15: dict[str, tuple[int, ...]]) -> None:
    found = recognise(unread(sd15))
    assert (found.family, found.prediction, found.concat) == ("sd15", "epsilon", "")
    assert found.unet == UNetShape(
        in_channels=4,
        out_channels=4,
        widths=(320, 640, 1280, 1280),
        encoder=depths(1, 1, 1, 0),
        middle=1,
        decoder=depths(0, 1, 1, 1, each=3),
        context=768,
    )
    assert vae_prefix(sd15) == "first_stage_model."


def test_the_modules_tensors_are_those_of_the_sd15_file_one_for_one(sd15: dict[str, tuple[int, ...]]) -> None:
    network = {name.removeprefix(PREFIX): each for name, each in sd15.items() if name.startswith(PREFIX)}
    module = build_unet(read_unet_shape(network), "eight").state_dict()
    names = unet_names.ldm_names(module)
    assert sorted(names.values()) == sorted(network)
    assert all(tuple(each.shape) == network[names[name]] for name, each in module.items())
    pictures = {name.removeprefix("first_stage_model."): each for name, each in sd15.items() if "first_stage" in name}
    coder = build_autoencoder((128, 256, 512, 512), residuals=2, latent_channels=4).state_dict()
    names = vae_names.ldm_names(coder)
    assert sorted(names.values()) == sorted(pictures)


@pytest.mark.parametrize(
    ("unet", "family"),
    [
        (SD2, "sd2"),
        (UPSCALER, "upscaler"),
        (SDXL, "sdxl"),
        (REFINER, "refiner"),
        (SSD_1B, "sdxl"),
        (VEGA, "sdxl"),
    ],
)
def test_full_size_networks_are_recognised_and_read_back_as_they_were_built(unet: UNetShape, family: str) -> None:
    found = recognise(file_of(unet))
    assert found.family == family
    assert found.unet == unet


@pytest.mark.parametrize(("channels", "concat"), [(4, ""), (8, "pix2pix"), (9, "inpaint")])
def test_more_input_channels_make_an_inpainting_or_an_editing_model(channels: int, concat: str) -> None:
    found = recognise(file_of(shape((1, 1, 1, 0), 1, 1024, None, width=64, channels=channels)))
    assert (found.family, found.concat) == ("sd2", concat)


def test_a_file_with_few_names_under_a_prefix_has_no_prefix() -> None:
    assert network_prefix(dict.fromkeys(f"model.diffusion_model.{i}" for i in range(6))) == PREFIX
    assert network_prefix(dict.fromkeys(f"model.diffusion_model.{i}" for i in range(5))) == ""
    assert network_prefix(dict.fromkeys(f"net.{i}" for i in range(9))) == "net."
    assert network_prefix({"model.input_blocks.0.0.weight": None}) == "model."


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"double_blocks.0.img_attn.norm.key_norm.scale": (128,)}, "Flux"),
        ({"joint_blocks.0.context_block.attn.qkv.weight": (9, 3)}, "Stable Diffusion 3"),
        ({f"{PREFIX}joint_blocks.{i}.context_block.attn.qkv.weight": (9, 3) for i in range(8)}, "Stable Diffusion 3"),
        ({"lora_unet_x.lora_down.weight": (4, 3)}, "a LoRA"),
        ({"control_model.input_hint_block.0.weight": (4, 3)}, "a ControlNet"),
        ({"first_stage_model.decoder.conv_in.weight": (4, 3)}, "VAELoader"),
        ({"text_model.encoder.layers.0.self_attn.q_proj.weight": (4, 3)}, "CLIPLoader"),
        ({"encoder.block.0.layer.0.SelfAttention.q.weight": (4, 3)}, "a T5 text encoder"),
        ({"something.else": (4, 3)}, "no model that is known"),
    ],
)
def test_what_cannot_be_loaded_is_called_by_its_name(names: dict[str, tuple[int, ...]], words: str) -> None:
    with pytest.raises(BadFile, match=rf"model\.safetensors: .*{words}.*SD 1\.x"):
        recognise(unread(names))


def test_a_network_with_image_prompts_is_not_taken_for_another() -> None:
    found = recognise(file_of(shape((1, 1, 1, 0), 1, 1024, 2048, width=64)))
    assert (found.family, found.unet.vector, found.latent) == ("unclip", 2048, "sd15")


def test_a_network_that_lacks_a_decoder_block_is_named_so() -> None:
    names = {name: each for name, each in file_of(SD2).shapes.items() if "output_blocks.7.0." not in name}
    with pytest.raises(BadFile, match=r"output_blocks\.7 of its decoder is missing"):
        recognise(unread(names))
