import pytest
import torch

from engine.diffusion.noise import (
    BrownianSource,
    NoNoise,
    RandomNoise,
    brownian_source,
    continued_source,
    default_source,
)
from tests.diffusion.analytic import Golden, mismatch

LEVEL = torch.tensor(1.0)  # sources that draw from a stream do not look at the move


def test_noise_is_that_of_the_reference(golden: Golden) -> None:
    for record in golden("noise"):
        x = torch.zeros(record["shape"])
        if record["kind"] == "initial":
            noise = RandomNoise(record["seed"]).generate({"samples": x, "batch_index": record.get("batch_index")})
            assert mismatch(noise, record) is None, record
            assert noise.flatten()[-4:].tolist() == pytest.approx(record["last"], abs=1e-6)
        elif record["kind"] == "stream":
            source = default_source(x, record["seed"])
            for draw in record["draws"]:
                assert source(LEVEL, LEVEL).flatten()[:8].tolist() == pytest.approx(draw, abs=1e-6)
        else:
            source = BrownianSource(x, record["sigma_min"], record["sigma_max"], record["seed"])
            for query in record["queries"]:
                draw = source(torch.tensor(query["from"]), torch.tensor(query["to"]))
                assert draw.flatten()[:8].tolist() == pytest.approx(query["first"], abs=1e-4)


def test_the_first_draw_repeats_the_initial_noise_and_the_continued_one_follows_it() -> None:
    x = torch.zeros(1, 4, 8, 8)
    generator = torch.Generator().manual_seed(7)
    stream = [torch.randn(x.shape, generator=generator) for _ in range(3)]
    assert torch.equal(RandomNoise(7).generate({"samples": x}), stream[0])
    assert torch.equal(default_source(x, 7)(LEVEL, LEVEL), stream[0])
    source = continued_source(x, 7)
    assert torch.equal(source(LEVEL, LEVEL), stream[1])
    assert torch.equal(source(LEVEL, LEVEL), stream[2])


def test_drawing_leaves_the_global_generator_alone() -> None:
    state = torch.get_rng_state()
    x = torch.zeros(1, 4, 4, 4)
    RandomNoise(3).generate({"samples": x})
    continued_source(x, 3)(LEVEL, LEVEL)
    BrownianSource(x, 0.1, 1.0, 3)(torch.tensor(1.0), torch.tensor(0.5))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_brownian_draw_does_not_depend_on_what_was_drawn_before() -> None:
    x, sigmas = torch.zeros(1, 4, 4, 4), torch.tensor([2.0, 1.0, 0.5, 0.0])
    one, other = brownian_source(x, sigmas, 9), brownian_source(x, sigmas, 9)
    one(sigmas[0], sigmas[1])
    assert torch.allclose(one(sigmas[1], sigmas[2]), other(sigmas[1], sigmas[2]), atol=1e-5)


def test_no_noise_is_zeros() -> None:
    assert not NoNoise().generate({"samples": torch.ones(2, 4, 3, 3)}).any()


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_beyond_64_bits_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="from 0 to 18446744073709551615"):
        RandomNoise(seed).generate({"samples": torch.zeros(1, 4, 2, 2)})


def test_batch_index_has_one_number_for_each_latent() -> None:
    with pytest.raises(ValueError, match="one each"):
        RandomNoise(1).generate({"samples": torch.zeros(2, 4, 2, 2), "batch_index": [0]})
