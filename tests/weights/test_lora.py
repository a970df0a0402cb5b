"""LoRA files of every kind change weights as the reference figures say, whatever their tensors are called."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.weights.deltas import Delta, Difference, Kronecker, LowRank, Redirected, Scaled, fits
from engine.weights.lora import Lora, read_lora
from engine.weights.lora_origin import made_for
from engine.weights.patch import Patch, Target, patched, round_at_random
from engine.weights.read import BadFile

Records = list[dict[str, Any]]
Read = Callable[[dict[str, Tensor]], Lora]

PAIRS = (
    (".lora_up.weight", ".lora_down.weight"),
    ("_lora.up.weight", "_lora.down.weight"),
    (".lora_B.weight", ".lora_A.weight"),
    (".lora.up.weight", ".lora.down.weight"),
    (".lora_B", ".lora_A"),
    (".lora_linear_layer.up.weight", ".lora_linear_layer.down.weight"),
    (".lora_B.default.weight", ".lora_A.default.weight"),
)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def written_and_read(tensors: dict[str, Tensor]) -> Lora:
        path = tmp_path / "some.safetensors"
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
        return read_lora(path)

    return written_and_read


def wave(scale: float, pace: float, shape: list[int]) -> Tensor:
    k = torch.arange(math.prod(shape), dtype=torch.float64)
    return (scale * torch.sin(pace * k + 0.2)).float().reshape(shape)


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(sum(shape)))


def only(lora: Lora) -> Delta:
    ((changes,), ()) = lora.modules.values(), lora.strange
    (delta,) = changes.weight
    return delta


def test_merged_weights_are_those_of_the_reference(golden: Callable[[str], Records], read: Read) -> None:
    records = [record for record in golden("lora") if record["op"] == "merge"]
    assert {record["kind"] for record in records} == {"lora", "loha", "lokr", "dora"}
    for record in records:
        tensors = {
            f"some.{name}": wave(0.4 + 0.1 * n, 0.5 + 0.21 * n, shape)
            for n, (name, shape) in enumerate(sorted(record["tensors"].items()))
        }
        if record["alpha"] is not None:
            tensors["some.alpha"] = torch.tensor(record["alpha"])
        weight = wave(0.5, 0.37, record["weight"])
        patch = Patch(Target("some"), only(read(tensors)), record["strength"])
        merged = patched(weight, [patch], "some")
        torch.testing.assert_close(
            merged.flatten()[: len(record["values"])], torch.tensor(record["values"]), rtol=0, atol=1e-6
        )
        assert merged.double().sum().item() == pytest.approx(record["sum"], abs=1e-5)
        assert merged.double().square().sum().item() == pytest.approx(record["sumsq"], abs=1e-5)


@pytest.mark.parametrize(("up", "down"), PAIRS)
def test_factors_are_known_by_every_usual_name(up: str, down: str, read: Read) -> None:
    lora = read({f"a.b{up}": random(6, 2), f"a.b{down}": random(2, 5)})
    assert list(lora.modules) == ["a.b"]
    changed = only(lora).applied(torch.zeros(6, 5), 1.0)
    torch.testing.assert_close(changed, random(6, 2) @ random(2, 5))


def test_a_convolution_may_be_one_core_between_two_factors(read: Read) -> None:
    up, mid, down = random(6, 2, 1, 1), random(2, 3, 3, 3), random(3, 5, 1, 1)
    lora = read(
        {"a.lora_up.weight": up, "a.lora_mid.weight": mid, "a.lora_down.weight": down, "a.alpha": torch.ones(())}
    )
    wanted = torch.einsum("op,pqhw,qi->oihw", up[..., 0, 0], mid, down[..., 0, 0]) / 3
    torch.testing.assert_close(only(lora).applied(torch.zeros(6, 5, 3, 3), 1.0), wanted)


def test_loha_may_have_cores_too(read: Read) -> None:
    names = ("hada_w1_a", "hada_w1_b", "hada_t1", "hada_w2_a", "hada_w2_b", "hada_t2")
    parts = dict(zip(names, (random(*shape) for shape in ((2, 6), (2, 5), (2, 2, 3, 3)) * 2), strict=True))
    lora = read({f"a.{name}": tensor for name, tensor in parts.items()})
    half = torch.einsum("pqhw,qi,po->oihw", parts["hada_t1"], parts["hada_w1_b"], parts["hada_w1_a"])
    torch.testing.assert_close(only(lora).applied(torch.zeros(6, 5, 3, 3), 1.0), half * half)


def test_lokr_scales_by_the_rank_of_its_last_decomposed_factor(read: Read) -> None:
    whole, a, b = random(2, 2), random(3, 4), random(4, 5 * 9)
    tensors = {"a.lokr_w1": whole, "a.lokr_w2_a": a, "a.lokr_w2_b": b, "a.alpha": torch.tensor(8.0)}
    changed = only(read(tensors)).applied(torch.zeros(6, 10, 3, 3), 1.0)
    torch.testing.assert_close(changed, 2 * torch.kron(whole[..., None, None], (a @ b).reshape(3, 5, 3, 3)))
    tensors = {"a.lokr_w1": whole, "a.lokr_w2": random(3, 5), "a.alpha": torch.tensor(8.0)}
    changed = only(read(tensors)).applied(torch.zeros(6, 10), 1.0)
    torch.testing.assert_close(changed, torch.kron(whole, random(3, 5)))


def test_dora_sets_the_length_of_rows_to_that_of_the_original_ones(read: Read) -> None:
    up, down, magnitude, weight = random(6, 2), random(2, 5), random(6, 1).abs(), random(6, 5)
    lora = read({"a.lora_up.weight": up, "a.lora_down.weight": down, "a.dora_scale": magnitude})
    turned = weight + up @ down
    wanted = turned * magnitude / weight.norm(dim=1, keepdim=True)
    torch.testing.assert_close(only(lora).applied(weight, 1.0), wanted)
    torch.testing.assert_close(only(lora).applied(weight, 0.5), weight + 0.5 * (wanted - weight))


def test_differences_go_to_weight_and_bias_and_a_replacement_heeds_no_strength(read: Read) -> None:
    lora = read(
        {"a.diff": torch.ones(2, 2), "a.diff_b": torch.full((2,), 3.0), "b.set_weight": torch.full((2, 2), 7.0)}
    )
    assert only_of(lora, "a").applied(torch.zeros(2, 2), 0.5).tolist() == [[0.5, 0.5], [0.5, 0.5]]
    (bias,) = lora.modules["a"].bias
    assert bias.applied(torch.zeros(2), 2.0).tolist() == [6.0, 6.0]
    assert only_of(lora, "b").applied(torch.zeros(2, 2), 0.5).tolist() == [[7.0, 7.0], [7.0, 7.0]]


def only_of(lora: Lora, module: str) -> Delta:
    (delta,) = lora.modules[module].weight
    return delta


def test_tensors_that_are_part_of_no_change_are_told_and_a_file_of_them_is_refused(read: Read) -> None:
    lora = read(
        {"a.lora_up.weight": random(2, 1), "a.lora_down.weight": random(1, 2), "b.lora_up.weight": random(2, 1)}
    )
    assert list(lora.modules) == ["a"]
    assert lora.strange == ("b",)
    with pytest.raises(BadFile, match=r"some\.safetensors: is no LoRA"):
        read({"model.weight": random(2, 2)})


def test_several_patches_follow_each_other_in_float32_and_are_rounded_once() -> None:
    weight = torch.full((1, 1), 1.0, dtype=torch.bfloat16)
    small = Difference(torch.full((1, 1), 2.0**-9))  # half of what bfloat16 tells apart at 1 is lost each time
    patches = [Patch(Target("w"), small, 1.0)] * 4
    assert patched(weight, patches, "w").item() == 1 + 2.0**-7
    assert weight.item() == 1.0


def test_a_patch_of_rows_leaves_the_others_and_swapped_halves_meet_the_right_ones() -> None:
    delta = Difference(torch.tensor([[1.0], [2.0]]))
    rows = Patch(Target("w", rows=(1, 2)), delta, 1.0).applied(torch.zeros(4, 1))
    assert rows.flatten().tolist() == [0.0, 1.0, 2.0, 0.0]
    swapped = Patch(Target("w", is_swapped=True), delta, 1.0).applied(torch.tensor([[10.0], [20.0]]))
    assert swapped.flatten().tolist() == [12.0, 21.0]


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_rounding_to_eight_bits_keeps_the_mean_and_is_the_same_each_time(dtype: torch.dtype) -> None:
    x = torch.full((20000,), 1.03)
    rounded = round_at_random(x, dtype, seed=1)
    step = torch.finfo(dtype).eps
    assert set(rounded.float().tolist()) == {1.0, 1.0 + step}
    assert rounded.float().mean().item() == pytest.approx(1.03, abs=0.005)
    assert torch.equal(rounded.float(), round_at_random(x, dtype, seed=1).float())
    exact = torch.tensor([0.0, -0.5, 2.0, 1e6]).to(dtype).float()
    limit = torch.finfo(dtype).max
    kept = round_at_random(torch.tensor([0.0, -0.5, 2.0, 1e6]), dtype, seed=0).float()
    assert kept.tolist()[:3] == exact.tolist()[:3]
    assert kept[3].item() == limit
    tiny = torch.finfo(dtype).smallest_normal / 3
    assert round_at_random(torch.full((9000,), tiny), dtype, 0).float().mean().item() == pytest.approx(tiny, rel=0.05)


def test_a_change_of_another_size_does_not_fit() -> None:
    delta = Scaled(LowRank(random(6, 2), random(2, 5)))
    assert fits(delta, (6, 5))
    assert fits(delta, (6, 5, 1, 1))
    assert not fits(delta, (6, 4))
    assert not fits(Scaled(LowRank(random(6, 3), random(2, 5))), (6, 5))
    nothing = torch.zeros(())
    strange = [
        LowRank(nothing, nothing),
        LowRank(torch.zeros(6, 0), torch.zeros(0, 5)),
        Kronecker(nothing, random(6, 4)),
    ]
    assert not any(fits(Scaled(each, alpha=1.0), (6, 5)) for each in strange)
    assert not fits(Redirected(delta, nothing), (6, 5))
    assert not fits(Redirected(delta, random(4)), (6, 5))


def test_an_alpha_that_is_no_number_is_refused(read: Read) -> None:
    with pytest.raises(BadFile, match=r"some\.safetensors: a\.alpha should be one number, but has the shape \[2\]"):
        read({"a.lora_up.weight": random(2, 1), "a.lora_down.weight": random(1, 2), "a.alpha": torch.ones(2)})


@pytest.mark.parametrize(
    ("name", "width", "words"),
    [
        ("lora_unet_double_blocks_0_img_attn_proj", 8, "Flux"),
        ("transformer.single_transformer_blocks.0.attn.to_q", 8, "Flux"),
        ("lora_unet_joint_blocks_0_x_block_attn_qkv", 8, "Stable Diffusion 3"),
        ("diffusion_model.blocks.0.self_attn.q", 8, "Wan"),
        ("lora_te2_text_model_encoder_layers_0_mlp_fc1", 8, "SDXL"),
        ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k", 2048, "SDXL"),
        ("unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.processor.to_v", 768, "SD 1.x"),
        ("diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_v", 1024, "SD 2.x"),
        ("lora_te_text_model_encoder_layers_0_self_attn_q_proj", 768, None),
    ],
)
def test_what_a_file_was_made_for_is_told_from_its_names_and_shapes(
    name: str, width: int, words: str | None, read: Read
) -> None:
    lora = read({f"{name}.lora_up.weight": random(4, 1), f"{name}.lora_down.weight": random(1, width)})
    assert made_for(lora) == words
