import pytest
import torch

from engine.diffusion.parameterisation import EPSILON, FLOW, IMAGE, X0, Parameterisation, V, edm, lcm
from tests.diffusion.analytic import LEVELS, Golden

KINDS: dict[str, Parameterisation] = {
    "sd1_eps": EPSILON,
    "zsnr_v": V,
    "sd2_v": V,
    "v_edm": V,
    "v_cont": V,
    "x0": X0,
    "edm": edm(0.5),
    "cascade": EPSILON,
    "lcm": lcm(LEVELS["lcm"]),
    "sd3_flow": FLOW,
    "flux": FLOW,
    "schnell": FLOW,
    "aura": FLOW,
}


def test_inputs_and_outputs_are_those_of_the_reference(golden: Golden) -> None:
    x, output = torch.full((1, 1, 1, 1), 1.5), torch.full((1, 1, 1, 1), -0.7)
    for record in golden("model_sampling"):
        kind = KINDS[record["model"]]
        for case in record["precondition"]:
            sigma = torch.tensor([case["sigma"]])
            assert kind.scale_input(x, sigma).item() == pytest.approx(case["net_input"], rel=1e-6)
            assert kind.x0(x, sigma, output).item() == pytest.approx(case["denoised"], rel=1e-5, abs=2e-6)


@pytest.mark.parametrize("model", KINDS)
def test_each_image_of_a_batch_is_read_at_its_own_level(model: str) -> None:
    kind = KINDS[model]
    x, output, sigma = torch.randn(2, 4, 3, 5), torch.randn(2, 4, 3, 5), torch.tensor([0.3, 0.9])
    for i in range(2):
        alone = slice(i, i + 1)
        assert torch.allclose(kind.x0(x, sigma, output)[alone], kind.x0(x[alone], sigma[alone], output[alone]))
        assert torch.allclose(kind.scale_input(x, sigma)[alone], kind.scale_input(x[alone], sigma[alone]))


def test_an_image_to_image_network_is_taken_as_it_is() -> None:
    x, output, sigma = torch.randn(1, 3, 2, 2), torch.randn(1, 3, 2, 2), torch.tensor([0.5])
    assert IMAGE.scale_input(x, sigma) is x
    assert IMAGE.x0(x, sigma, output) is output
