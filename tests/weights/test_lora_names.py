"""The names that LoRA files may use, and the weights they mean, are those of the reference, for every architecture."""

from collections.abc import Callable, Iterator
from typing import Any

from engine.diffusion.families.unet import build_unet
from engine.weights.flux_names import flux_targets
from engine.weights.lora_names import Targets, text_targets, unet_targets
from engine.weights.patch import Target
from engine.weights.unet_shape import UNetShape

Records = list[dict[str, Any]]


def depths(*levels: int, each: int = 2) -> tuple[tuple[int, ...], ...]:
    return tuple((depth,) * each for depth in levels)


SD1 = UNetShape(
    in_channels=4,
    out_channels=4,
    widths=(320, 640, 1280, 1280),
    encoder=depths(1, 1, 1, 0),
    middle=1,
    decoder=depths(0, 1, 1, 1, each=3),
    context=768,
)
SDXL = UNetShape(
    in_channels=4,
    out_channels=4,
    widths=(320, 640, 1280),
    encoder=depths(0, 2, 10),
    middle=10,
    decoder=depths(10, 2, 0, each=3),
    context=2048,
    linear_projection=True,
    vector=2816,
)


def affine(*names: str) -> Iterator[str]:
    for name in names:
        yield from (f"{name}.weight", f"{name}.bias")


def clip_tensors(layers: int) -> Iterator[str]:
    yield "text_model.embeddings.token_embedding.weight"
    yield "text_model.embeddings.position_embedding.weight"
    yield "text_projection.weight"
    yield from affine("text_model.final_layer_norm")
    for layer in range(layers):
        stem = f"text_model.encoder.layers.{layer}"
        yield from affine(*(f"{stem}.{part}" for part in ("layer_norm1", "layer_norm2", "mlp.fc1", "mlp.fc2")))
        yield from affine(*(f"{stem}.self_attn.{part}_proj" for part in ("q", "k", "v", "out")))


def t5_tensors() -> Iterator[str]:
    yield from ("shared.weight", "encoder.final_layer_norm.weight")
    yield "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    for block in range(24):
        stem = f"encoder.block.{block}.layer"
        yield from (f"{stem}.0.SelfAttention.{part}.weight" for part in "qkvo")
        yield from (f"{stem}.1.DenseReluDense.{part}.weight" for part in ("wi_0", "wi_1", "wo"))
        yield from (f"{stem}.{index}.layer_norm.weight" for index in (0, 1))


def flux_tensors(doubles: int = 19, singles: int = 38) -> Iterator[str]:
    yield from affine("img_in", "txt_in", "final_layer.linear", "final_layer.adaLN_modulation.1")
    yield from affine(
        *(f"{part}_in.{layer}_layer" for part in ("time", "vector", "guidance") for layer in ("in", "out"))
    )
    for block in range(doubles):
        for stream in ("img", "txt"):
            stem = f"double_blocks.{block}.{stream}"
            yield from affine(*(f"{stem}_{part}" for part in ("mod.lin", "attn.qkv", "attn.proj", "mlp.0", "mlp.2")))
            yield from (f"{stem}_attn.norm.{part}_norm.scale" for part in ("query", "key"))
    for block in range(singles):
        stem = f"single_blocks.{block}"
        yield from affine(*(f"{stem}.{part}" for part in ("linear1", "linear2", "modulation.lin")))
        yield from (f"{stem}.norm.{part}_norm.scale" for part in ("query", "key"))


def encoders(**layers: int) -> dict[str, list[str]]:
    return {name: list(clip_tensors(count)) for name, count in layers.items()}


ARCHITECTURES: dict[str, Callable[[], Targets]] = {
    "sd1_unet": lambda: unet_targets(build_unet(SD1, "eight").state_dict()),
    "sdxl_unet": lambda: unet_targets(build_unet(SDXL, "width 64").state_dict()),
    "flux_transformer": lambda: flux_targets(flux_tensors()),
    "sd1_text": lambda: text_targets(encoders(clip_l=12)),
    "sd2_text": lambda: text_targets(encoders(clip_h=24)),
    "sdxl_text": lambda: text_targets(encoders(clip_l=12, clip_g=32)),
    "flux_text": lambda: text_targets({**encoders(clip_l=12), "t5xxl": list(t5_tensors())}),
}


def as_target(published: Any) -> Target:
    if isinstance(published, str):
        return Target(published)
    weight, (axis, start, count) = published
    assert axis == 0
    return Target(weight, (start, count))


def test_names_and_their_number_are_those_of_the_reference(golden: Callable[[str], Records]) -> None:
    records = [record for record in golden("lora") if record["op"] == "keymap"]
    assert {record["arch"] for record in records} == set(ARCHITECTURES)
    for record in records:
        targets = ARCHITECTURES[record["arch"]]()
        assert len(targets) == record["count"], record["arch"]
        wanted = {name: as_target(published) for name, published in record["pairs"]}
        assert {name: targets.get(name) for name in wanted} == wanted


def test_an_encoder_alone_has_no_number() -> None:
    targets = text_targets(encoders(clip_g=2))
    module = "text_model_encoder_layers_1_mlp_fc1"
    weight = Target("clip_g.transformer.text_model.encoder.layers.1.mlp.fc1.weight")
    assert targets[f"lora_te_{module}"] == weight
    assert f"lora_te2_{module}" not in targets


def test_a_third_encoder_is_counted_after_those_there_are() -> None:
    three = text_targets({**encoders(clip_l=1, clip_g=1), "t5xxl": list(t5_tensors())})
    name = "encoder_block_3_layer_0_SelfAttention_q"
    assert f"lora_te3_{name}" in three
    assert f"lora_te2_{name}" not in three


def test_fused_weights_of_flux_are_addressed_by_rows() -> None:
    targets = flux_targets(flux_tensors(1, 1))
    fused = "diffusion_model.single_blocks.0.linear1"
    assert targets[f"{fused}_qkv"] == Target(f"{fused}.weight", (0, 9216))
    last = targets["transformer.norm_out.linear"]
    assert last == Target("diffusion_model.final_layer.adaLN_modulation.1.weight", is_swapped=True)
