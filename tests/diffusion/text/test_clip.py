"""The text encoders of a model: layers, norms, pooling, several encoders side by side."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.device.place import Placement
from engine.diffusion.text.clip import Clip, conditioning, required
from engine.diffusion.text.tokens import Chunk
from engine.diffusion.text.towers import clip_from_tensors
from tests.diffusion.text.tiny_encoder import DEPTH, WIDTHS, tiny_tensors

MakeClip = Callable[[str], Clip]

pytestmark = pytest.mark.usefixtures("models")


def by_hand(tensors: Mapping[str, Tensor], chunk: Chunk, activation: Callable[[Tensor], Tensor]) -> list[Tensor]:
    """The states (77, width) of a one-headed encoder before and after each layer, written out as in the paper."""
    w = {name: tensor.half().float() for name, tensor in tensors.items()}

    def norm(x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], 1e-5)

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    ids = [int(token.value) for token in chunk]
    x = w["text_model.embeddings.token_embedding.weight"][ids] + w["text_model.embeddings.position_embedding.weight"]
    states = [x]
    for n in range(DEPTH):
        layer = f"text_model.encoder.layers.{n}"
        y = norm(x, f"{layer}.layer_norm1")
        q, k, v = (linear(y, f"{layer}.self_attn.{letter}_proj") for letter in "qkv")
        scores = (q @ k.T * k.shape[-1] ** -0.5).masked_fill(torch.ones(77, 77).triu(1).bool(), -torch.inf)
        x = x + linear(scores.softmax(-1) @ v, f"{layer}.self_attn.out_proj")
        y = activation(linear(norm(x, f"{layer}.layer_norm2"), f"{layer}.mlp.fc1"))
        x = x + linear(y, f"{layer}.mlp.fc2")
        states.append(x)
    return states


def quick_gelu(x: Tensor) -> Tensor:
    return x * torch.sigmoid(1.702 * x)


def final_norm(tensors: Mapping[str, Tensor], x: Tensor) -> Tensor:
    weight, bias = (tensors[f"text_model.final_layer_norm.{each}"].half().float() for each in ("weight", "bias"))
    return F.layer_norm(x, x.shape[-1:], weight, bias, 1e-5)


def assert_close(found: Tensor | None, wanted: Tensor) -> None:
    assert found is not None
    torch.testing.assert_close(found, wanted, atol=2e-5, rtol=1e-5)


def test_sd1_takes_the_last_layer_with_the_final_norm(make_clip: MakeClip) -> None:
    clip, tensors = make_clip("sd1"), tiny_tensors(WIDTHS["l"])
    tokens = clip.tokenize("a photo of a cat")
    states = by_hand(tensors, tokens["l"][0], quick_gelu)
    cond, pooled = clip.encode(tokens)
    assert_close(cond[0], final_norm(tensors, states[-1]))
    assert_close(pooled, final_norm(tensors, states[-1])[6:7])  # the first end token, not the pads that look like it


def test_sd2_takes_the_layer_before_the_last_with_the_final_norm(make_clip: MakeClip) -> None:
    clip, tensors = make_clip("sd2"), tiny_tensors(WIDTHS["h"])
    tokens = clip.tokenize("a photo of a cat")
    states = by_hand(tensors, tokens["h"][0], F.gelu)
    assert_close(clip.encode(tokens).cond[0], final_norm(tensors, states[-2]))


def test_sdxl_joins_two_encoders_without_the_norm_and_pools_the_second_projected(make_clip: MakeClip) -> None:
    clip = make_clip("sdxl")
    small, big = tiny_tensors(WIDTHS["l"]), tiny_tensors(WIDTHS["g"], projected=20, seed=1)
    tokens = clip.tokenize("a cat")
    of_l, of_g = by_hand(small, tokens["l"][0], quick_gelu), by_hand(big, tokens["g"][0], F.gelu)
    cond, pooled = clip.encode(tokens)
    assert_close(cond[0], torch.cat([of_l[-2], of_g[-2]], dim=-1))
    assert_close(pooled, final_norm(big, of_g[-1])[3:4] @ big["text_projection.weight"].half().float().T)


def test_clip_skip_overrides_the_layer_but_neither_norm_nor_pooling(make_clip: MakeClip) -> None:
    clip, tensors = make_clip("refiner"), tiny_tensors(WIDTHS["g"], projected=20)
    tokens = clip.tokenize("a cat")
    states = by_hand(tensors, tokens["g"][0], F.gelu)
    for layer in (-1, -2, -3, -4):
        if -layer <= DEPTH:
            assert_close(clip.with_layer(layer).encode(tokens).cond[0], states[layer])
    beyond = clip.with_layer(-DEPTH - 1).encode(tokens)
    assert_close(beyond.cond[0], final_norm(tensors, states[-1]))
    assert_close(beyond.pooled, clip.encode(tokens).pooled)  # pyright: ignore[reportArgumentType]


def test_a_layer_counts_from_the_end(make_clip: MakeClip) -> None:
    with pytest.raises(ValueError, match="counts from the end"):
        make_clip("sd1").with_layer(0)


def test_long_prompts_are_encoded_in_chunks_of_77(make_clip: MakeClip) -> None:
    clip = make_clip("sd1")
    prompt = "cat " * 75
    cond, pooled = clip.encode(clip.tokenize(prompt + "dog"))
    assert cond.shape == (1, 154, WIDTHS["l"])
    first, second = clip.encode(clip.tokenize(prompt)), clip.encode(clip.tokenize("dog"))
    assert_close(cond, torch.cat([first.cond, second.cond], dim=1))
    assert_close(pooled, first.pooled)  # pyright: ignore[reportArgumentType]


def test_many_chunks_go_through_in_batches_with_the_same_result(make_clip: MakeClip) -> None:
    clip = make_clip("sd1")
    cond = clip.encode(clip.tokenize("cat " * 75 * 20)).cond
    assert cond.shape == (1, 20 * 77, WIDTHS["l"])
    assert_close(cond[:, -77:], clip.encode(clip.tokenize("cat " * 75)).cond)


def test_weights_draw_states_away_from_the_empty_prompt(make_clip: MakeClip) -> None:
    clip = make_clip("sd1")
    plain, empty, weighted = (clip.encode(clip.tokenize(text)).cond for text in ("a cat", "", "a (cat:1.5)"))
    assert_close(weighted[:, 2], empty[:, 2] + 1.5 * (plain[:, 2] - empty[:, 2]))
    assert_close(weighted[:, 3:], plain[:, 3:])


def test_weights_are_rounded_to_half_precision_and_the_large_ones_kept_in_it(make_clip: MakeClip) -> None:
    parameters = make_clip("sd1").towers["l"].network.state_dict()
    for name, tensor in tiny_tensors(WIDTHS["l"]).items():
        assert parameters[name].dtype is (torch.float32 if "norm" in name else torch.float16)
        assert torch.equal(parameters[name], tensor.half().to(parameters[name]))


def test_all_is_computed_in_float32(make_clip: MakeClip) -> None:
    cond, pooled = make_clip("sdxl").encode(make_clip("sdxl").tokenize("a cat"))
    assert pooled is not None
    assert cond.dtype is pooled.dtype is torch.float32


def test_texts_for_each_encoder_have_equally_many_chunks(make_clip: MakeClip) -> None:
    clip = make_clip("sdxl")
    tokens = clip.tokenize_each({"l": "cat " * 100, "g": "dog"})
    assert [len(tokens[name]) for name in "lg"] == [2, 2]
    assert [token.value for token in tokens["g"][1]] == [49406, 49407, *[0] * 75]
    assert clip.encode(tokens).cond.shape == (1, 154, 48)


def test_more_chunks_of_one_encoder_than_of_the_other_are_cut(make_clip: MakeClip) -> None:
    clip = make_clip("sdxl")
    tokens = {"l": clip.tokenize("cat " * 100)["l"], "g": clip.tokenize("dog")["g"]}
    assert clip.encode(tokens).cond.shape == (1, 77, 48)


def test_texts_for_encoders_that_are_not_there_are_an_error(make_clip: MakeClip) -> None:
    with pytest.raises(ValueError, match="those of this sd1 model are l"):
        make_clip("sd1").tokenize_each({"l": "a", "g": "b"})


def test_embedding_vectors_stand_where_tokens_would(make_clip: MakeClip, embeddings: Path) -> None:
    clip, tensors = make_clip("sd1"), tiny_tensors(WIDTHS["l"])
    tokens = clip.tokenize("a embedding:three b")
    chunk = tokens["l"][0]
    table = tensors["text_model.embeddings.token_embedding.weight"]
    table = torch.cat([table, torch.arange(3)[:, None] * torch.ones(1, WIDTHS["l"])])
    ids = iter(range(49408, 49411))
    written = [token._replace(value=next(ids)) if isinstance(token.value, Tensor) else token for token in chunk]
    states = by_hand(tensors | {"text_model.embeddings.token_embedding.weight": table}, written, quick_gelu)
    cond, pooled = clip.encode(tokens)
    assert_close(cond[0], final_norm(tensors, states[-1]))
    assert_close(pooled, final_norm(tensors, states[-1])[6:7])


def test_vectors_of_another_width_are_left_out_and_pads_keep_the_length(make_clip: MakeClip, embeddings: Path) -> None:
    clip = make_clip("sd1")
    tokens = clip.tokenize("a b")
    start, a, b, end, *pads = tokens["l"][0]
    foreign = [start, a, *[b._replace(value=torch.zeros(5))] * 2, b, end, *pads[2:]]
    found, wanted = clip.encode({"l": [foreign]}), clip.encode(tokens)
    assert_close(found.cond, wanted.cond)
    assert_close(found.pooled, wanted.pooled)  # pyright: ignore[reportArgumentType]


def test_a_link_without_text_encoder_says_what_to_connect() -> None:
    with pytest.raises(ValueError, match="connect the CLIP output"):
        required(None)


def test_conditioning_is_one_entry_with_the_pooled_vector(make_clip: MakeClip) -> None:
    encoded = make_clip("sd1").encode(make_clip("sd1").tokenize("x"))
    ((cond, settings),) = conditioning(encoded, width=8)
    assert cond is encoded.cond
    assert settings == {"pooled_output": encoded.pooled, "width": 8}


def test_layouts_and_encoders_must_be_there() -> None:
    with pytest.raises(ValueError, match="there are sd1, sd2, sdxl, refiner"):
        clip_from_tensors("sd9", {}, Placement())
    with pytest.raises(ValueError, match="text encoders l, g; given were l"):
        clip_from_tensors("sdxl", {"l": {}}, Placement())
    with pytest.raises(ValueError, match="clip_l: no CLIP text encoder"):
        clip_from_tensors("sd1", {"l": {"a": torch.zeros(1)}}, Placement())
