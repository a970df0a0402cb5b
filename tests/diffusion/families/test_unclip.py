"""unCLIP models take pictures as the pipeline that published them does, and several of them as one."""

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_unclip_img2img import StableUnCLIPImg2ImgPipeline
from diffusers.pipelines.stable_diffusion.stable_unclip_image_normalizer import StableUnCLIPImageNormalizer
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from safetensors.torch import save_file
from torch import Tensor

from engine.device.place import Placement
from engine.diffusion.conditioning import with_picture
from engine.diffusion.families.diffusers_folder import load_diffusers_folder
from engine.diffusion.families.load import load_checkpoint
from engine.diffusion.families.save import checkpoint_tensors
from engine.diffusion.families.unclip import Augmentor, UnClip
from engine.diffusion.model import Model
from engine.diffusion.vision import Seen
from tests.tiny.checkpoints import make_tiny_checkpoint
from tests.tiny.layouts import SEEN
from tests.tiny.visions import make_tiny_unclip

LATENT = torch.zeros(1, 4, 8, 8)


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def seen(vector: Tensor) -> Seen:
    return Seen(vector, vector[:, None], vector[:, None])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_checkpoint(make_tiny_unclip(tmp_path_factory.mktemp("u") / "unclip.safetensors"), Placement()).model


def vector_of(model: Model, *pictures: tuple[Tensor, float, float], seed: int = 0, **settings: Any) -> Tensor:
    entry: Any = [(torch.zeros(1, 1, 1), {})]
    for vector, strength, noise in pictures:
        entry = with_picture(entry, seen(vector), strength, noise)
    return model.extras({**entry[0][1], **settings, "seed": seed, "role": "positive"}, LATENT, None)["y"]


def peer(augmentor: Augmentor) -> Any:
    normalizer = StableUnCLIPImageNormalizer(augmentor.width)
    normalizer.mean.data, normalizer.std.data = augmentor.mean, augmentor.spread
    pipeline: Any = object.__new__(StableUnCLIPImg2ImgPipeline)
    vars(pipeline).update(
        image_normalizer=normalizer, image_noising_scheduler=DDPMScheduler(beta_schedule="squaredcos_cap_v2")
    )
    return pipeline


@pytest.mark.parametrize("level", [0, 50, 500, 999])
def test_a_vector_is_noised_as_by_the_published_pipeline(model: Model, level: int) -> None:
    assert isinstance(model.family, UnClip)
    augmentor = model.family.augmentor
    assert augmentor is not None
    assert augmentor.mean.abs().max() > 0
    vectors, noise = drawn(1, 2, SEEN), drawn(2, 2, SEEN)
    wanted = peer(augmentor).noise_image_embeddings(vectors, level, noise).detach()
    torch.testing.assert_close(augmentor.noised(vectors, level / 999, noise), wanted, atol=1e-5, rtol=1e-5)


def test_one_picture_counts_by_its_strength_and_none_is_zero(model: Model) -> None:
    picture = drawn(3, 1, SEEN)
    whole = vector_of(model, (picture, 1.0, 0.0))
    torch.testing.assert_close(vector_of(model, (picture, 0.5, 0.0)), 0.5 * whole)
    torch.testing.assert_close(whole[:, :SEEN], picture, atol=0.1, rtol=0.1)  # the least level is no level at all
    assert torch.equal(vector_of(model), torch.zeros(1, 2 * SEEN))


def test_several_pictures_are_summed_and_noised_once_more(model: Model) -> None:
    assert isinstance(model.family, UnClip)
    augmentor = model.family.augmentor
    assert augmentor is not None
    one, other = drawn(3, 1, SEEN), drawn(4, 1, SEEN)
    made = vector_of(model, (one, 1.0, 0.0), (other, -0.5, 0.2), unclip_noise_augment_merge=0.0)
    generator = torch.Generator().manual_seed(1)
    noise = [torch.randn(1, SEEN, generator=generator) for _ in range(3)]
    apart = augmentor.noised(one, 0.0, noise[0]) - 0.5 * augmentor.noised(other, 0.2, noise[1])
    torch.testing.assert_close(made, augmentor.noised(apart[:, :SEEN], 0.0, noise[2]))
    usual = vector_of(model, (one, 1.0, 0.0), (other, -0.5, 0.2))
    torch.testing.assert_close(usual, augmentor.noised(apart[:, :SEEN], 0.05, noise[2]))
    batch = vector_of(model, (torch.cat([one, other]), 1.0, 0.0))
    assert batch.shape == (1, 2 * SEEN)


def test_a_seed_draws_its_own_noise(model: Model) -> None:
    made = [vector_of(model, (drawn(3, 1, SEEN), 1.0, 0.5), seed=seed) for seed in (7, 7, 8)]
    assert torch.equal(made[0], made[1])
    assert not torch.allclose(made[0][:, :SEEN], made[2][:, :SEEN], atol=1e-3)
    assert torch.equal(made[0][:, SEEN:], made[2][:, SEEN:])


def test_an_encoder_of_another_width_is_told(model: Model) -> None:
    with pytest.raises(ValueError, match="tells 16 numbers of it and this unCLIP model wants 24"):
        vector_of(model, (drawn(1, 1, 16), 1.0, 0.0))


def test_files_keep_their_normalisation(model: Model, tmp_path: Path) -> None:
    kept = checkpoint_tensors(model)
    assert isinstance(model.family, UnClip)
    assert model.family.augmentor is not None
    assert torch.equal(kept["noise_augmentor.data_mean"], model.family.augmentor.mean)
    network = {name.replace("add_emb", "class_emb"): each.clone() for name, each in model.network.state_dict().items()}
    (tmp_path / "folder" / "unet").mkdir(parents=True)
    (tmp_path / "folder" / "image_normalizer").mkdir()
    save_file(network, tmp_path / "folder" / "unet" / "diffusion_pytorch_model.safetensors")
    normal = {"mean": model.family.augmentor.mean, "std": model.family.augmentor.spread}
    save_file(normal, tmp_path / "folder" / "image_normalizer" / "diffusion_pytorch_model.safetensors")
    pictures = ((drawn(1, 1, SEEN), 1.0, 0.3),)
    folder = load_diffusers_folder(tmp_path / "folder", Placement()).model
    assert torch.equal(vector_of(folder, *pictures), vector_of(model, *pictures))
    plain = load_checkpoint(make_tiny_checkpoint(tmp_path / "plain.safetensors", "unclip"), Placement()).model
    assert isinstance(plain.family, UnClip)
    assert plain.family.augmentor is not None
    assert torch.equal(plain.family.augmentor.spread, torch.ones(1, SEEN))
