"""IP-Adapters: every kind of file, the whole network against its peer, and rows that each read their own picture."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from diffusers.models.attention_processor import IPAdapterAttnProcessor2_0
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor

from engine.device.place import Placement
from engine.diffusion.calls import Piece, predictions
from engine.diffusion.families.image_prompt_files import load_ip_adapter
from engine.diffusion.families.load import Checkpoint
from engine.diffusion.families.vision_files import load_vision
from engine.diffusion.image_prompt import IPAdapter, blocks_of, combined, cross_attention, prompted
from engine.diffusion.lora import add_lora
from engine.diffusion.model import Block, Model
from engine.diffusion.vision import Seen
from engine.weights.lora import read_lora
from engine.weights.read import BadFile
from tests.tiny.image_prompts import make_tiny_ip_adapter, tiny_ip_adapter
from tests.tiny.layouts import LAYOUTS, SEEN, WIDTH
from tests.tiny.loras import make_tiny_lora
from tests.tiny.styles import make_tiny_style
from tests.tiny.visions import make_tiny_vision

KINDS = ("vector", "places", "resampled")
HALF = torch.cat([torch.ones(1, 64, 32), torch.zeros(1, 64, 32)], dim=2)


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def looked_at(pictures: int = 1) -> Seen:
    places = drawn(1, pictures, 5, WIDTH)
    return Seen(drawn(2, pictures, SEEN), places, places)


@pytest.fixture
def model(tiny: Callable[[str], Checkpoint]) -> Model:
    return tiny("sd15").model


@pytest.fixture
def adapter(tmp_path: Path) -> IPAdapter:
    return load_ip_adapter(make_tiny_ip_adapter(tmp_path / "ip.safetensors"), Placement())


def peer_of(model: Model, tensors: dict[str, Tensor], weight: float) -> Any:
    """The network with the adapter in it, as the library of the paper's authors' peers has it."""
    unet: Any = deepcopy(model.network)
    parts: dict[str, dict[str, Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for name, each in tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = each.float()
    unet._load_ip_adapter_weights([parts], low_cpu_mem_usage=False)
    for processor in unet.attn_processors.values():
        if isinstance(processor, IPAdapterAttnProcessor2_0):
            cast(Any, processor).scale = [weight]
    return unet.eval()


def called(model: Model, x: Tensor, t: Tensor, context: Tensor, extras: dict[str, Tensor]) -> Tensor:
    hooks = tuple(each.hook(extras) for each in model.hooks.beside_text)
    with torch.no_grad():
        return model.family.call(model.network, x, t, context, extras, (), (), hooks)


def entry(model: Model, role: str, latent: Tensor) -> dict[str, Tensor]:
    extras: dict[str, Tensor] = {}
    for each in model.hooks.beside_text:
        extras |= each.extras({"role": role}, latent)
    return extras


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_the_network_predicts_what_its_peer_predicts(
    family: str, kind: str, tiny: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    model, tensors = tiny(family).model, tiny_ip_adapter(family, kind)
    adapter = load_ip_adapter(make_tiny_ip_adapter(tmp_path / "ip.safetensors", tensors), Placement())
    assert adapter.kind == kind
    read = adapter.read(looked_at(2))
    patched = prompted(model, adapter, read, torch.zeros_like(read), weight=0.7)
    x, t, context = drawn(3, 2, 4, 16, 8), torch.tensor([300, 700]), drawn(4, 2, 7, adapter.sizes[0][1])
    given: dict[str, Any] = {"image_embeds": [read[None].expand(2, *read.shape)]}
    extras = entry(patched, "positive", x)
    if family == "sdxl":
        given |= {"text_embeds": drawn(5, 2, WIDTH), "time_ids": torch.arange(12.0).view(2, 6)}
    peer = peer_of(model, tensors, 0.7)
    if family == "sdxl":
        sizes = peer.add_time_proj(given["time_ids"].flatten()).reshape(2, -1)
        extras["y"] = torch.cat([given["text_embeds"], sizes], dim=1)
    with torch.no_grad():
        wanted = peer(x, t, context, added_cond_kwargs=given).sample
    made = called(patched, x, t, context, extras)
    torch.testing.assert_close(made, wanted, atol=1e-5, rtol=1e-5)
    bare = {name: each for name, each in extras.items() if name == "y"}
    plain = called(model, x, t, context, bare)
    assert not torch.allclose(plain, made, atol=1e-3)
    torch.testing.assert_close(called(prompted(model, adapter, read, read, weight=0.0), x, t, context, extras), plain)


def test_a_mask_weighs_what_is_read(model: Model, adapter: IPAdapter) -> None:
    read = adapter.read(looked_at())
    x, t, context = drawn(3, 1, 4, 16, 8), torch.tensor([300]), drawn(4, 1, 7, WIDTH)
    made: list[Tensor] = []
    for mask, weight in ((torch.full((1, 20, 30), 0.5), 1.0), (None, 0.5)):
        patched = prompted(model, adapter, read, read, mask=mask, weight=weight)
        made.append(called(patched, x, t, context, entry(patched, "positive", x)))
    torch.testing.assert_close(made[0], made[1], atol=1e-5, rtol=1e-5)


def test_outside_its_mask_nothing_is_read(model: Model, adapter: IPAdapter) -> None:
    read = adapter.read(looked_at())
    seen: list[tuple[Tensor, Tensor]] = []
    (prompt,) = prompted(model, adapter, read, read, mask=HALF).hooks.beside_text
    (whole,) = prompted(model, adapter, read, read).hooks.beside_text
    hook, unmasked = (each.hook(each.extras({}, drawn(3, 1, 4, 16, 16))) for each in (prompt, whole))

    def compare(queries: Tensor, attend: Any, place: Any) -> Tensor:
        side = place.size[1]
        plain, made = attend(queries), hook(queries, attend, place)
        left, right = (
            (made - plain).unflatten(1, place.size)[:, :, half] for half in (slice(side // 2), slice(side // 2, None))
        )
        seen.append(
            (left - (unmasked(queries, attend, place) - plain).unflatten(1, place.size)[:, :, : side // 2], right)
        )
        return made

    with torch.no_grad():
        model.family.call(
            model.network, drawn(3, 1, 4, 16, 16), torch.tensor([300]), drawn(4, 1, 7, WIDTH), {}, (), (), (compare,)
        )
    assert len(seen) == len(adapter.sizes)
    for left, right in seen[:4]:  # at the finest levels a cell is on one side of the edge
        torch.testing.assert_close(left, torch.zeros_like(left), atol=1e-5, rtol=0.0)
        torch.testing.assert_close(right, torch.zeros_like(right), atol=1e-6, rtol=0.0)


def test_rows_of_one_call_each_read_their_own_picture(model: Model, adapter: IPAdapter) -> None:
    calls = 0

    def count(tokens: Tensor, attend: Any, _place: Any) -> Tensor:
        nonlocal calls
        calls += 1
        return attend(tokens)

    read = adapter.read(looked_at())
    patched = prompted(model, adapter, read, adapter.unlike(read, cast(Any, None))).hooked(attention=(count,))
    latent = drawn(3, 1, 4, 8, 8)
    pieces = [
        Piece(
            patched,
            drawn(seed, 2, 4, 8, 8),
            torch.full((2,), 5.0),
            drawn(seed, 1, 7, WIDTH),
            entry(patched, role, latent),
        )
        for seed, role in ((1, "positive"), (2, "negative"))
    ]
    with torch.no_grad():
        together = predictions(pieces)
        in_one = calls
        alone = [predictions([each])[0] for each in pieces]
    assert calls == 3 * in_one
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
    swapped = Piece(patched, pieces[0].x, pieces[0].sigma, pieces[0].context, pieces[1].extras)
    with torch.no_grad():
        assert not torch.allclose(predictions([swapped])[0], alone[0], atol=1e-3)


def test_two_adapters_add_up_and_a_lora_is_put_on_as_on_any_model(
    model: Model, adapter: IPAdapter, tmp_path: Path
) -> None:
    read = adapter.read(looked_at(2))
    x, context = drawn(3, 1, 4, 8, 8), drawn(4, 1, 7, WIDTH)

    def predicted(patched: Model) -> Tensor:
        with torch.no_grad():
            return patched.predict(x, torch.tensor([5.0]), context, entry(patched, "positive", x))

    half = prompted(model, adapter, read, read, weight=0.5)
    twice = prompted(half, adapter, read, read, weight=0.25)
    torch.testing.assert_close(
        predicted(twice), predicted(prompted(model, adapter, read, read, weight=0.75)), atol=1e-5, rtol=1e-5
    )
    lora = read_lora(make_tiny_lora(tmp_path / "lora.safetensors"))
    one, other = add_lora(half, None, lora, 1.0, 0.0)[0], add_lora(model, None, lora, 1.0, 0.0)[0]
    assert torch.equal(predicted(one), predicted(prompted(other, adapter, read, read, weight=0.5)))
    assert not torch.allclose(predicted(one), predicted(half), atol=1e-4)


def test_a_range_of_the_way_ends_where_it_is_said(model: Model, adapter: IPAdapter) -> None:
    read = adapter.read(looked_at())
    patched = prompted(model, adapter, read, read, start=0.2, end=0.5)
    at = patched.levels.at_percent
    assert patched.at(at(0.1)).hooks.beside_text == ()
    assert patched.at(at(0.1)) is patched.at(at(0.15))
    assert patched.at(at(0.3)) is patched
    assert patched.at(at(0.6)).hooks.beside_text == ()


def test_style_and_composition_are_read_where_sdxl_reads_them(
    tiny: Callable[[str], Checkpoint], model: Model, tmp_path: Path
) -> None:
    xl = tiny("sdxl").model
    unet = xl.network
    assert isinstance(unet, UNet2DConditionModel)
    adapter = load_ip_adapter(make_tiny_ip_adapter(tmp_path / "ip.safetensors", tiny_ip_adapter("sdxl")), Placement())
    read, blocks = adapter.read(looked_at()), blocks_of("style and composition", xl)
    (prompt,) = prompted(xl, adapter, read, read, blocks).hooks.beside_text
    assert {block for block, _ in cast(Any, prompt).said} == {Block("output", 1), Block("input", 8)}
    names = [name for name in unet.attn_processors if "attn2" in name]
    order = [layer for layer, _ in cross_attention(LAYOUTS["sdxl"].unet)]
    told = {names[order.index(layer)].partition(".transformer_blocks")[0] for layer in cast(Any, prompt).said}
    assert told == {"down_blocks.2.attentions.1", "up_blocks.0.attentions.1"}
    assert blocks_of("linear", xl) is None
    with pytest.raises(ValueError, match="reads the style of a picture is known of SDXL alone, and this is a sd15"):
        blocks_of("style transfer", model)


def test_several_pictures_count_side_by_side_or_as_one(adapter: IPAdapter) -> None:
    read = adapter.read(looked_at(3))
    keys, values = adapter.said(combined(read, "concat"), torch.zeros_like(read), [3])[3]
    assert keys.shape == values.shape == (2, 12, adapter.sizes[3][0])
    torch.testing.assert_close(combined(read, "add"), read.sum(dim=0)[None])
    torch.testing.assert_close(combined(read, "average"), read.mean(dim=0)[None])


def test_an_empty_picture_stands_against_places(tmp_path: Path) -> None:
    eye = load_vision(make_tiny_vision(tmp_path / "eye.safetensors"), Placement())
    tensors = tiny_ip_adapter(kind="resampled")
    adapter = load_ip_adapter(make_tiny_ip_adapter(tmp_path / "plus.safetensors", tensors), Placement())
    with torch.no_grad():
        network: Any = eye.network
        wanted = network(torch.zeros(1, 3, 28, 28), output_hidden_states=True).hidden_states[-2]
    unlike = adapter.unlike(adapter.read(looked_at(2)), eye)
    torch.testing.assert_close(unlike, wanted.expand(2, -1, -1))


def test_an_adapter_in_diffusers_names_is_the_same(tmp_path: Path, model: Model) -> None:
    for kind in KINDS:
        tensors = tiny_ip_adapter(kind=kind)
        peer = peer_of(model, tensors, 1.0).state_dict()
        saved = {name: each.half().clone() for name, each in peer.items() if "_ip." in name or "encoder_hid" in name}
        one, other = (
            load_ip_adapter(make_tiny_ip_adapter(tmp_path / f"{kind}{number}.safetensors", each), Placement())
            for number, each in enumerate((tensors, saved))
        )
        assert other.kind == one.kind == kind
        weights = one.network.state_dict()
        assert all(torch.equal(each, weights[name]) for name, each in other.network.state_dict().items())


def test_what_does_not_fit_is_told(
    adapter: IPAdapter, model: Model, tiny: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    read = adapter.read(looked_at())
    with pytest.raises(ValueError, match=r"ip\.safetensors was made for 16 .* width 32\), and this sdxl model has"):
        prompted(tiny("sdxl").model, adapter, read, read)
    with pytest.raises(ValueError, match="reads 24 numbers of a picture, and this encoder tells 32"):
        adapter.read(Seen(torch.zeros(1, WIDTH), torch.zeros(1, 5, WIDTH), torch.zeros(1, 5, WIDTH)))
    face = tiny_ip_adapter()
    face |= {"image_proj.proj.0.weight": face.pop("image_proj.proj.weight")}
    lacking = {name: each for name, each in tiny_ip_adapter(kind="resampled").items() if "proj_out" not in name}
    for name, tensors, words in (
        ("face", face, "is a FaceID adapter, which reads what a recogniser"),
        ("less", lacking, "cannot be built: 'proj_out.weight'"),
    ):
        with pytest.raises(BadFile, match=words):
            load_ip_adapter(make_tiny_ip_adapter(tmp_path / f"{name}.safetensors", tensors), Placement())
    with pytest.raises(BadFile, match="is a style model: load it with StyleModelLoader"):
        load_ip_adapter(make_tiny_style(tmp_path / "style.safetensors"), Placement())
